//! What runs came to, kept for trends; and what people have noted of runs.

use rusqlite::{ToSql, params};

use super::ids::RUN_SHIFT;
use super::{Store, StoreError, now_unix_us};
use crate::run::{Metric, RunId};
use crate::sample::{Kind, Subject};

/// What somebody has noted of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The run.
    pub run: RunId,
    /// What was noted.
    pub text: String,
}

impl Store {
    /// Keeps a run's metrics, in place of those that it had.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn keep_metrics(&mut self, run: RunId, metrics: &[Metric]) -> Result<(), StoreError> {
        if self.is_read_only {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM metric WHERE run = ?1", [run.0])?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO metric (run, kind, traffic_class, endpoint, name, value, n) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for metric in metrics {
                let Subject { kind, traffic_class, endpoint } = &metric.subject;
                let n = super::sql_integer(metric.n);
                insert.execute(params![
                    run.0,
                    kind.word(),
                    traffic_class,
                    endpoint,
                    metric.name,
                    metric.value,
                    n
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// The metrics of all complete runs of a scenario, the oldest run first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn metrics(&self, scenario: &str) -> Result<Vec<Metric>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT m.run, m.kind, m.traffic_class, m.endpoint, m.name, m.value, m.n \
             FROM run r JOIN metric m ON m.run = r.id WHERE r.scenario = ?1 AND r.state = 'done' ORDER BY m.run",
        )?;
        let metrics = statement.query_map([scenario], |row| {
            let kind: String = row.get(1)?;
            let kind = Kind::of_word(&kind);
            Ok(Metric {
                run: RunId(row.get(0)?),
                subject: Subject { kind, traffic_class: row.get(2)?, endpoint: row.get(3)? },
                name: row.get(4)?,
                value: row.get(5)?,
                n: row.get::<_, i64>(6)?.unsigned_abs(),
            })
        })?;
        Ok(metrics.collect::<Result<_, _>>()?)
    }

    /// The complete runs of a scenario whose metrics or checks are not kept yet; of those without samples in the store
    /// only if nothing is kept at all, and none whose samples were pruned.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn runs_without_metrics(&self, scenario: &str) -> Result<Vec<RunId>, StoreError> {
        self.without_metrics("scenario = ?2", &scenario)
    }

    /// Whether a run is one of those that [`Store::runs_without_metrics`] gives.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn lacks_metrics(&self, run: RunId) -> Result<bool, StoreError> {
        Ok(!self.without_metrics("id = ?2", &run.0)?.is_empty())
    }

    fn without_metrics(&self, which: &str, value: &dyn ToSql) -> Result<Vec<RunId>, StoreError> {
        let sql = format!(
            "SELECT id FROM run WHERE {which} AND state = 'done' \
             AND NOT EXISTS (SELECT 1 FROM pruned WHERE run = run.id) \
             AND (NOT EXISTS (SELECT 1 FROM metric WHERE run = run.id) \
             OR EXISTS (SELECT 1 FROM sample_block WHERE id >= run.id << {RUN_SHIFT} AND id < (run.id + 1) << {RUN_SHIFT}) \
             AND (NOT EXISTS (SELECT 1 FROM metric WHERE run = run.id AND name = ?1) \
             OR NOT EXISTS (SELECT 1 FROM audit_check WHERE run = run.id))) ORDER BY id"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let runs = statement.query_map(params![Metric::ANSWERED, value], |row| Ok(RunId(row.get(0)?)))?;
        Ok(runs.collect::<Result<_, _>>()?)
    }

    /// Notes something of a run.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn annotate(&mut self, run: RunId, text: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO note (run, at_unix_us, text) VALUES (?1, ?2, ?3)";
        self.connection.execute(sql, params![run.0, now_unix_us(), text])?;
        Ok(())
    }

    /// Accepts the level of a run's release, with the reason: its trend is a regression no longer.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn accept(&mut self, run: RunId, why: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO note (run, at_unix_us, text, accepts) VALUES (?1, ?2, ?3, 1)";
        self.connection.execute(sql, params![run.0, now_unix_us(), format!("accepted: {why}")])?;
        Ok(())
    }

    /// The runs whose level was accepted.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn accepted(&self) -> Result<Vec<RunId>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT run FROM note WHERE accepts ORDER BY run")?;
        let runs = statement.query_map([], |row| Ok(RunId(row.get(0)?)))?;
        Ok(runs.collect::<Result<_, _>>()?)
    }

    /// What was noted of runs, in the order in which it was.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn notes(&self) -> Result<Vec<Note>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT run, text FROM note ORDER BY id")?;
        let notes = statement.query_map([], |row| Ok(Note { run: RunId(row.get(0)?), text: row.get(1)? }))?;
        Ok(notes.collect::<Result<_, _>>()?)
    }
}
