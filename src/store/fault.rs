//! Faults of runs: written when a run ends, and read again.

use rusqlite::{Connection, params};

use super::StoreError;
use crate::run::{FaultFacts, FaultOutcome, RunId};

/// Writes down what was done to the system of a run.
pub(super) fn keep(connection: &Connection, run: RunId, faults: &[FaultFacts]) -> Result<(), StoreError> {
    for fault in faults {
        connection.execute(
            "INSERT OR REPLACE INTO fault \
             (run, name, kind, text, due_us, lasts_us, start_us, end_us, outcome, note) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                run.0,
                fault.name,
                fault.kind,
                fault.text,
                fault.due_us,
                fault.lasts_us,
                fault.start_us,
                fault.end_us,
                fault.outcome.word(),
                fault.note
            ],
        )?;
    }
    Ok(())
}

/// What was done to the system of a run, in order of time.
pub(super) fn of(connection: &Connection, run: RunId) -> Result<Vec<FaultFacts>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, kind, text, due_us, lasts_us, start_us, end_us, outcome, note FROM fault WHERE run = ?1 \
         ORDER BY coalesce(start_us, due_us, 9223372036854775807), name",
    )?;
    let faults = statement.query_map([run.0], |row| {
        let outcome: String = row.get(7)?;
        Ok(FaultFacts {
            name: row.get(0)?,
            kind: row.get(1)?,
            text: row.get(2)?,
            due_us: row.get(3)?,
            lasts_us: row.get(4)?,
            start_us: row.get(5)?,
            end_us: row.get(6)?,
            outcome: FaultOutcome::ALL
                .into_iter()
                .find(|known| known.word() == outcome)
                .unwrap_or(FaultOutcome::Failed),
            note: row.get(8)?,
        })
    })?;
    Ok(faults.collect::<Result<_, _>>()?)
}
