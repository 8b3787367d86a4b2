//! The outbox: events committed and not yet published, and how many there are.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::pool::Pool;
use crate::{
    neighbour::{Problem, sql::Parameter},
    shopstream::domain::Aggregate,
};

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
    pub(crate) aggregate: &'static Aggregate,
    pub(crate) event: String,
    pub(crate) aggregate_id: String,
    pub(crate) version: i64,
    pub(crate) payload: String,
    pub(crate) priority: i64,
}

/// The counts of a context, kept beside the table so that looking at them needs no query.
pub(super) struct OutboxCount {
    /// Below 0 for a moment, when a row is published before its commit is counted.
    pending: AtomicI64,
    published: AtomicU64,
}

impl OutboxDepth {
    /// The counts by the names of their statuses.
    pub(crate) fn by_status(self) -> [(&'static str, u64); 2] {
        [("PENDING", self.pending), ("PUBLISHED", self.published)]
    }
}

impl OutboxCount {
    /// Counts what is in the table.
    pub(super) fn read(pool: &Pool) -> Result<OutboxCount, Problem> {
        let count = |status: &str| {
            pool.read(|connection| {
                let sql = "SELECT count(*) FROM outbox WHERE status = $1";
                let rows = connection.query(sql, &[Parameter::Text(status)])?;
                Ok::<_, Problem>(rows.first().map_or(0, |row| row[0].whole()))
            })
        };
        let published = count("PUBLISHED")?.unsigned_abs();
        Ok(OutboxCount { pending: AtomicI64::new(count("PENDING")?), published: AtomicU64::new(published) })
    }

    pub(super) fn committed(&self, events: usize) {
        self.pending.fetch_add(signed(events), Relaxed);
    }

    pub(super) fn published(&self, events: usize) {
        self.pending.fetch_sub(signed(events), Relaxed);
        self.published.fetch_add(events as u64, Relaxed);
    }

    pub(super) fn again(&self, events: u64) {
        self.pending.fetch_add(events.cast_signed(), Relaxed);
        self.published.fetch_sub(events, Relaxed);
    }

    pub(super) fn reset(&self) {
        self.pending.store(0, Relaxed);
        self.published.store(0, Relaxed);
    }

    pub(super) fn has_pending(&self) -> bool {
        self.pending.load(Relaxed) > 0
    }

    /// The counts as they are now.
    pub(super) fn depth(&self) -> OutboxDepth {
        let pending = self.pending.load(Relaxed).max(0).unsigned_abs();
        OutboxDepth { pending, published: self.published.load(Relaxed) }
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
