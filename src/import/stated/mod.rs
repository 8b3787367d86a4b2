//! What tools say of their requests without keeping any: percentiles, counts and rates of a whole load. They are shown
//! as stated; nothing can be worked out or decided from them.

pub(super) mod hey;
pub(super) mod k6;
pub(super) mod wrk;

use super::number::span_us;
use super::row::Stated;
use crate::unit;

/// Units of times, as wrk writes them behind a number, in µs.
const UNITS: [(&str, f64); 5] = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 60e6), ("h", 3600e6)];

/// A time with its unit, µs: `635.91us`.
fn with_unit(text: &str) -> Option<f64> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (_, unit_us) = UNITS.iter().find(|(unit, _)| *unit == &text[number.len()..])?;
    number.parse::<f64>().ok().map(|value| value * unit_us)
}

impl Stated {
    /// Adds a time, µs; a value that cannot be a time is left out.
    fn time(&mut self, name: impl Into<String>, us: f64) {
        if span_us(us).is_some() {
            self.metrics.push((name.into(), unit::time(us)));
        }
    }

    /// Adds a count.
    fn count(&mut self, name: &str, count: u64) {
        self.metrics.push((name.to_owned(), unit::count(count)));
    }

    /// Adds how many requests per second went well, if it is known for how long they were made.
    fn throughput(&mut self, ok: u64) {
        if self.span_us > 0 {
            let rate = ok as f64 / (self.span_us as f64 / 1e6);
            self.metrics.push(("throughput".to_owned(), format!("{} ok/s", unit::significant(rate))));
        }
    }
}
