//! The one clock of a run: samples and signals count their microseconds from its start.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The wall clock, µs since 1970 (UTC).
pub(super) fn wall_us() -> i64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(wall.as_micros()).unwrap_or(0)
}

/// Where a run's time begins.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    unix_us: i64,
}

impl Clock {
    /// A clock whose zero lies `lead` ahead: time to set everything up for a start on time.
    pub fn starting_in(lead: Duration) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + lead;
        Self { start: Instant::now() + lead, unix_us: i64::try_from(unix.as_micros()).unwrap_or(0) }
    }

    /// A clock whose zero is an instant, past or ahead.
    pub fn starting_at(start: Instant) -> Self {
        let ahead = start.saturating_duration_since(Instant::now());
        let behind = start.elapsed();
        let us = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        Self { start, unix_us: wall_us().saturating_add(us(ahead)).saturating_sub(us(behind)) }
    }

    /// Its start in microseconds since 1970 (UTC).
    pub fn unix_us(&self) -> i64 {
        self.unix_us
    }

    /// By how much the wall clock has strayed from this one since the start, µs: it was set, or
    /// the machine slept.
    pub fn wall_step_us(&self) -> i64 {
        wall_us() - self.unix_us - self.now_us()
    }

    /// Its start.
    pub fn zero(&self) -> Instant {
        self.start
    }

    /// Microseconds from its start until now.
    pub fn now_us(&self) -> i64 {
        self.us(Instant::now())
    }

    /// Microseconds from its start until `instant`; negative before it.
    pub fn us(&self, instant: Instant) -> i64 {
        match instant.checked_duration_since(self.start) {
            Some(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            None => -i64::try_from(self.start.duration_since(instant).as_micros()).unwrap_or(i64::MAX),
        }
    }
}

#[cfg(test)]
pub(in crate::load) mod tests {
    use super::*;

    /// A clock with a known zero, at which it is 1970.
    pub(in crate::load) fn starting_at(start: Instant) -> Clock {
        Clock { start, unix_us: 0 }
    }

    #[test]
    fn instants_count_from_the_start_and_are_negative_before_it() {
        let start = Instant::now() + Duration::from_secs(1);
        let clock = starting_at(start);
        assert_eq!(clock.us(start), 0);
        assert_eq!(clock.us(start + Duration::from_micros(1_500)), 1_500);
        assert_eq!(clock.us(start.checked_sub(Duration::from_micros(700)).unwrap()), -700);
    }
}
