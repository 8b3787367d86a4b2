//! Jobs that become visible an exact time after they were accepted, as read models do.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The times at which jobs become visible, none for one that is lost; a job's id is its place here.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<Vec<Option<Instant>>>);

impl Jobs {
    /// Accepts a job at `now`, to be visible after `delay` unless `is_lost` says of its id that it
    /// never will be, and returns the id.
    pub(crate) fn accept(&self, now: Instant, delay: Duration, is_lost: impl Fn(usize) -> bool) -> usize {
        let mut visible_at = self.lock();
        let id = visible_at.len();
        visible_at.push((!is_lost(id)).then(|| now + delay));
        id
    }

    /// Whether this job exists and can be seen at `now`.
    pub(crate) fn is_visible(&self, id: usize, now: Instant) -> bool {
        self.lock().get(id).copied().flatten().is_some_and(|at| at <= now)
    }

    /// Jobs accepted and not yet visible at `now`, those that are lost left out: no queue holds them.
    pub(crate) fn backlog(&self, now: Instant) -> usize {
        let visible_at = self.lock();
        // All wait equally long, so the waiting ones are the last ones.
        visible_at.iter().rev().flatten().take_while(|at| **at > now).count()
    }

    /// Forgets all jobs.
    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Instant>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Jobs;

    #[test]
    fn a_job_is_visible_from_its_delay_on() {
        let (jobs, start) = (Jobs::default(), Instant::now());
        let delay = Duration::from_millis(100);
        let id = jobs.accept(start, delay, |_| false);
        let just_before = start + Duration::from_millis(99);
        assert!(!jobs.is_visible(id, just_before));
        assert_eq!(jobs.backlog(just_before), 1);
        assert!(jobs.is_visible(id, start + delay));
        assert_eq!(jobs.backlog(start + delay), 0);
        assert!(!jobs.is_visible(id + 1, start + delay), "no such job");
    }

    #[test]
    fn a_lost_job_is_never_visible_and_no_backlog() {
        let (jobs, start) = (Jobs::default(), Instant::now());
        let ids: Vec<usize> =
            (0..4).map(|_| jobs.accept(start, Duration::from_millis(100), |id| id % 2 == 0)).collect();
        assert_eq!(jobs.backlog(start), 2);
        let much_later = start + Duration::from_secs(1000);
        let visible: Vec<bool> = ids.iter().map(|id| jobs.is_visible(*id, much_later)).collect();
        assert_eq!(visible, [false, true, false, true]);
    }
}
