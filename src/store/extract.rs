//! A small store that holds some runs of a large one: the evidence that goes into a bundle.

use std::path::Path;

use rusqlite::params;

use super::ids::id_range;
use super::{Store, StoreError};
use crate::run::RunId;

/// What is copied: facts of all wanted runs, and what was measured in those that are wanted whole. Words and experiments
/// come first: runs refer to them.
const FACTS: [&str; 18] = [
    "INSERT INTO extract.experiment SELECT * FROM main.experiment \
     WHERE id IN (SELECT r.experiment FROM main.run r JOIN wanted w ON w.run = r.id)",
    "INSERT INTO extract.look SELECT * FROM main.look WHERE experiment IN (SELECT id FROM extract.experiment)",
    "INSERT INTO extract.repetition SELECT * FROM main.repetition \
     WHERE experiment IN (SELECT id FROM extract.experiment)",
    "INSERT INTO extract.run SELECT * FROM main.run WHERE id IN (SELECT run FROM wanted)",
    "INSERT INTO extract.environment SELECT * FROM main.environment WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.run_phase SELECT * FROM main.run_phase WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.hook SELECT * FROM main.hook WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.fault SELECT * FROM main.fault WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.agent SELECT * FROM main.agent WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.agent_run SELECT * FROM main.agent_run WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.source SELECT * FROM main.source WHERE sha256 IN \
     (SELECT s.sha256 FROM main.run_source s JOIN wanted w ON w.run = s.run)",
    "INSERT INTO extract.run_source SELECT * FROM main.run_source WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.endpoint SELECT * FROM main.endpoint",
    "INSERT INTO extract.user_class SELECT * FROM main.user_class",
    "INSERT INTO extract.seal SELECT * FROM main.seal WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.seal_block SELECT * FROM main.seal_block WHERE run IN (SELECT run FROM wanted)",
    "INSERT INTO extract.experiment_seal SELECT * FROM main.experiment_seal \
     WHERE experiment IN (SELECT id FROM extract.experiment)",
    "UPDATE extract.seal_start SET is_part = 1",
];

/// ?1 and ?2: the ids of a run's rows.
const MEASURED: [&str; 7] = [
    "INSERT OR IGNORE INTO extract.reason SELECT * FROM main.reason WHERE id IN \
     (SELECT reason FROM main.sample WHERE block >= ?1 AND block < ?2 AND reason IS NOT NULL)",
    "INSERT INTO extract.sample_block SELECT * FROM main.sample_block WHERE id >= ?1 AND id < ?2 ORDER BY id",
    "INSERT INTO extract.entrant SELECT * FROM main.entrant WHERE sample >= ?1 AND sample < ?2 ORDER BY sample",
    "INSERT INTO extract.exchange SELECT * FROM main.exchange WHERE id >= ?1 AND id < ?2 ORDER BY id",
    "INSERT INTO extract.soft_check SELECT * FROM main.soft_check WHERE run = ?1 >> 32",
    "INSERT INTO extract.signal SELECT * FROM main.signal WHERE run = ?1 >> 32",
    "INSERT INTO extract.reading SELECT * FROM main.reading WHERE id >= ?1 AND id < ?2 ORDER BY id",
];

impl Store {
    /// Writes some runs into a new store: `whole` with everything that was measured in them, `facts_only` without. Numbers
    /// of runs, samples and experiments stay. What was decided of them is left out: it can be decided again.
    ///
    /// # Errors
    /// If there is such a file already, it cannot be written, this store cannot be read, or samples of `whole` were pruned.
    pub fn extract(&self, path: &Path, whole: &[RunId], facts_only: &[RunId]) -> Result<(), StoreError> {
        for run in whole {
            self.require_samples(*run)?;
        }
        let taken = |error: std::io::Error| StoreError::Folder { path: path.to_owned(), error };
        std::fs::File::create_new(path).map_err(taken)?;
        Store::open(path)?.settle()?;
        self.connection.execute("ATTACH ?1 AS extract", [path.to_string_lossy()])?;
        let copied = self.copy(whole, facts_only);
        self.connection.execute_batch("DETACH extract; DROP TABLE IF EXISTS temp.wanted")?;
        copied?;
        // One file, without a log beside it.
        Store::open(path)?.settle()
    }

    fn copy(&self, whole: &[RunId], facts_only: &[RunId]) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute_batch("CREATE TEMP TABLE wanted (run INTEGER PRIMARY KEY)")?;
        for run in whole.iter().chain(facts_only) {
            transaction.execute("INSERT OR IGNORE INTO wanted VALUES (?1)", [run.0])?;
        }
        for copy in FACTS {
            transaction.execute(copy, [])?;
        }
        for run in whole {
            for copy in MEASURED {
                let wants = transaction.prepare_cached(copy)?.parameter_count();
                transaction.execute(copy, rusqlite::params_from_iter(&id_range(*run)[..wants]))?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Leaves nothing beside the file itself.
    fn settle(self) -> Result<(), StoreError> {
        self.connection.pragma_update(None, "journal_mode", "DELETE")?;
        self.connection.execute("VACUUM", params![])?;
        Ok(())
    }
}
