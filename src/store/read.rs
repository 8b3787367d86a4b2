//! What was read and counted in a run, and what its numbers mean.

use std::collections::BTreeMap;

use super::ids::id_range;
use super::{Store, StoreError};
use crate::reading::SignalColumn;
use crate::run::{RunId, SoftCheckCount};
use crate::sample::{Kind, Outcome, Phase, Subject};

impl Store {
    pub(super) fn subject(&self, endpoint: i64) -> Result<Subject, StoreError> {
        let find = "SELECT kind, traffic_class, name FROM endpoint WHERE id = ?1";
        Ok(self.connection.query_row(find, [endpoint], |row| {
            let kind: String = row.get(0)?;
            Ok(Subject { kind: Kind::of_word(&kind), traffic_class: row.get(1)?, endpoint: row.get(2)? })
        })?)
    }

    /// The signals of a run with their readings, in order of name.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn signals(&self, run: RunId) -> Result<Vec<SignalColumn>, StoreError> {
        let mut names = self
            .connection
            .prepare_cached("SELECT id, name, unit, is_counter FROM signal WHERE run = ?1 ORDER BY name")?;
        let mut signals: Vec<(i64, SignalColumn)> = names
            .query_map([run.0], |row| {
                let (name, unit, is_counter) = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((row.get(0)?, SignalColumn { name, unit, is_counter, readings: Vec::new() }))
            })?
            .collect::<Result<_, _>>()?;
        let places: BTreeMap<i64, usize> = signals.iter().enumerate().map(|(i, (id, _))| (*id, i)).collect();
        let mut readings = self.connection.prepare_cached(
            "SELECT signal, at_us, value FROM reading WHERE id >= ?1 AND id < ?2 ORDER BY id",
        )?;
        let mut rows = readings.query(id_range(run))?;
        while let Some(row) = rows.next()? {
            if let Some(place) = places.get(&row.get::<_, i64>(0)?) {
                signals[*place].1.readings.push((row.get(1)?, row.get(2)?));
            }
        }
        // Workers hand theirs over in turns.
        for (_, signal) in &mut signals {
            signal.readings.sort_by_key(|(at_us, _)| *at_us);
        }
        Ok(signals.into_iter().map(|(_, signal)| signal).collect())
    }

    /// How often the checks of a run that decide nothing have passed.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn soft_checks(&self, run: RunId) -> Result<Vec<SoftCheckCount>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, endpoint, phase, passed, failed FROM soft_check WHERE run = ?1 \
             ORDER BY name, endpoint, phase",
        )?;
        let mut rows = statement.query([run.0])?;
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            counts.push(SoftCheckCount {
                name: row.get(0)?,
                subject: self.subject(row.get(1)?)?,
                phase: phase(row.get(2)?)?,
                passed: row.get::<_, i64>(3)?.unsigned_abs(),
                failed: row.get::<_, i64>(4)?.unsigned_abs(),
            });
        }
        Ok(counts)
    }
}

pub(super) fn outcome(code: u8) -> rusqlite::Result<Outcome> {
    Outcome::ALL.get(usize::from(code)).copied().ok_or_else(|| unknown_code(1, code))
}

pub(super) fn phase(code: u8) -> rusqlite::Result<Phase> {
    Phase::ALL.get(usize::from(code)).copied().ok_or_else(|| unknown_code(2, code))
}

fn unknown_code(column: usize, code: u8) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(column, code.into())
}
