//! The memory service behind the gateway, which is outside of it: a write takes a while, and may fail.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::random;

/// Which sequence of failures it is.
const SEED: u64 = 4;

pub(super) struct Memory {
    cost: Duration,
    failures: f64,
    writes: AtomicU64,
}

impl Memory {
    pub(super) fn new(cost: Duration, failures: f64) -> Memory {
        Memory { cost, failures, writes: AtomicU64::new(0) }
    }

    /// How long a write takes.
    pub(super) fn cost(&self) -> Duration {
        self.cost
    }

    /// Whether the next write succeeds.
    pub(super) fn succeeds(&self) -> bool {
        random::unit(SEED, self.writes.fetch_add(1, Relaxed)) >= self.failures
    }
}
