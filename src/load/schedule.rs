//! When the parts of a load begin and end.

use std::time::Instant;

use crate::sample::Phase;
use crate::scenario::timeline::Timeline;

/// The phases of a load on the clock.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    pub(super) start: Instant,
    timeline: Timeline,
    /// Unknown for a load that ends when its journeys are done.
    pub(super) end: Option<Instant>,
}

impl Schedule {
    pub(super) fn new(timeline: Timeline, start: Instant) -> Self {
        let end = timeline.end.map(|time| start + time);
        Self { start, timeline, end }
    }

    /// The part of the run in which something is due.
    pub(super) fn phase(&self, due: Instant) -> Phase {
        self.timeline.phase(due.saturating_duration_since(self.start))
    }

    /// Whether the load is over at an instant.
    pub(super) fn is_over(&self, at: Instant) -> bool {
        self.end.is_some_and(|end| at >= end)
    }
}

#[cfg(test)]
pub(in crate::load) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::scenario::load::{Executor, Load};

    fn ramping(run_s: Option<u64>) -> Schedule {
        let executor = match run_s.map(Duration::from_secs) {
            Some(run_time) => Executor::Closed { users: 3, spawn_rate: 1.0, run_time },
            None => Executor::Shared { iterations: 1, concurrency: 1, over: None },
        };
        Schedule::new(Load::of(executor, vec![0], Duration::ZERO).timeline(), Instant::now())
    }

    /// A load that starts now, ramps for 2 s and ends after 10 s.
    pub(in crate::load) fn ten_seconds() -> Schedule {
        ramping(Some(10))
    }

    #[test]
    fn each_instant_has_its_phase_and_a_phase_holds_its_first_instant() {
        let schedule = ten_seconds();
        let at = |ms| schedule.start + Duration::from_millis(ms);
        assert_eq!(schedule.phase(at(0)), Phase::Ramp);
        assert_eq!(schedule.phase(at(1_999)), Phase::Ramp);
        assert_eq!(schedule.phase(at(2_000)), Phase::Steady);
        assert_eq!(schedule.phase(at(9_999)), Phase::Steady);
        assert_eq!(schedule.phase(at(10_000)), Phase::Drain);
        assert!(!schedule.is_over(at(9_999)));
        assert!(schedule.is_over(at(10_000)));
    }

    #[test]
    fn a_load_without_a_known_end_is_steady_for_ever() {
        let schedule = ramping(None);
        let late = schedule.start + Duration::from_hours(24);
        assert_eq!(schedule.phase(late), Phase::Steady);
        assert!(!schedule.is_over(late));
    }
}
