//! What the gateway counts, and its page of metrics.

use std::sync::{
    Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use super::replica::TOPIC;
use crate::{
    clock,
    metrics::{Kind, Page},
};

/// The path of the requests that are counted.
pub(super) const PATH: &str = "/v1/session/message";

/// Upper bounds of the buckets of times, s.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 0.5, 1.0, 2.5];

/// A number that only grows, but for a reset.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    fn get(&self) -> f64 {
        self.0.load(Relaxed) as f64
    }
}

/// Times by how long they were.
#[derive(Debug, Default)]
pub(super) struct Histogram(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    sum_s: f64,
    count: u64,
}

impl Histogram {
    pub(super) fn observe(&self, seconds: f64) {
        let mut times = lock(&self.0);
        times.sum_s += seconds;
        times.count += 1;
        if let Some(place) = BUCKETS.iter().position(|bound| seconds <= *bound) {
            times.buckets[place] += 1;
        }
    }

    fn add_to(&self, page: &mut Page, name: &str, help: &str, label: &[(&str, &str)]) {
        let times = lock(&self.0);
        let mut family = page.family(name, Kind::Histogram, help);
        let mut below = 0;
        let labelled = |bound: &str, below: u64, family: &mut crate::metrics::Family<'_>| {
            let labels: Vec<(&str, &str)> = label.iter().copied().chain([("le", bound)]).collect();
            family.sample("_bucket", &labels, below as f64);
        };
        for (bound, count) in BUCKETS.iter().zip(times.buckets) {
            below += count;
            labelled(&bound.to_string(), below, &mut family);
        }
        labelled("+Inf", times.count, &mut family);
        family.sample("_sum", label, times.sum_s).sample("_count", label, times.count as f64);
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How attempts ended.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) ok: Count,
    pub(super) error: Count,
}

/// How events of the log ended.
#[derive(Debug, Default)]
pub(super) struct Replicated {
    pub(super) ok: Count,
    pub(super) dlq: Count,
    /// Looks that failed; their events are tried again.
    pub(super) retry: Count,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Requests by the class of their status: 2xx, 4xx, 5xx.
    pub(super) requests: [Count; 3],
    pub(super) request_seconds: Histogram,
    pub(super) attempts: Count,
    /// Writes to memory by requests.
    pub(super) written: Results,
    /// Appends to the log by requests.
    pub(super) logged: Results,
    /// Events of the outbox.
    pub(super) published: Results,
    pub(super) replicated: Replicated,
    pub(super) replication_seconds: Histogram,
    /// When the oldest event that is not applied was logged, µs since 1970; 0 if all are.
    behind_since: AtomicI64,
    /// Held for reading by whoever moves events, so that a reset comes between two moves.
    moving: RwLock<()>,
}

impl Counters {
    /// The lag begins with an event that was logged then.
    pub(super) fn behind_since(&self, wal_timestamp: i64) {
        self.behind_since.store(wal_timestamp, Relaxed);
    }

    pub(super) fn caught_up(&self) {
        self.behind_since.store(0, Relaxed);
    }

    /// No reset comes meanwhile.
    pub(super) fn turn(&self) -> RwLockReadGuard<'_, ()> {
        self.moving.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody moves events meanwhile.
    pub(super) fn rest(&self) -> RwLockWriteGuard<'_, ()> {
        self.moving.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the oldest event that is not applied has been in the log, s.
    fn lag_s(&self) -> f64 {
        match self.behind_since.load(Relaxed) {
            0 => 0.0,
            since => (clock::now_us() - since).max(0) as f64 / 1e6,
        }
    }

    pub(super) fn reset(&self) {
        let all = self.requests.iter().chain([
            &self.attempts,
            &self.written.ok,
            &self.written.error,
            &self.logged.ok,
            &self.logged.error,
            &self.published.ok,
            &self.published.error,
            &self.replicated.ok,
            &self.replicated.dlq,
            &self.replicated.retry,
        ]);
        for count in all {
            count.0.store(0, Relaxed);
        }
        for histogram in [&self.request_seconds, &self.replication_seconds] {
            *lock(&histogram.0) = Times::default();
        }
        self.caught_up();
    }

