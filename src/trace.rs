//! Trace ids of samples (W3C Trace Context). They follow from what is stored of a sample anyway, so
//! that a report can name a trace that nobody wrote down.

use std::fmt::Write;

use crate::checksum::mix;

/// Where in time and traffic a sample stands: what its trace id follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Start of its run, µs since 1970 (UTC).
    pub run_unix_us: i64,
    /// The number of its journey within the run.
    pub journey: u32,
    /// When it was due, µs since the run's start.
    pub intended_us: i64,
}

impl Origin {
    /// The trace id, 32 hexadecimal digits. Requests of one journey that are due at one instant
    /// (a `parallel` step) share it.
    pub fn trace_id(self) -> String {
        let [high, low] = [self.mixed(1), self.mixed(2)];
        format!("{high:016x}{low:016x}")
    }

    /// The value of the header `traceparent`, sampled. `span` tells requests of one trace apart.
    pub fn traceparent(self, span: u64) -> String {
        let mut text = String::with_capacity(55);
        let [high, low, parent] = [self.mixed(1), self.mixed(2), self.mixed(3 + span)];
        // Writing to a string cannot fail.
        let _ = write!(text, "00-{high:016x}{low:016x}-{parent:016x}-01");
        text
    }

    /// A number that depends on all of it and is never 0, which the standard forbids.
    fn mixed(self, salt: u64) -> u64 {
        let parts =
            [self.run_unix_us.cast_unsigned(), self.journey.into(), self.intended_us.cast_unsigned(), salt];
        mix(0, &parts).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_the_form_of_the_standard_and_holds_the_trace_id() {
        let origin = Origin { run_unix_us: 1_700_000_000_000_000, journey: 7, intended_us: 5_000 };
        let header = origin.traceparent(0);
        let parts: Vec<&str> = header.split('-').collect();
        assert_eq!(parts.iter().map(|p| p.len()).collect::<Vec<_>>(), [2, 32, 16, 2]);
        assert_eq!(parts[1], origin.trace_id());
        assert_ne!(header, origin.traceparent(1));
        assert_ne!(origin.trace_id(), Origin { journey: 8, ..origin }.trace_id());
    }
}
