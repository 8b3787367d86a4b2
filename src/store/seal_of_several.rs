//! Seals of what consists of several runs, experiments and searches for capacity: over what was planned, what was decided on
//! the way, and the seals of the runs.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::checksum as rows;
use super::seal::{self, FORM};
use super::{Store, StoreError};
use crate::checksum;
use crate::run::{CapacityId, ExperimentId, LoadUnit, RunId, RunState, Seal};

/// By how much of itself a load may differ from its run's: what arithmetic leaves.
const LOADS_DIFFER: f64 = 1e-9;

/// A kind of what consists of several runs.
struct Several {
    /// What it is called, before its number.
    name: &'static str,
    /// Its table.
    table: &'static str,
    /// The table of its seals, and the column that says whose they are.
    seals: (&'static str, &'static str),
    /// What its seal covers, in words.
    covers: &'static str,
    /// Asks for the rows that its seal covers; ?1 is its number.
    rows: &'static [&'static str],
}

const EXPERIMENT: Several = Several {
    name: "experiment e",
    table: "experiment",
    seals: ("experiment_seal", "experiment"),
    covers: "the plan, the looks or the runs",
    rows: &[
        "SELECT id, scenario, started_at, rounds, seed, command, baseline, treatments, load, ended, is_exact, pilot, run_time_us \
         FROM experiment WHERE id = ?1",
        "SELECT number, rounds, alpha, occasion FROM look WHERE experiment = ?1 ORDER BY number",
        "SELECT run, round, last_run, profile, reason FROM repetition WHERE experiment = ?1 ORDER BY run",
        "SELECT r.id, s.sha256 FROM run r LEFT JOIN seal s ON s.run = r.id WHERE r.experiment = ?1 ORDER BY r.id",
    ],
};

const SEARCH: Several = Several {
    name: "capacity search c",
    table: "capacity_search",
    seals: ("capacity_seal", "search"),
    covers: "the terms, the trials or the runs",
    rows: &[
        "SELECT id, scenario, profiles, load, started_at, seed, command, subject, ended FROM capacity_search WHERE id = ?1",
        "SELECT t.number, t.run, t.profile, t.load, t.purpose, t.missed, s.sha256 FROM capacity_trial t \
         LEFT JOIN seal s ON s.run = t.run WHERE t.search = ?1 ORDER BY t.number",
    ],
};

impl Several {
    /// The checksum of one as it stands.
    fn sum(&self, connection: &Connection, id: i64) -> Result<String, StoreError> {
        let mut text = format!("loadproof {} seal {FORM}\n", self.table);
        for sql in self.rows {
            let mut statement = connection.prepare_cached(sql)?;
            let mut found = statement.query([id])?;
            let mut blocks = rows::Blocks::of(RunId(0), "");
            let mut sums = Vec::new();
            while let Some(row) = found.next()? {
                sums.extend(blocks.add(rows::values(row)?));
            }
            sums.extend(blocks.rest());
            text.extend(sums.into_iter().map(|block| block.sha256 + " "));
            text.push('\n');
        }
        Ok(checksum::sha256(text))
    }

    /// Whether one is what was written.
    fn seal(&self, connection: &Connection, id: i64) -> Result<Seal, StoreError> {
        let (Self { name, table, covers, .. }, (seals, whose)) = (self, self.seals);
        let sql = format!("SELECT form, sha256 FROM {seals} WHERE {whose} = ?1");
        let found = connection.query_row(&sql, [id], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)));
        let what = format!("{name}{id}");
        match found.optional()? {
            Some((form, _)) if form != FORM => Ok(Seal::of_form(&what, form)),
            Some((_, sha256)) if self.sum(connection, id)? == sha256 => Ok(Seal::Whole { sha256 }),
            Some(_) => Ok(Seal::Broken { changed: vec![format!("{covers} of {what}")] }),
            None => {
                let sql = format!("SELECT ended <> '' FROM {table} WHERE id = ?1");
                let has_ended = connection.query_row(&sql, [id], |row| row.get(0)).optional()?;
                Ok(if has_ended.unwrap_or(false) { Seal::gone(&what) } else { Seal::None })
            }
        }
    }

    /// Seals one as it stands, in place of the seal that it had.
    fn close(&self, connection: &Connection, id: i64) -> Result<(), StoreError> {
        let (seals, whose) = self.seals;
        let sql = format!("INSERT OR REPLACE INTO {seals} ({whose}, form, sha256) VALUES (?1, ?2, ?3)");
        connection.execute(&sql, params![id, FORM, self.sum(connection, id)?])?;
        Ok(())
    }

    /// Those that have ended.
    fn ended(&self, connection: &Connection) -> Result<Vec<i64>, StoreError> {
        let sql = format!("SELECT id FROM {} WHERE ended <> '' ORDER BY id", self.table);
        let mut statement = connection.prepare(&sql)?;
        Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }
}

