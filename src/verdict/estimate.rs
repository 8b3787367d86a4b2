//! From the values of a claim's rounds to an estimate with an interval.

use std::sync::Arc;

use serde::Serialize;

use super::conclusion::Verdict;
use crate::claim::{Bound, Claim, Evaluated, Form, Seen, Statistic};
use crate::stats::interval::Interval;
use crate::stats::mean::Moments;
use crate::stats::mover::{self, Limits};
use crate::stats::proportion::Counters;
use crate::stats::quantile::median;
use crate::stats::quantile_claim::{QuantileEvidence, Says};
use crate::stats::shares::{self, Share};

/// On which scale the rounds' values are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Logarithms: ratios, times and rates; a difference is a factor.
    Log,
    /// The values themselves: differences, counts and signals.
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
    /// On which side of the bound the evidence lies, where it is not the interval alone that tells.
    pub(super) verdict: Option<Verdict>,
}

impl Estimate {
    /// Without an interval.
    fn open(scale: Scale, value: f64) -> Self {
        Self { scale, value, low: None, high: None, moments: None, verdict: None }
    }
}

/// The estimate over the rounds, with the interval that suits the claim's form.
pub(super) fn estimate(
    rounds: &[&Evaluated],
    values: &[f64],
    claim: &Claim,
    alpha: f64,
    about_one_run: bool,
) -> Estimate {
    let bounded = |scale, value, interval: Interval, moments| Estimate {
        low: Some(interval.low).filter(|low| low.is_finite()),
        high: Some(interval.high).filter(|high| high.is_finite()),
        moments,
        ..Estimate::open(scale, value)
    };
    if values.len() == 1 {
        let (low, high) = within_run(rounds[0], about_one_run).unwrap_or((None, None));
        return Estimate { low, high, ..Estimate::open(Scale::WithinRun, values[0]) };
    }
    if let Some(estimate) = of_quantile(rounds, values, claim.bound, alpha) {
        return estimate;
    }
    let form = claim.value.form();
    if let Some(contrast) = contrast(rounds, form, alpha) {
        let value = contrast.estimate.unwrap_or(values[0]);
        return bounded(Scale::Share, value, contrast.interval, Moments::of(values));
    }
    if let Some(estimate) = of_counts(rounds, values, form, alpha) {
        return estimate;
    }
    let counts: Option<Vec<(f64, f64)>> = rounds.iter().map(|e| e.counts).collect();
    if let Some((k, n)) = counts.map(|c| c.into_iter().unzip::<f64, f64, Vec<_>, Vec<_>>())
        && let Some(counters) = Counters::of(&k, &n)
    {
        return bounded(Scale::Share, counters.ratio, counters.interval(alpha), Moments::of(values));
    }
    let has_share = || rounds.iter().flat_map(|e| &e.seen).any(|seen| seen.found.counts.is_some());
    if matches!(form, Form::Ratio { .. } | Form::Positive) {
        if values.iter().any(|v| *v <= 0.0) {
            let middle = median(values).unwrap_or(values[0]);
            let broken = values.iter().all(|v| !claim.bound.holds(*v));
            let verdict = if broken { Verdict::Refuted } else { Verdict::Undecided };
            return Estimate { verdict: Some(verdict), ..Estimate::open(Scale::Log, middle) };
        }
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
        // Shares that show no spread are not known exactly.
        Some(moments) if moments.sd > 0.0 || !has_share() => {
            bounded(Scale::Plain, moments.mean, moments.interval(alpha), Some(moments))
        }
        _ => Estimate::open(Scale::Plain, values[0]),
    }
}

/// A quantile of one arm's times by itself, or in another unit: two intervals have to agree.
fn of_quantile(rounds: &[&Evaluated], values: &[f64], bound: Bound, alpha: f64) -> Option<Estimate> {
    let only = |round: &&Evaluated| match &round.seen[..] {
        [only] => Some(only.clone()),
        _ => None,
    };
    let seen: Vec<Seen> = rounds.iter().map(only).collect::<Option<_>>()?;
    let p = seen.first()?.statistic.quantile().filter(|p| *p > 0.0 && *p < 1.0)?;
    let runs: Vec<Arc<Vec<f64>>> = seen.iter().map(|s| s.found.times.clone()).collect::<Option<_>>()?;
    // `run.p50 / 1000` is the same claim in other units.
    let factor = values.first()? / seen.first()?.found.value;
    let is_scaled =
        |(value, seen): (&f64, &Seen)| (value - factor * seen.found.value).abs() <= 1e-9 * value.abs();
    if !(factor > 0.0 && factor.is_finite() && values.iter().zip(&seen).all(is_scaled)) {
        return None;
    }
    let runs: Vec<&[f64]> = runs.iter().map(|times| times.as_slice()).collect();
    let evidence = QuantileEvidence::of(&runs, p, alpha)?;
    let against = |edge: f64| evidence.against(&runs, p, alpha, edge / factor).map(|found| found.says());
    let (low, high) = bound.edges();
    let above = low.map(|edge| match against(edge) {
        Some(Says::Refutes) => Verdict::Supported,
        Some(Says::Supports) => Verdict::Refuted,
        _ => Verdict::Undecided,
    });
    let below = high.map(|edge| match against(edge) {
        Some(Says::Supports) => Verdict::Supported,
        Some(Says::Refutes) => Verdict::Refuted,
        _ => Verdict::Undecided,
    });
    let sides = || above.iter().chain(&below);
    let verdict = if sides().all(|says| *says == Verdict::Supported) {
        Verdict::Supported
    } else if sides().any(|says| *says == Verdict::Refuted) {
        Verdict::Refuted
    } else {
        Verdict::Undecided
    };
    let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
    Some(Estimate {
        low: evidence.interval.low.map(|low| low * factor),
        high: evidence.interval.high.map(|high| high * factor),
        moments: Moments::of(&logs),
        verdict: Some(verdict),
        ..Estimate::open(Scale::Log, evidence.estimate? * factor)
    })
}

