//! When the parts of a load begin and end.

use std::time::Instant;

use crate::sample::Phase;
use crate::scenario::load::Load;

/// The instants between the phases of a load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) start: Instant,
    ramp_end: Instant,
    /// Unknown for a load that ends when its journeys are done.
    pub(super) end: Option<Instant>,
}

impl Schedule {
    pub(super) fn new(load: &Load, start: Instant) -> Self {
        Self { start, ramp_end: start + load.ramp(), end: load.run_time().map(|time| start + time) }
    }

    /// The part of the run in which something is due.
    pub(super) fn phase(&self, due: Instant) -> Phase {
        if due < self.ramp_end {
            Phase::Ramp
        } else if self.end.is_none_or(|end| due < end) {
            Phase::Steady
        } else {
            Phase::Drain
        }
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

    /// A load that starts now, ramps for 2 s and ends after 10 s.
    pub(in crate::load) fn ten_seconds() -> Schedule {
        let start = Instant::now();
        let after = |s| start + Duration::from_secs(s);
        Schedule { start, ramp_end: after(2), end: Some(after(10)) }
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
        let schedule = Schedule { end: None, ..ten_seconds() };
        let late = schedule.start + Duration::from_hours(24);
        assert_eq!(schedule.phase(late), Phase::Steady);
        assert!(!schedule.is_over(late));
    }
}
