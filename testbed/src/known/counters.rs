//! What the server has answered, so that a test can compare it with what a client saw.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::Serialize;

/// Paths counted by name; a client that makes up paths must not fill the memory.
const MOST_PATHS: usize = 1000;

/// Stands for the paths beyond [`MOST_PATHS`].
const OTHER_PATHS: &str = "(other)";

/// Counts since the start or the last reset.
#[derive(Default)]
pub(crate) struct Counters {
    arrived: AtomicU64,
    answered: Mutex<Answered>,
}

/// Requests answered, those of the control paths left out.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Answered {
    /// All of them.
    pub(crate) requests: u64,
    /// Those answered with the truth's error.
    pub(crate) errors: u64,
    /// Connections closed on request instead of an answer; not among `requests`.
    pub(crate) closed: u64,
    /// `requests` by path.
    pub(crate) paths: BTreeMap<String, u64>,
}

impl Counters {
    /// Gives an arriving request its number, from 0 on.
    pub(crate) fn arrive(&self) -> u64 {
        self.arrived.fetch_add(1, Relaxed)
    }

    /// Counts an answer.
    pub(crate) fn answer(&self, path: &str, error: bool) {
        let mut answered = self.lock();
        answered.requests += 1;
        answered.errors += u64::from(error);
        if let Some(count) = answered.paths.get_mut(path) {
            *count += 1;
            return;
        }
        let name = if answered.paths.len() < MOST_PATHS { path } else { OTHER_PATHS };
        *answered.paths.entry(name.to_owned()).or_default() += 1;
    }

    /// Counts a connection that is closed instead.
    pub(crate) fn close(&self) {
        self.lock().closed += 1;
    }

    /// The counts as they are now.
    pub(crate) fn read(&self) -> Answered {
        self.lock().clone()
    }

    /// Starts again from 0, the numbers of requests too.
    pub(crate) fn reset(&self) {
        *self.lock() = Answered::default();
        self.arrived.store(0, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Answered> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Counters, MOST_PATHS, OTHER_PATHS};

    #[test]
    fn made_up_paths_are_counted_together_once_there_are_too_many() {
        let counters = Counters::default();
        for n in 0..MOST_PATHS + 5 {
            counters.answer(&format!("/{n}"), false);
        }
        let read = counters.read();
        assert_eq!(read.paths.len(), MOST_PATHS + 1);
        assert_eq!(read.paths[OTHER_PATHS], 5);
        assert_eq!(read.paths.values().sum::<u64>(), read.requests);
    }
}
