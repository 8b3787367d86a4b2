//! How workers wait until something is due.

use std::time::{Duration, Instant};

/// Least time between two wake-ups: what a sleeper may be late by on an idle machine, beside what waking takes.
const COALESCE: Duration = Duration::from_micros(50);

/// How long before a deadline spinning begins: longer than most machines take to wake a thread.
pub(super) const AHEAD: Duration = Duration::from_micros(200);

/// Between two looks at the deadlines, longer than this is work: a request takes several microseconds to be sent. A look
/// takes about one.
const LOOK: Duration = Duration::from_micros(4);

/// How workers wait until something is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pacing {
    /// The system wakes them. Those who are due within 50 µs share a wake-up, so that a high rate of deadlines does not
    /// turn into as many system calls.
    #[default]
    Sleep,
    /// Asleep until 200 µs before a deadline, then busily: nobody has to wake them, at the price of a core.
    Spin,
}

impl Pacing {
    /// Busily, or not.
    pub fn of(is_spinning: bool) -> Self {
        if is_spinning { Self::Spin } else { Self::Sleep }
    }

    /// When the alarm is to ring for the earliest deadline.
    pub(super) fn alarm(self, earliest: Instant, last_wake: Instant) -> Instant {
        match self {
            Self::Sleep => earliest.max(last_wake + COALESCE),
            Self::Spin => earliest.checked_sub(AHEAD).unwrap_or(earliest),
        }
    }
}

/// How much of the time between two looks was idle.
pub(super) fn idle(between: Duration) -> Duration {
    if between <= LOOK { between } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_ups_lie_apart() {
        let woken = Instant::now();
        let after = |us| woken + Duration::from_micros(us);
        assert_eq!(Pacing::Sleep.alarm(after(500), woken), after(500));
        assert_eq!(Pacing::Sleep.alarm(after(20), woken), after(50), "the next wake-up serves it");
    }

    #[test]
    fn busy_waiting_begins_ahead_of_the_deadline() {
        let woken = Instant::now();
        let after = |us| woken + Duration::from_micros(us);
        assert_eq!(Pacing::Spin.alarm(after(5_000), woken), after(4_800));
        assert_eq!(Pacing::Spin.alarm(after(200), woken), woken);
    }

    #[test]
    fn what_takes_longer_than_a_look_is_work() {
        assert_eq!(idle(Duration::from_micros(1)), Duration::from_micros(1));
        assert_eq!(idle(Duration::from_micros(12)), Duration::ZERO);
    }
}
