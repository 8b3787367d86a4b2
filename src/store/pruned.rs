//! Taking the samples of a run out of the store, and what tells of that.
//!
//! A run that was pruned keeps its facts, its signals, its exchanges and counts of checks under its own seal, and under a
//! checksum of the pruning what was worked out from its samples before: histograms, metrics, audit and verdicts.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::checksum::{self as rows, Which};
use super::{Store, StoreError, histogram, now_unix_us, sql_integer};
use crate::checksum;
use crate::run::{RunId, Seal, StoredHistogram};
use crate::utc;

/// Why a run's samples should stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The run.
    pub run: RunId,
    /// What needs them, in words.
    pub by: String,
}

/// How much of the store's file is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The file's size, bytes.
    pub file: u64,
    /// Of these, bytes that new rows will use before the file grows.
    pub free: u64,
}

impl Store {
    /// When the samples of a run were pruned, µs since 1970 (UTC); none if they were not.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn pruned(&self, run: RunId) -> Result<Option<i64>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT at_unix_us FROM pruned WHERE run = ?1")?;
        Ok(statement.query_row([run.0], |row| row.get(0)).optional()?)
    }

    /// Refuses to answer from samples that were pruned.
    pub(super) fn require_samples(&self, run: RunId) -> Result<(), StoreError> {
        match self.pruned(run)? {
            None => Ok(()),
            Some(at) => Err(StoreError::SamplesPruned { run, at: utc::to_minute(at / 1_000_000) }),
        }
    }

    /// The runs whose samples something may ask for again: experiments, searches for capacity, accepted levels, sign-offs.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn needs(&self) -> Result<Vec<Need>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT id, 'experiment e' || experiment FROM run WHERE experiment IS NOT NULL \
             UNION ALL SELECT run, 'capacity search c' || search FROM capacity_trial \
             UNION ALL SELECT run, 'its level was accepted' FROM note WHERE accepts \
             UNION ALL SELECT run, 'sign-off of ' || version FROM signed_off",
        )?;
        let needs = statement.query_map([], |row| Ok(Need { run: RunId(row.get(0)?), by: row.get(1)? }))?;
        Ok(needs.collect::<Result<_, _>>()?)
    }

    /// Writes down that runs were evidence when a release was signed off.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn note_signed_off(&self, runs: &[RunId], version: &str) -> Result<(), StoreError> {
        if self.is_read_only {
            return Ok(());
        }
        let transaction = self.connection.unchecked_transaction()?;
        for run in runs {
            transaction.execute(
                "INSERT OR REPLACE INTO signed_off (run, version, at_unix_us) VALUES (?1, ?2, ?3)",
                params![run.0, version, now_unix_us()],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// Takes the samples of a run out of the store, and keeps its histograms instead. It is done whole or not at all.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn prune(&mut self, run: RunId, histograms: &[StoredHistogram]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        histogram::write(&transaction, run, histograms)?;
        let samples: u64 = histograms.iter().map(|one| one.samples).sum();
        transaction.execute(
            "INSERT INTO pruned (run, at_unix_us, samples, sha256) VALUES (?1, ?2, ?3, '')",
            params![run.0, now_unix_us(), sql_integer(samples)],
        )?;
        let sum = sum_of_kept(&transaction, run)?;
        transaction.execute("UPDATE pruned SET sha256 = ?2 WHERE run = ?1", params![run.0, sum])?;
        super::rows::delete_samples(&transaction, run)?;
        Ok(transaction.commit()?)
    }

    /// What is not as the pruning of a run has left it, in words.
    pub(super) fn changed_since_pruning(&self, run: RunId) -> Result<Vec<String>, StoreError> {
        let mut changed = Vec::new();
        if self.has_samples(run)? {
            changed.push(format!("samples of run {run} (added; they were pruned)"));
        }
        let sql = "SELECT sha256 FROM pruned WHERE run = ?1";
        let sealed: String = self.connection.query_row(sql, [run.0], |row| row.get(0))?;
        if sealed != sum_of_kept(&self.connection, run)? {
            changed.push(format!("what was kept of run {run} when its samples were pruned"));
        }
        Ok(changed)
    }

    /// What was changed of a run that was pruned; none if nothing is known to have been.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn breach_of_pruned(&self, run: RunId) -> Result<Option<String>, StoreError> {
        Ok(match self.seal(run, true)? {
            Seal::Pruned | Seal::Whole { .. } => None,
            seal => Some(seal.breach().unwrap_or_else(|| "it has no seal".to_owned())),
        })
    }

    /// How much of the file is in use.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn room(&self) -> Result<Room, StoreError> {
        let pragma = |name: &str| {
            let sql = format!("PRAGMA {name}");
            self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
        };
        let page = pragma("page_size")?;
        Ok(Room { file: pragma("page_count")? * page, free: pragma("freelist_count")? * page })
    }

    /// Writes the file anew without the room that is free in it; how long that took. It needs as much room on the disk as
    /// what is left.
    ///
    /// # Errors
    /// If it cannot be written, or somebody else is using the store.
    pub fn vacuum(&self) -> Result<Duration, StoreError> {
        let begun = Instant::now();
        self.connection.execute_batch("VACUUM")?;
        // The file shrinks when the log has been taken over into it.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(begun.elapsed())
    }
}

/// The checksum of what is kept of a run without its samples, over the seal of the run itself.
fn sum_of_kept(connection: &Connection, run: RunId) -> Result<String, StoreError> {
    let seal: Option<String> = connection
        .query_row("SELECT sha256 FROM seal WHERE run = ?1", [run.0], |row| row.get(0))
        .optional()?;
    let mut text = format!("loadproof pruning 1\nrun {run}\nseal {}\n", seal.unwrap_or_default());
    for part in Which::Kept.parts() {
        text.push_str(part.name);
        for block in rows::some_summed_up(connection, run, Which::Kept, |other| other.name == part.name)? {
            text.push(' ');
            text.push_str(&block.sha256);
        }
        text.push('\n');
    }
    Ok(checksum::sha256(text))
}
