//! Quantiles while a run goes on, from an HDR histogram: two significant digits, fixed memory.
//! Reports never use them; they are computed from the samples.

use hdrhistogram::Histogram;

use crate::sample::{Batch, Kind, Outcome};
use crate::scenario::journey::Endpoint;

/// Longest time that is told apart from longer ones: an hour, in µs.
const LONGEST_US: u64 = 3_600_000_000;

/// Values as `(value, count)`, ascending, to three significant digits: what a baseline in git keeps.
pub fn compact(values_us: &[u64]) -> Vec<(u64, u64)> {
    let mut histogram = empty(3);
    for value in values_us {
        histogram.saturating_record(*value);
    }
    let steps = histogram.iter_recorded();
    steps.map(|step| (histogram.median_equivalent(step.value_iterated_to()), step.count_at_value())).collect()
}

/// What a run's samples came to so far, and since the last look.
#[derive(Debug)]
pub struct Live {
    recent: Histogram<u64>,
    /// Everything before the last look.
    earlier: Histogram<u64>,
    /// Requests by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Requests answered since the last look.
    answered_since: u64,
}

/// A look at a run while it goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glance {
    /// Requests by outcome so far, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Requests answered since the last look.
    pub answered: u64,
    /// p50, p95 and p99 of the response times since the last look, µs; none without any.
    pub quantiles_us: Option<[f64; 3]>,
}

impl Default for Live {
    fn default() -> Self {
        Self { recent: empty(2), earlier: empty(2), outcomes: [0; Outcome::ALL.len()], answered_since: 0 }
    }
}

fn empty(digits: u8) -> Histogram<u64> {
    Histogram::new_with_max(LONGEST_US, digits).expect("constant bounds are valid")
}

impl Live {
    /// The quantile of all response times so far, µs; none without any.
    pub fn quantile_us(&self, p: f64) -> Option<f64> {
        let mut all = self.earlier.clone();
        let _ = all.add(&self.recent);
        (!all.is_empty()).then(|| all.value_at_quantile(p) as f64)
    }

    /// Takes a batch in; effects and loadproof's own questions are left out.
    pub fn add(&mut self, batch: &Batch, endpoints: &[Endpoint]) {
        for sample in &batch.samples {
            let endpoint = &endpoints[usize::from(sample.endpoint.0)];
            if endpoint.kind != Kind::Request || endpoint.is_probe() {
                continue;
            }
            self.outcomes[sample.outcome as usize] += 1;
            if matches!(sample.outcome, Outcome::Ok | Outcome::Rejected) {
                self.answered_since += 1;
                let us = u64::try_from(sample.done_us - sample.intended_us).unwrap_or(0);
                self.recent.saturating_record(us);
            }
        }
    }

    /// A look at it; the next one counts from here.
    pub fn look(&mut self) -> Glance {
        let quantiles_us = (!self.recent.is_empty())
            .then(|| [0.5, 0.95, 0.99].map(|q| self.recent.value_at_quantile(q) as f64));
        let answered = std::mem::take(&mut self.answered_since);
        // Both have the same bounds.
        let _ = self.earlier.add(&self.recent);
        self.recent.reset();
        Glance { outcomes: self.outcomes, answered, quantiles_us }
    }
}
