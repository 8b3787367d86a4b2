//! What a worker shows of itself while it works.

use std::sync::atomic::{AtomicU32, Ordering};

/// Users and requests of one worker that are under way now.
#[derive(Debug, Default)]
pub struct Gauge {
    users: AtomicU32,
    in_flight: AtomicU32,
}

impl Gauge {
    /// Users at work now.
    pub fn users(&self) -> u32 {
        self.users.load(Ordering::Relaxed)
    }

    /// Requests under way now.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Shows what a load elsewhere has told.
    pub(super) fn show(&self, users: u32, in_flight: u32) {
        self.users.store(users, Ordering::Relaxed);
        self.in_flight.store(in_flight, Ordering::Relaxed);
    }

    pub(super) fn user_started(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn user_ended(&self) {
        self.users.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn request_started(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn request_ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
