//! What has happened, for those who compare it with what they believe they did.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::metrics::{Figure, Kind};

/// Counts since the start or the last reset.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: Count,
    pub(crate) requests: Count,
    pub(crate) closed: Count,
    pub(crate) logins: Count,
    pub(crate) refused_logins: Count,
    pub(crate) tokens: Count,
    pub(crate) orders: Count,
    pub(crate) uploads: Count,
}

/// A number that only grows, but for a reset.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds one; returns what it is then.
    pub(crate) fn add(&self) -> u64 {
        self.0.fetch_add(1, Relaxed) + 1
    }
}

impl Counters {
    pub(crate) fn figures(&self) -> [Figure; 8] {
        self.named().map(|(name, help, count)| Figure {
            name,
            kind: Kind::Counter,
            help,
            value: count.0.load(Relaxed),
        })
    }

    pub(crate) fn reset(&self) {
        for (_, _, count) in self.named() {
            count.0.store(0, Relaxed);
        }
    }

    fn named(&self) -> [(&'static str, &'static str, &Count); 8] {
        [
            ("site_connections_total", "Connections accepted.", &self.connections),
            ("site_requests_total", "Requests received, answered or not.", &self.requests),
            (
                "site_closed_total",
                "Requests whose connection was closed in place of an answer.",
                &self.closed,
            ),
            ("site_logins_total", "Logins.", &self.logins),
            ("site_refused_logins_total", "Logins with a wrong name or password.", &self.refused_logins),
            ("site_tokens_total", "Access tokens issued.", &self.tokens),
            ("site_orders_total", "Orders placed.", &self.orders),
            ("site_uploads_total", "Forms uploaded.", &self.uploads),
        ]
    }
}
