//! What a command may do with the database, inside its transaction.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::shopstream::{clock, domain::Aggregate, fields::Object};

/// One transaction of a command.
pub(crate) struct Session<'a> {
    transaction: Transaction<'a>,
    /// The context of each event recorded so far.
    recorded: Vec<&'static str>,
}

/// An aggregate after a change, and the event that tells of it.
pub(crate) struct Change<'a> {
    pub(crate) aggregate: &'static Aggregate,
    pub(crate) id: &'a str,
    /// 1 for a new aggregate, one more with every event.
    pub(crate) version: i64,
    pub(crate) state: &'a Object,
    pub(crate) event: &'static str,
    pub(crate) priority: i64,
}

impl<'a> Session<'a> {
    pub(super) fn new(transaction: Transaction<'a>) -> Session<'a> {
        Session { transaction, recorded: Vec::new() }
    }

    /// Keeps what was done, and returns the context of each event.
    pub(super) fn commit(self) -> rusqlite::Result<Vec<&'static str>> {
        self.transaction.commit()?;
        Ok(self.recorded)
    }

    /// State and version of an aggregate, if there is one of this kind and id.
    pub(crate) fn load(&self, aggregate: &Aggregate, id: &str) -> rusqlite::Result<Option<(Object, i64)>> {
        self.transaction
            .prepare_cached("SELECT state, version FROM aggregates WHERE id = ? AND kind = ?")?
            .query_row([id, aggregate.kind], |row| {
                let state: String = row.get(0)?;
                let state = serde_json::from_str(&state).expect("the state was written from an object");
                Ok((state, row.get(1)?))
            })
            .optional()
    }

    /// Takes a unique value; false when it is taken already.
    pub(crate) fn claim(&self, field: &str, value: &str) -> rusqlite::Result<bool> {
        let claimed = self
            .transaction
            .prepare_cached("INSERT OR IGNORE INTO unique_values (field, value) VALUES (?, ?)")?
            .execute([field, value])?;
        Ok(claimed == 1)
    }

    /// Writes an aggregate together with its event.
    pub(crate) fn record(&mut self, change: &Change<'_>) -> rusqlite::Result<()> {
        let state = serde_json::to_string(change.state).expect("a JSON object can always be written");
        self.transaction
            .prepare_cached(
                "INSERT INTO aggregates (id, kind, version, state) VALUES (?, ?, ?, ?)
                 ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state",
            )?
            .execute(params![change.id, change.aggregate.kind, change.version, state])?;
        self.transaction
            .prepare_cached(
                "INSERT INTO outbox (domain, stream, type, aggregate_id, version, payload,
                                     priority, status, created_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?)",
            )?
            .execute(params![
                change.aggregate.domain,
                change.aggregate.kind,
                change.event,
                change.id,
                change.version,
                state,
                change.priority,
                clock::now_us(),
            ])?;
        self.recorded.push(change.aggregate.domain);
        Ok(())
    }
}
