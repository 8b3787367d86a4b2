//! Stalls at fixed times: a stalled server does no work and answers nothing.
//!
//! ```text
//! wall clock   0 ........ ▒▒▒▒▒ period ........ ▒▒▒▒▒ 2·period ........
//! own clock    0 ........ (still) ............. (still) ..............
//! ```
//!
//! The one idea is the server's own clock, which stands still during a stall. A request that
//! arrives at wall time `a` and needs `s` of work is done when the own clock has moved on by `s`.
//! So one that arrives in a stall is answered at the stall's end plus its service time, and one
//! that would have been answered in a stall has what was left of its work done after it.

use std::time::Duration;

/// A stall at the end of every period, so that a run of whole periods meets whole stalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalls {
    /// From the start of a stall to the start of the next; longer than `length`.
    pub period: Duration,
    /// How long a stall lasts; more than 0.
    pub length: Duration,
}

impl Stalls {
    /// When a request is answered that arrives at `arrival` and needs `work`.
    ///
    /// Both times count from the server's start (or its last reset).
    ///
    /// # Panics
    /// When `period` is not longer than `length`; no server starts with such stalls.
    pub fn completion(&self, arrival: Duration, work: Duration) -> Duration {
        self.wall_time(self.own_time(arrival) + work)
    }

    /// What the own clock shows at `wall`.
    fn own_time(&self, wall: Duration) -> Duration {
        let cycle = wall.as_nanos() / self.period.as_nanos();
        let within = wall.as_nanos() % self.period.as_nanos();
        let worked = self.work_per_cycle();
        nanos(cycle * worked + within.min(worked))
    }

    /// The inverse of [`Self::own_time`]; of the times of a stall, the end.
    fn wall_time(&self, own: Duration) -> Duration {
        let cycle = own.as_nanos() / self.work_per_cycle();
        let within = own.as_nanos() % self.work_per_cycle();
        nanos(cycle * self.period.as_nanos() + within)
    }

    fn work_per_cycle(&self) -> u128 {
        self.period.saturating_sub(self.length).as_nanos()
    }
}

fn nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Stalls;

    #[test]
    fn a_request_that_meets_a_stall_is_answered_after_it() {
        let stalls = Stalls { period: Duration::from_secs(1), length: Duration::from_millis(200) };
        // (arrival, work, completion), in milliseconds.
        let cases = [
            (0, 1, 1),
            (100, 1, 101),
            (798, 1, 799),
            (799, 1, 1000),    // due just as the stall starts
            (795, 10, 1005),   // 5 ms of its work before, 5 ms after
            (800, 1, 1001),    // arrives as the stall starts
            (900, 1, 1001),    // arrives within it
            (999, 0, 1000),    // needs no work, waits all the same
            (1000, 1, 1001),   // arrives as it ends
            (1700, 50, 1750),  // between two stalls
            (1850, 5, 2005),   // the second stall
            (300, 3000, 4100), // work across four stalls
        ];
        for (arrival, work, completion) in cases {
            let [arrival, work, completion] = [arrival, work, completion].map(Duration::from_millis);
            assert_eq!(stalls.completion(arrival, work), completion, "arrival {arrival:?}, work {work:?}");
        }
    }
}