/// Two shares held against each other.
fn contrast(rounds: &[&Evaluated], form: Form, alpha: f64) -> Option<shares::Contrast> {
    let share = |seen: &Seen| {
        let is_share = matches!(seen.statistic, Statistic::Share(_) | Statistic::CheckShare(_));
        seen.found.counts.filter(|_| is_share)
    };
    of_pairs(&pairs(rounds, form, share)?, form, alpha)
}

fn of_pairs(pairs: &[[Share; 2]], form: Form, alpha: f64) -> Option<shares::Contrast> {
    if matches!(form, Form::Ratio { .. }) {
        shares::ratio(pairs, alpha)
    } else {
        shares::difference(pairs, alpha)
    }
}

/// What stands above and below in each round of a ratio, or first and second of a difference, as `of` counts it.
fn pairs(
    rounds: &[&Evaluated],
    form: Form,
    of: impl Fn(&Seen) -> Option<(f64, f64)>,
) -> Option<Vec<[Share; 2]>> {
    let (Form::Ratio { is_inverse } | Form::Difference { is_inverse }) = form else { return None };
    let share = |seen: &Seen| of(seen).map(|(k, n)| Share { k, n });
    let pair = |round: &&Evaluated| match &round.seen[..] {
        [a, b] if is_inverse => Some([share(b)?, share(a)?]),
        [a, b] => Some([share(a)?, share(b)?]),
        _ => None,
    };
    rounds.iter().map(pair).collect()
}

/// Two numbers of samples, or rates of them, held against each other: they are known no better than the shares that they
/// are of the samples, however alike the rounds are.
fn of_counts(rounds: &[&Evaluated], values: &[f64], form: Form, alpha: f64) -> Option<Estimate> {
    // A part of the requests over all of them is a share.
    if rounds.iter().all(|round| round.counts.is_some()) {
        return None;
    }
    let pairs = pairs(rounds, form, |seen| seen.found.trials)?;
    let of_shares = of_pairs(&pairs, form, alpha)?;
    let middle_of = of_shares.estimate?;
    let is_ratio = matches!(form, Form::Ratio { .. });
    let scale = if is_ratio { Scale::Log } else { Scale::Plain };
    let on_scale: Vec<f64> = if is_ratio { values.iter().map(|v| v.ln()).collect() } else { values.to_vec() };
    let moments = on_scale.iter().all(|v| v.is_finite()).then(|| Moments::of(&on_scale)).flatten();
    let back = |end: f64| if is_ratio { end.exp() } else { end };
    // From shares to the numbers themselves.
    let (value, of_shares) = if is_ratio {
        let total = |arm: usize| pairs.iter().map(|pair| pair[arm].n).sum::<f64>();
        let value = moments.as_ref().map_or(middle_of * total(0) / total(1), |moments| moments.mean.exp());
        let factor =
            if middle_of > 0.0 && middle_of.is_finite() { value / middle_of } else { total(0) / total(1) };
        (value, of_shares.interval.map(|end| end * factor))
    } else {
        let is_count = |seen: &Seen| matches!(seen.statistic, Statistic::Count(_));
        if !rounds.iter().flat_map(|round| &round.seen).all(is_count) {
            return None;
        }
        let value = moments.as_ref()?.mean;
        let of_run = pairs.iter().flatten().map(|share| share.n).sum::<f64>() / (2.0 * pairs.len() as f64);
        (value, of_shares.interval.map(|end| value + (end - middle_of) * of_run))
    };
    let over_rounds = moments.as_ref().map_or(of_shares, |moments| moments.interval(alpha).map(back));
    Some(Estimate {
        low: Some(over_rounds.low.min(of_shares.low)),
        high: Some(over_rounds.high.max(of_shares.high)).filter(|high| high.is_finite()),
        moments,
        ..Estimate::open(scale, value)
    })
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