impl Store {
    /// Whether what is stored of an experiment besides its runs is what was written.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn experiment_seal(&self, id: ExperimentId) -> Result<Seal, StoreError> {
        EXPERIMENT.seal(&self.connection, id.0)
    }

    /// Seals an experiment as it stands, in place of the seal that it had.
    pub(super) fn seal_experiment(&self, id: ExperimentId) -> Result<(), StoreError> {
        EXPERIMENT.close(&self.connection, id.0)
    }

    /// Takes the seal of an experiment that goes on again.
    pub(super) fn unseal_experiment(&self, id: ExperimentId) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM experiment_seal WHERE experiment = ?1", [id.0])?;
        Ok(())
    }

    /// Changes an experiment as its seal allows: one that was whole is sealed anew, one that was broken stays so.
    pub(super) fn within_seal<T>(
        &self,
        id: ExperimentId,
        change: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // At once: of two that change it, one sees what the other has done.
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let was_whole = self.experiment_seal(id)?.sha256().is_some();
        let changed = change(&transaction)?;
        if was_whole {
            self.seal_experiment(id)?;
        }
        transaction.commit()?;
        Ok(changed)
    }

    /// Whether what is stored of a search for capacity besides its runs is what was written, and its trials are what their
    /// runs were made as.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn capacity_seal(&self, id: CapacityId) -> Result<Seal, StoreError> {
        let mut changed = match SEARCH.seal(&self.connection, id.0)? {
            Seal::Broken { changed } => changed,
            seal if self.strange_trials(id)?.is_empty() => return Ok(seal),
            _ => Vec::new(),
        };
        changed.extend(self.strange_trials(id)?);
        Ok(Seal::Broken { changed })
    }

    /// Seals a search for capacity as it stands.
    pub(super) fn seal_capacity(&self, id: CapacityId) -> Result<(), StoreError> {
        SEARCH.close(&self.connection, id.0)
    }

    /// Takes the seal of a search that goes on again.
    pub(super) fn unseal_capacity(&self, id: CapacityId) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM capacity_seal WHERE search = ?1", [id.0])?;
        Ok(())
    }

    /// Trials whose runs were made with another profile or at another load, in words.
    fn strange_trials(&self, id: CapacityId) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT t.number, t.run, t.load, t.profile = r.profile, r.max_in_flight, r.rate_per_s, s.subject \
                   FROM capacity_trial t JOIN capacity_search s ON s.id = t.search LEFT JOIN run r ON r.id = t.run \
                   WHERE t.search = ?1 ORDER BY t.number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([id.0])?;
        let mut strange = Vec::new();
        while let Some(row) = rows.next()? {
            let (number, run, load): (i64, RunId, f64) = (row.get(0)?, RunId(row.get(1)?), row.get(2)?);
            let made = match unit(&row.get::<_, String>(6)?) {
                Some(LoadUnit::Users) => row.get::<_, Option<f64>>(4)?,
                Some(LoadUnit::PerSecond) => row.get::<_, Option<f64>>(5)?,
                // Of a multiple, a run's facts do not tell.
                Some(LoadUnit::Times) | None => Some(load),
            };
            let is_same = |made: f64| (made - load).abs() <= made.abs() * LOADS_DIFFER;
            if row.get::<_, Option<bool>>(3)? != Some(true) {
                strange.push(format!(
                    "the profile of trial {number} of capacity search {id}, which is not that of run {run}"
                ));
            }
            if !made.is_some_and(is_same) {
                strange.push(format!(
                    "the load of trial {number} of capacity search {id}, which is not that of run {run}"
                ));
            }
        }
        Ok(strange)
    }

    /// Seals all that has ended as it stands, in place of the seals that it had: what was changed is then what was measured.
    /// No command does this; it is for tests of what other measurements would come to.
    ///
    /// # Errors
    /// If the store cannot be written.
    #[doc(hidden)]
    pub fn seal_anew(&self) -> Result<(), StoreError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        transaction.execute_batch(
            "DELETE FROM seal; DELETE FROM seal_block; DELETE FROM experiment_seal; DELETE FROM capacity_seal;",
        )?;
        for run in self.runs()?.iter().rev().filter(|run| run.end.state != RunState::Running) {
            seal::anew(&transaction, run.id)?;
        }
        for several in [EXPERIMENT, SEARCH] {
            for id in several.ended(&transaction)? {
                several.close(&transaction, id)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

/// What a search's loads are counted in, by what it went by.
fn unit(subject: &str) -> Option<LoadUnit> {
    let subject: serde_json::Value = serde_json::from_str(subject).ok()?;
    serde_json::from_value(subject.pointer("/terms/limits/unit")?.clone()).ok()
}
