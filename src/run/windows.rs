//! Windows of a run by their names: stages of its load, and faults.

use super::{FaultFacts, RunFacts};

impl RunFacts {
    /// The fault of a name.
    pub fn fault(&self, name: &str) -> Option<&FaultFacts> {
        self.end.faults.iter().find(|fault| fault.name == name)
    }

    /// Start and end of a stage of its load, or of a fault, by name, µs since the run's start; none if it has neither, or
    /// ended before.
    pub fn window_us(&self, name: &str) -> Option<(i64, i64)> {
        match self.fault(name) {
            Some(fault) => fault.window_us(self.last_us()).filter(|(start, end)| end > start),
            None => self.stage_us(name),
        }
    }

    /// Whether its system was under a fault at a moment, µs since the run's start.
    pub fn is_under_fault(&self, us: i64) -> bool {
        let windows = self.end.faults.iter().filter_map(|fault| fault.window_us(i64::MAX));
        windows.into_iter().any(|(start, end)| (start..end).contains(&us))
    }

    /// The last thing that was measured, µs since the run's start.
    #[expect(clippy::cast_possible_truncation, reason = "a run lasts less than 2^53 µs")]
    pub fn last_us(&self) -> i64 {
        (self.duration_s * 1e6) as i64
    }
}
