//! HDR histograms: quantiles while a run goes on (two significant digits, fixed memory), and times for tools that
//! read histograms. Reports never use them; they are computed from the samples.

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

/// Digits of a [`Spectrum`].
pub const SPECTRUM_DIGITS: u8 = 3;
/// Steps of a spectrum for each half of what is left to 100 %: HdrHistogram's own number.
const STEPS_PER_HALF: u32 = 5;

/// How times are distributed, as HdrHistogram's tools show it.
#[derive(Clone, Debug)]
pub struct Spectrum(Histogram<u64>);

/// A step of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The time, µs: the longest that the histogram does not tell from it.
    pub value_us: u64,
    /// The share of times that the step stands for.
    pub quantile: f64,
    /// How many times are no longer.
    pub count: u64,
}

impl Default for Spectrum {
    fn default() -> Self {
        Self(Histogram::new(SPECTRUM_DIGITS).expect("constant digits are valid"))
    }
}

impl Spectrum {
    /// Takes a time in.
    pub fn add(&mut self, us: u64) {
        // It grows with what it is given.
        let _ = self.0.record(us);
    }

    /// The steps, from the shortest time to the longest.
    pub fn steps(&self) -> Vec<Step> {
        let mut count = 0;
        let steps = self.0.iter_quantiles(STEPS_PER_HALF).map(|step| {
            count += step.count_since_last_iteration();
            Step { value_us: step.value_iterated_to(), quantile: step.quantile_iterated_to(), count }
        });
        steps.collect()
    }

    /// How many times there are.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Their mean, µs.
    pub fn mean_us(&self) -> f64 {
        self.0.mean()
    }

    /// Their standard deviation, µs.
    pub fn deviation_us(&self) -> f64 {
        self.0.stdev()
    }

    /// The longest, µs.
    pub fn max_us(&self) -> u64 {
        self.0.max()
    }

    /// How many ranges, each twice as wide as the one before it, the histogram has.
    pub fn buckets(&self) -> u8 {
        self.0.buckets()
    }
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