    /// The page; `depths` of outbox and dead letters, none while they cannot be asked for.
    pub(super) fn page(&self, depths: Option<(u64, u64)>) -> String {
        let mut page = Page::default();
        let path = ("path", PATH);
        let mut family = page.family("gateway_requests_total", Kind::Counter, "Requests by class of status.");
        for (status, count) in ["2xx", "4xx", "5xx"].into_iter().zip(&self.requests) {
            family.sample("", &[path, ("status", status)], count.get());
        }
        self.request_seconds.add_to(&mut page, "gateway_request_seconds", "Time of a request.", &[path]);
        page.family("gateway_write_through_attempts_total", Kind::Counter, "Write-through attempts.").sample(
            "",
            &[path],
            self.attempts.get(),
        );
        page.family("gateway_write_through_results_total", Kind::Counter, "Write-through outcomes.")
            .sample("", &[path, ("result", "ok")], self.written.ok.get())
            .sample("", &[path, ("result", "client_error")], 0.0)
            .sample("", &[path, ("result", "server_error")], self.written.error.get())
            .sample("", &[path, ("result", "exception")], 0.0);
        page.family(
            "gateway_write_through_wal_results_total",
            Kind::Counter,
            "Appends to the log that follow a write-through.",
        )
        .sample("", &[path, ("result", "ok")], self.logged.ok.get())
        .sample("", &[path, ("result", "error")], self.logged.error.get());
        page.family("outbox_sync_publish_total", Kind::Counter, "Events of the outbox, published.")
            .sample("", &[("result", "success")], self.published.ok.get())
            .sample("", &[("result", "retry")], self.published.error.get());
        page.family("memory_replicator_events_total", Kind::Counter, "Events of the log, by outcome.")
            .sample("", &[("result", "ok")], self.replicated.ok.get())
            .sample("", &[("result", "dlq")], self.replicated.dlq.get())
            .sample("", &[("result", "retry")], self.replicated.retry.get());
        page.family(
            "memory_replicator_lag_seconds",
            Kind::Gauge,
            "How long the oldest event that is not applied has been in the log.",
        )
        .sample("", &[], self.lag_s());
        let help = "Time to apply an event.";
        self.replication_seconds.add_to(&mut page, "memory_replicator_replication_seconds", help, &[]);
        // What cannot be known is left out: a gap is no 0.
        if let Some((outbox, dead)) = depths {
            page.family("outbox_sync_backlog", Kind::Gauge, "Events in the outbox.").sample(
                "",
                &[],
                outbox as f64,
            );
            page.family("gateway_dlq_depth", Kind::Gauge, "Events that could not be applied.").sample(
                "",
                &[("topic", TOPIC)],
                dead as f64,
            );
        }
        page.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_in_buckets_that_include_the_smaller_ones() {
        let counters = Counters::default();
        for time in [0.001, 0.2, 9.0] {
            counters.request_seconds.observe(time);
        }
        let page = counters.page(None);
        for line in [
            "gateway_request_seconds_bucket{path=\"/v1/session/message\",le=\"0.001\"} 1",
            "gateway_request_seconds_bucket{path=\"/v1/session/message\",le=\"0.3\"} 2",
            "gateway_request_seconds_bucket{path=\"/v1/session/message\",le=\"+Inf\"} 3",
            "gateway_request_seconds_count{path=\"/v1/session/message\"} 3",
            "memory_replicator_lag_seconds 0",
        ] {
            assert!(page.contains(&format!("{line}\n")), "{line} in {page}");
        }
        assert!(!page.contains("gateway_dlq_depth"), "a depth that is not known is not 0");
    }
}
