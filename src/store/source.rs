//! The scenario files that runs were made with.

use rusqlite::{Transaction, params};

use super::{Store, StoreError};
use crate::checksum;
use crate::run::{RunId, Source};

impl Store {
    /// The scenario files that a run was made with, in order of their paths; none of runs without a file, or from before
    /// they were kept.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn sources(&self, run: RunId) -> Result<Vec<Source>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT r.path, s.text FROM run_source r JOIN source s ON s.sha256 = r.sha256 WHERE r.run = ?1 ORDER BY r.path",
        )?;
        let sources =
            statement.query_map([run.0], |row| Ok(Source { path: row.get(0)?, text: row.get(1)? }))?;
        Ok(sources.collect::<Result<_, _>>()?)
    }
}

/// Keeps a run's scenario files.
pub(super) fn keep(transaction: &Transaction<'_>, run: RunId, sources: &[Source]) -> Result<(), StoreError> {
    for source in sources {
        let sha256 = checksum::sha256(&source.text);
        transaction.execute(
            "INSERT OR IGNORE INTO source (sha256, text) VALUES (?1, ?2)",
            [&sha256, &source.text],
        )?;
        let insert = "INSERT INTO run_source (run, path, sha256) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, params![run.0, source.path, sha256])?;
    }
    Ok(())
}
