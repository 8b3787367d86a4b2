//! What one run's samples come to, per endpoint and traffic class.

use serde::Serialize;

use crate::sample::{Outcome, Subject};

/// The quantiles that every summary gives, in order.
pub const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// What all requests of users together are called, as a subject and as a curve.
pub const TOTAL: &str = "total";

/// How many samples ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutcomeCounts {
    /// Answered as expected.
    pub ok: u64,
    /// Expected refusals.
    pub rejected: u64,
    /// Wrong answers.
    pub failed: u64,
    /// No answer.
    pub error: u64,
    /// Never sent.
    pub dropped: u64,
}

impl OutcomeCounts {
    /// All samples.
    pub fn total(&self) -> u64 {
        Outcome::ALL.iter().map(|o| self.of(*o)).sum()
    }

    /// The samples that ended in `outcome`.
    pub fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Ok => self.ok,
            Outcome::Rejected => self.rejected,
            Outcome::Failed => self.failed,
            Outcome::Error => self.error,
            Outcome::Dropped => self.dropped,
        }
    }

    /// Counts `n` more samples that ended in `outcome`.
    pub fn add(&mut self, outcome: Outcome, n: u64) {
        *match outcome {
            Outcome::Ok => &mut self.ok,
            Outcome::Rejected => &mut self.rejected,
            Outcome::Failed => &mut self.failed,
            Outcome::Error => &mut self.error,
            Outcome::Dropped => &mut self.dropped,
        } += n;
    }

    /// Adds another set of counts.
    pub fn merge(&mut self, other: &Self) {
        for outcome in Outcome::ALL {
            self.add(outcome, other.of(outcome));
        }
    }
}

/// The spread of one time over the answered samples (`ok` and `rejected`) of a subject. A sample that was never answered
/// took for ever: a quantile that reaches it, the largest value and the mean are then infinite.
///
/// With several runs each metric is the geometric mean of the runs' metrics, so that a ratio of
/// two distributions is the mean ratio of their runs; `n` is their sum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// Values behind it.
    pub n: u64,
    /// Smallest, µs.
    pub min_us: f64,
    /// Arithmetic mean, µs.
    pub mean_us: f64,
    /// Quantiles (Hyndman and Fan's type 8), µs, in the order of [`QUANTILES`].
    pub quantiles_us: [f64; QUANTILES.len()],
    /// Largest, µs.
    pub max_us: f64,
}

/// How well the samples carry a quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evidence {
    /// At least ten samples lie beyond it.
    Firm(f64),
    /// One to nine samples lie beyond it: an order of magnitude, not a value.
    Thin(f64),
    /// None lies beyond it: it would be the largest value by another name.
    None,
}

impl Evidence {
    /// The value, if there is one.
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Firm(value) | Self::Thin(value) => Some(value),
            Self::None => None,
        }
    }
}

impl Distribution {
    /// The quantile at place `i` of [`QUANTILES`], and how well it is carried.
    pub fn quantile(&self, i: usize) -> Evidence {
        let beyond = self.n as f64 * (1.0 - QUANTILES[i]) + 1e-9;
        match self.quantiles_us[i] {
            value if beyond >= 10.0 => Evidence::Firm(value),
            value if beyond >= 1.0 => Evidence::Thin(value),
            _ => Evidence::None,
        }
    }
}

/// What a subject came to in one run, or in the runs of one arm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What was called, by whom.
    pub subject: Subject,
    /// Samples by outcome.
    pub counts: OutcomeCounts,
    /// Samples by status: `(status, count)`, 0 for no answer, in order of status.
    pub statuses: Vec<(u16, u64)>,
    /// Samples answered within the load, per second of it.
    pub rate_per_s: f64,
    /// Intended start to done; none where nothing was answered.
    pub response: Option<Distribution>,
    /// Sent to done; none where nothing was answered.
    pub service: Option<Distribution>,
}
