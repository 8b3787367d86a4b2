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
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    answered: Answered,
    /// Requests and errors when the metrics page's counters began again, once they have.
    restarted_at: Option<(u64, u64)>,
}

/// Requests answered, those of the control paths left out.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Answered {
    /// All of them.
    pub(crate) requests: u64,
    /// Those answered with the truth's error, or refused with 500 or 503.
    pub(crate) errors: u64,
    /// Those refused with 429.
    pub(crate) shed: u64,
    /// Requests that are never answered; not among `requests`.
    pub(crate) hung: u64,
    /// Connections closed on request instead of an answer; not among `requests`.
    pub(crate) closed: u64,
    /// `requests` by path.
    pub(crate) paths: BTreeMap<String, u64>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As it should.
    Fine,
    /// With an error that was planted.
    Error,
    /// Shed.
    Shed,
}

impl Counts {
    /// Begins the metrics page's counters again, if they should have and have not yet.
    fn restart(&mut self, has_restarted: bool) {
        if has_restarted && self.restarted_at.is_none() {
            self.restarted_at = Some((self.answered.requests, self.answered.errors));
        }
    }
}

impl Counters {
    /// Gives an arriving request its number, from 0 on.
    pub(crate) fn arrive(&self) -> u64 {
        self.arrived.fetch_add(1, Relaxed)
    }

    /// Counts an answer. `has_restarted`: whether the metrics page counts anew by now.
    pub(crate) fn answer(&self, path: &str, ending: Ending, has_restarted: bool) {
        let mut counts = self.lock();
        counts.restart(has_restarted);
        let answered = &mut counts.answered;
        answered.requests += 1;
        answered.errors += u64::from(ending == Ending::Error);
        answered.shed += u64::from(ending == Ending::Shed);
        if let Some(count) = answered.paths.get_mut(path) {
            *count += 1;
            return;
        }
        let name = if answered.paths.len() < MOST_PATHS { path } else { OTHER_PATHS };
        *answered.paths.entry(name.to_owned()).or_default() += 1;
    }

    /// Counts a connection that is closed instead.
    pub(crate) fn close(&self) {
        self.lock().answered.closed += 1;
    }

    /// Counts a request that is never answered.
    pub(crate) fn hang(&self) {
        self.lock().answered.hung += 1;
    }

    /// The counts as they are now.
    pub(crate) fn read(&self) -> Answered {
        self.lock().answered.clone()
    }

    /// The counts as the metrics page shows them: `(requests, errors)`.
    pub(crate) fn page(&self, has_restarted: bool) -> (u64, u64) {
        let mut counts = self.lock();
        counts.restart(has_restarted);
        let (requests, errors) = counts.restarted_at.unwrap_or_default();
        (counts.answered.requests - requests, counts.answered.errors - errors)
    }

    /// Starts again from 0, the numbers of requests too.
    pub(crate) fn reset(&self) {
        *self.lock() = Counts::default();
        self.arrived.store(0, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Counters, Ending, MOST_PATHS, OTHER_PATHS};

    #[test]
    fn made_up_paths_are_counted_together_once_there_are_too_many() {
        let counters = Counters::default();
        for n in 0..MOST_PATHS + 5 {
            counters.answer(&format!("/{n}"), Ending::Fine, false);
        }
        let read = counters.read();
        assert_eq!(read.paths.len(), MOST_PATHS + 1);
        assert_eq!(read.paths[OTHER_PATHS], 5);
        assert_eq!(read.paths.values().sum::<u64>(), read.requests);
    }

    #[test]
    fn the_page_begins_again_at_0_once_and_the_true_counts_go_on() {
        let counters = Counters::default();
        let answer = |restarted| counters.answer("/", Ending::Error, restarted);
        answer(false);
        answer(false);
        assert_eq!(counters.page(false), (2, 2));
        answer(true);
        assert_eq!(counters.page(true), (1, 1));
        answer(true);
        assert_eq!(counters.page(true), (2, 2));
        assert_eq!(counters.read().requests, 4);
        counters.reset();
        assert_eq!(counters.page(false), (0, 0));
    }
}
