//! How an experiment is carried out: its looks, what its pilot came to, and the rounds that were made again.

use rusqlite::params;

use super::{Store, StoreError};
use crate::run::{ExperimentId, PilotResult, Repetition, RunId};

/// A look at which verdicts could be given.
#[derive(Clone, Debug, PartialEq)]
pub struct LookRow {
    /// Complete rounds at that time.
    pub rounds: u32,
    /// Two-sided alpha that it spent.
    pub alpha: f64,
    /// Why it was made: `planned`, `budget_end`, `interruption`, `resume`, `report`.
    pub occasion: String,
}

impl Store {
    /// The looks of an experiment, in order.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn looks(&self, id: ExperimentId) -> Result<Vec<LookRow>, StoreError> {
        let sql = "SELECT rounds, alpha, occasion FROM look WHERE experiment = ?1 ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let looks = statement.query_map([id.0], |row| {
            Ok(LookRow { rounds: row.get(0)?, alpha: row.get(1)?, occasion: row.get(2)? })
        })?;
        Ok(looks.collect::<Result<_, _>>()?)
    }

    /// Enters a look after `known` others; false, without entering it, if another process has entered one meanwhile.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn add_look(&self, id: ExperimentId, known: u32, look: &LookRow) -> Result<bool, StoreError> {
        self.within_seal(id, |connection| {
            let added = connection.execute(
                "INSERT INTO look (experiment, number, rounds, alpha, occasion) \
                 SELECT ?1, coalesce((SELECT max(number) FROM look WHERE experiment = ?1), 0) + 1, ?2, ?3, ?4 \
                 WHERE (SELECT count(*) FROM look WHERE experiment = ?1) = ?5",
                params![id.0, look.rounds, look.alpha, look.occasion, known],
            )?;
            Ok(added == 1)
        })
    }

    /// The runs for whose sake rounds of an experiment were made again, in order.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn repetitions(&self, id: ExperimentId) -> Result<Vec<Repetition>, StoreError> {
        let sql =
            "SELECT round, last_run, run, profile, reason FROM repetition WHERE experiment = ?1 ORDER BY run";
        let mut statement = self.connection.prepare_cached(sql)?;
        let repetitions = statement.query_map([id.0], |row| {
            Ok(Repetition {
                round: row.get(0)?,
                last_run: RunId(row.get(1)?),
                run: RunId(row.get(2)?),
                profile: row.get(3)?,
                reason: row.get(4)?,
            })
        })?;
        Ok(repetitions.collect::<Result<_, _>>()?)
    }

    /// Writes down that a round is made again, by the runs that were disturbed.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn add_repetitions(&mut self, id: ExperimentId, disturbed: &[Repetition]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for one in disturbed {
            transaction.execute(
                "INSERT OR REPLACE INTO repetition (experiment, run, round, last_run, profile, reason) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![id.0, one.run.0, one.round, one.last_run.0, one.profile, one.reason],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Writes down what the pilot of an experiment came to.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn keep_pilot(&self, id: ExperimentId, pilot: &PilotResult) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE experiment SET pilot = ?2, run_time_us = ?3 WHERE id = ?1",
            params![id.0, pilot.text, pilot.run_time_us],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewExperiment;

    fn stored() -> (tempfile::TempDir, Store, ExperimentId) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).unwrap();
        let new = NewExperiment { rounds: 20, ..NewExperiment::default() };
        let id = store.begin_experiment(&new).unwrap();
        (folder, store, id)
    }

    #[test]
    fn experiments_of_older_stores_have_the_looks_that_they_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let old = rusqlite::Connection::open(&path).unwrap();
        crate::store::schema::make_version(&old, 9);
        // (planned, complete, how it ended)
        let experiments = [
            (20, 5, "decided"),
            (20, 7, "budget"),
            (5, 5, "rounds"),
            (20, 3, "budget"),
            (12, 12, "rounds"),
            (20, 11, ""),
        ];
        for (id, (planned, complete, ended)) in (1..).zip(experiments) {
            old.execute(
                "INSERT INTO experiment (id, scenario, started_at, rounds, seed, command, baseline, treatments, load, ended) \
                 VALUES (?1, 's', '', ?2, 1, '', 'a', 'b' || char(10) || 'c', 'l', ?3)",
                params![id, planned, ended],
            )
            .unwrap();
            // The round after the complete ones lacks an arm.
            for (round, profile) in
                (1..=complete + 1).flat_map(|round| ["a", "b", "c"].map(|profile| (round, profile)))
            {
                let state = if round > complete && profile == "c" { "interrupted" } else { "done" };
                old.execute(
                    "INSERT INTO run (scenario, scenario_file, fingerprint, load, load_text, profile, experiment, round, \
                     state, started_at, started_unix_us, heartbeat_unix_us, process, machine, seed, command, tool_version) \
                     VALUES ('s', '', '', 'l', '', ?1, ?2, ?3, ?4, '', 0, 0, 0, '', 1, '', '')",
                    params![profile, id, round, state],
                )
                .unwrap();
            }
        }
        drop(old);
        let store = Store::open(&path).unwrap();
        let looks = |id| -> Vec<(u32, f64)> {
            let looks = store.looks(ExperimentId(id)).unwrap();
            looks.iter().map(|look| (look.rounds, (look.alpha * 1e6).round() / 1e6)).collect()
        };
        assert_eq!(looks(1), [(5, 0.01)]);
        assert_eq!(looks(2), [(5, 0.01), (7, 0.04)]);
        assert_eq!(looks(3), [(5, 0.05)]);
        assert_eq!(looks(4), []);
        assert_eq!(looks(5), [(5, 0.01), (10, 0.015), (12, 0.025)]);
        assert_eq!(looks(6), [(5, 0.01), (10, 0.015), (11, 0.015)]);
    }

    #[test]
    fn a_look_is_entered_only_by_who_knows_those_before_it() {
        let (_folder, store, id) = stored();
        let look = |rounds| LookRow { rounds, alpha: 0.01, occasion: "planned".to_owned() };
        assert!(store.add_look(id, 0, &look(5)).unwrap());
        assert!(!store.add_look(id, 0, &look(6)).unwrap(), "it did not know of the first");
        assert!(store.add_look(id, 1, &look(10)).unwrap());
        assert_eq!(store.looks(id).unwrap(), [look(5), look(10)]);
    }

    #[test]
    fn pilot_and_repetitions_are_read_back() {
        let (_folder, mut store, id) = stored();
        let repetition = Repetition {
            round: 2,
            last_run: RunId(6),
            run: RunId(5),
            profile: "a".to_owned(),
            reason: "clock: it was set".to_owned(),
        };
        store.add_repetitions(id, std::slice::from_ref(&repetition)).unwrap();
        assert_eq!(store.repetitions(id).unwrap(), [repetition]);
        let pilot = PilotResult { run_time_us: Some(7), text: "Runs get longer.".to_owned() };
        assert_eq!(store.experiment_facts(id).unwrap().pilot, None);
        store.keep_pilot(id, &pilot).unwrap();
        assert_eq!(store.experiment_facts(id).unwrap().pilot, Some(pilot));
    }
}
