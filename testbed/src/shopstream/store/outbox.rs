//! The outbox table: events committed and not yet published, and how many there are.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rusqlite::{Connection, Transaction, params};

use crate::shopstream::{clock, domain};

/// How much is in the outbox of a context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutboxDepth {
    /// Messages committed and not yet published.
    pub(crate) pending: u64,
    /// Messages published.
    pub(crate) published: u64,
}

/// An outbox row that is due for publishing.
pub(crate) struct OutboxRow {
    pub(crate) id: i64,
    pub(crate) aggregate: &'static str,
    pub(crate) aggregate_id: String,
    pub(crate) version: i64,
    pub(crate) payload: String,
    pub(crate) priority: i64,
}

/// The counts of a context, kept beside the table so that looking at them needs no query.
pub(super) struct OutboxCount {
    pub(super) domain: &'static str,
    pub(super) pending: AtomicU64,
    pub(super) published: AtomicU64,
}

impl OutboxDepth {
    /// The counts by the names of their statuses.
    pub(crate) fn by_status(self) -> [(&'static str, u64); 2] {
        [("PENDING", self.pending), ("PUBLISHED", self.published)]
    }
}

impl OutboxCount {
    /// Counts what is in the table.
    pub(super) fn read(connection: &Connection, domain: &'static str) -> rusqlite::Result<OutboxCount> {
        let count = |status: &str| -> rusqlite::Result<AtomicU64> {
            let sql = "SELECT count(*) FROM outbox WHERE domain = ? AND status = ?";
            let count: i64 = connection.query_row(sql, [domain, status], |row| row.get(0))?;
            Ok(AtomicU64::new(count.unsigned_abs()))
        };
        Ok(OutboxCount { domain, pending: count("PENDING")?, published: count("PUBLISHED")? })
    }

    /// The counts as they are now.
    pub(super) fn depth(&self) -> OutboxDepth {
        OutboxDepth { pending: self.pending.load(Relaxed), published: self.published.load(Relaxed) }
    }
}

/// Up to `most` pending rows of a context, the oldest first.
pub(super) fn pending_rows(
    transaction: &Transaction<'_>,
    domain: &str,
    most: i64,
) -> rusqlite::Result<Vec<OutboxRow>> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, stream, aggregate_id, version, payload, priority FROM outbox
         WHERE domain = ? AND status = 'PENDING' ORDER BY id LIMIT ?",
    )?;
    let rows = statement.query_map(params![domain, most], |row| {
        let stream: String = row.get(1)?;
        Ok(OutboxRow {
            id: row.get(0)?,
            aggregate: domain::aggregate(&stream).expect("only known aggregates are saved").kind,
            aggregate_id: row.get(2)?,
            version: row.get(3)?,
            payload: row.get(4)?,
            priority: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// Marks rows as published now.
pub(super) fn mark_published(transaction: &Transaction<'_>, rows: &[OutboxRow]) -> rusqlite::Result<()> {
    let mut statement = transaction
        .prepare_cached("UPDATE outbox SET status = 'PUBLISHED', published_at = ? WHERE id = ?")?;
    let now = clock::now_us();
    for row in rows {
        statement.execute(params![now, row.id])?;
    }
    Ok(())
}
