//! Histograms of runs' times: worked out from the samples, and kept so that they need not be read again.

use rusqlite::{Connection, Row, params};

use super::read::{outcome, phase};
use super::{Store, StoreError, sql_integer};
use crate::run::{RunId, StoredHistogram};
use crate::sample::{Kind, Subject};

impl Store {
    /// Keeps a run's histograms, in place of those that it had.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn keep_histograms(&self, run: RunId, histograms: &[StoredHistogram]) -> Result<(), StoreError> {
        if self.is_read_only {
            return Ok(());
        }
        let transaction = self.connection.unchecked_transaction()?;
        write(&transaction, run, histograms)?;
        Ok(transaction.commit()?)
    }

    /// The histograms that are kept of a run, in a fixed order; empty where there are none yet.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn histograms(&self, run: RunId) -> Result<Vec<StoredHistogram>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT kind, traffic_class, endpoint, outcome, phase, samples, response, service FROM histogram \
             WHERE run = ?1 ORDER BY kind, traffic_class, endpoint, outcome, phase",
        )?;
        let histograms = statement.query_map([run.0], histogram)?;
        Ok(histograms.collect::<Result<_, _>>()?)
    }
}

/// Writes a run's histograms, in place of those that it had.
pub(super) fn write(
    connection: &Connection,
    run: RunId,
    histograms: &[StoredHistogram],
) -> Result<(), StoreError> {
    connection.execute("DELETE FROM histogram WHERE run = ?1", [run.0])?;
    let sql = "INSERT INTO histogram (run, kind, traffic_class, endpoint, outcome, phase, samples, response, service) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    for one in histograms {
        let Subject { kind, traffic_class, endpoint } = &one.subject;
        connection.prepare_cached(sql)?.execute(params![
            run.0,
            kind.word(),
            traffic_class,
            endpoint,
            one.outcome as u8,
            one.phase as u8,
            sql_integer(one.samples),
            one.response,
            one.service
        ])?;
    }
    Ok(())
}

fn histogram(row: &Row<'_>) -> rusqlite::Result<StoredHistogram> {
    let kind: String = row.get(0)?;
    Ok(StoredHistogram {
        subject: Subject { kind: Kind::of_word(&kind), traffic_class: row.get(1)?, endpoint: row.get(2)? },
        outcome: outcome(row.get(3)?)?,
        phase: phase(row.get(4)?)?,
        samples: row.get::<_, i64>(5)?.unsigned_abs(),
        response: row.get(6)?,
        service: row.get(7)?,
    })
}
