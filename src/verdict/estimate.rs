//! From the values of a claim's rounds to an estimate with an interval.

use serde::Serialize;

use crate::claim::{Evaluated, Seen};
use crate::stats::interval::Interval;
use crate::stats::mean::Moments;
use crate::stats::mover::{self, Limits};
use crate::stats::proportion::Counters;

/// On which scale the rounds' values are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Logarithms: ratios, times and rates; a difference is a factor.
    Log,
    /// The values themselves, where some are 0 or below.
    Plain,
    /// Shares of counts: sums over sums, with a run-level design effect.
    Share,
    /// Within the run, where there is one only.
    WithinRun,
    /// No average: every run counts by itself.
    EveryRun,
}

/// An estimate with its interval.
pub(super) struct Estimate {
    pub(super) scale: Scale,
    pub(super) value: f64,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    /// Mean and spread on the scale of the interval, where rounds were averaged.
    pub(super) moments: Option<Moments>,
}

/// The estimate over the rounds, with the interval that suits its kind.
pub(super) fn estimate(rounds: &[&Evaluated], values: &[f64], alpha: f64, about_one_run: bool) -> Estimate {
    let bounded = |scale, value, interval: Interval, moments| Estimate {
        scale,
        value,
        low: Some(interval.low),
        high: Some(interval.high),
        moments,
    };
    if values.len() == 1 {
        let (low, high) = within_run(rounds[0], about_one_run).unwrap_or((None, None));
        return Estimate { scale: Scale::WithinRun, value: values[0], low, high, moments: None };
    }
    let counts: Option<Vec<(f64, f64)>> = rounds.iter().map(|e| e.counts).collect();
    if let Some((k, n)) = counts.map(|c| c.into_iter().unzip::<f64, f64, Vec<_>, Vec<_>>())
        && let Some(counters) = Counters::of(&k, &n)
    {
        return bounded(Scale::Share, counters.ratio, counters.interval(alpha), Moments::of(values));
    }
    if values.iter().all(|v| *v > 0.0) {
        let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
        if let Some(moments) = Moments::of(&logs) {
            return bounded(
                Scale::Log,
                moments.mean.exp(),
                moments.interval(alpha).map(f64::exp),
                Some(moments),
            );
        }
    }
    match Moments::of(values) {
        Some(moments) => bounded(Scale::Plain, moments.mean, moments.interval(alpha), Some(moments)),
        None => Estimate { scale: Scale::Plain, value: values[0], low: None, high: None, moments: None },
    }
}

/// The interval within a single run: of a quantile, of a share, or of a ratio of two quantiles.
/// Counts and readings of one run by itself are what they are.
fn within_run(one: &Evaluated, about_one_run: bool) -> Option<(Option<f64>, Option<f64>)> {
    let is = |value: f64| (value - one.value).abs() <= 1e-9 * one.value.abs();
    match &one.seen[..] {
        [only] if is(only.found.value) && only.found.within_run.is_some() => only.found.within_run,
        [a, b] => {
            let (a, b) = (limits(a)?, limits(b)?);
            let ratio = if is(a.estimate / b.estimate) {
                mover::ratio(&a, &b)?
            } else if is(b.estimate / a.estimate) {
                mover::ratio(&b, &a)?
            } else {
                return None;
            };
            Some((ratio.lower, ratio.upper))
        }
        _ if about_one_run => Some((Some(one.value), Some(one.value))),
        _ => None,
    }
}

fn limits(seen: &Seen) -> Option<Limits> {
    let (lower, upper) = seen.found.within_run?;
    seen.statistic.quantile()?;
    Some(Limits { estimate: seen.found.value, lower, upper })
}
