//! Times of samples: as they were measured, or read in another way, and what they come to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{BATCHES, HIGH_QUANTILE, Reading, RoundRuns, WITHIN_RUN_ALPHA};
use crate::claim::{Found, Metric, Side, Statistic, TimeKind};
use crate::run::MeasuredRun;
use crate::stats::clusters::exceedance_clusters;
use crate::stats::omission::{Corrected, Waits, usual_interval};
use crate::stats::quantile::type8;
use crate::stats::woodruff::Woodruff;
use crate::unit;

/// A sample's place in time and what it came to.
pub(super) struct Timed {
    /// Its place in the run's columns.
    pub(super) place: usize,
    pub(super) intended_us: i64,
    /// Infinite if it was never answered.
    pub(super) ms: f64,
}

/// What is left of a time at least when the generator's own part is taken off, ms.
const LEFT_MS: f64 = 1e-3;
/// Most response times, with those that were held back, that an interval is made from.
const MOST_CORRECTED: usize = 4_000_000;
/// Runs from this length on have enough independent stretches for the larger number of batches, s.
const LONG_S: f64 = 300.0;

impl RoundRuns {
    /// The times of the selected samples, in order of when they were due. What was never answered took for ever; a
    /// wrong answer has no time, unless its outcome is selected.
    pub(super) fn times(&self, run: &MeasuredRun, kind: TimeKind) -> Vec<Timed> {
        let samples = &run.samples;
        let any = self.select.outcome.is_some();
        let took_ms = self.took_ms(run, kind);
        let mut times: Vec<Timed> = self
            .selected(run)
            .filter_map(|i| {
                let of = samples.subjects[samples.subject[i] as usize].kind;
                let ms = match samples.outcome[i] {
                    outcome if any || outcome.is_answered() => took_ms(i),
                    outcome if outcome.is_unanswered(of) => f64::INFINITY,
                    _ => return None,
                };
                Some(Timed { place: i, intended_us: samples.intended_us[i], ms })
            })
            .collect();
        times.sort_by_key(|t| t.intended_us);
        times
    }

    /// How long the sample at a place took, ms, as times are read.
    pub(super) fn took_ms<'a>(
        &self,
        run: &'a MeasuredRun,
        kind: TimeKind,
    ) -> impl Fn(usize) -> f64 + 'a + use<'a> {
        let samples = &run.samples;
        let is_baseline = self.baseline.as_ref().is_some_and(|baseline| baseline.facts.id == run.facts.id);
        let shift = match self.reading {
            Reading::Shifted(baseline, other) if kind == TimeKind::Response => {
                f64::from(if is_baseline { baseline } else { other })
            }
            _ => 0.0,
        };
        let floor_ms = match self.reading {
            Reading::WithoutFloor(us) => f64::from(us) / 1e3,
            _ => 0.0,
        };
        move |i| {
            let since = match kind {
                TimeKind::Response => samples.intended_us[i],
                TimeKind::Service => samples.sent_us[i],
            };
            let took = (samples.done_us[i] - since) as f64 / 1e3;
            let lag_ms = (samples.sent_us[i] - samples.intended_us[i]) as f64 / 1e3;
            if floor_ms > 0.0 { (took - floor_ms).max(LEFT_MS) } else { took + shift * lag_ms }
        }
    }

    /// A metric of times in the first and in the second half of a side's samples, ms; none for other statistics, and
    /// where a half has none or was not answered.
    pub(in crate::verdict) fn halves(&self, side: Side, statistic: &Statistic) -> Option<[f64; 2]> {
        let Statistic::Time(kind, metric) = statistic else { return None };
        let run = self.run_of(side)?;
        let times = self.times(run, *kind);
        let middle_us = times.first()?.intended_us.midpoint(times.last()?.intended_us);
        let of_half = |half: &[Timed]| {
            let mut ms: Vec<f64> = half.iter().map(|time| time.ms).collect();
            ms.sort_by(f64::total_cmp);
            let value = match metric {
                Metric::Quantile(p) => type8(&ms, *p)?,
                Metric::Mean => ms.iter().sum::<f64>() / ms.len() as f64,
            };
            value.is_finite().then_some(value)
        };
        let (first, second) = times.split_at(times.partition_point(|time| time.intended_us < middle_us));
        Some([of_half(first)?, of_half(second)?])
    }

    pub(super) fn time(&self, run: &MeasuredRun, kind: TimeKind, metric: Metric) -> Result<Found, String> {
        let times = self.times(run, kind);
        let in_order: Vec<f64> = times.iter().map(|t| t.ms).collect();
        if in_order.is_empty() {
            return Err(format!("no answered sample {}in run {}", self.wanted(), run.facts.id));
        }
        let n = in_order.len() as u64;
        let p = match metric {
            Metric::Mean => {
                if self.reading == Reading::Corrected && self.is_of_requests() {
                    return Ok(corrected(run, &times, None, n));
                }
                let unanswered = in_order.iter().filter(|ms| ms.is_infinite()).count();
                if unanswered > 0 {
                    return Err(format!(
                        "a mean has no value where {} of {} samples {}in run {} were never answered: use a quantile",
                        unit::count(unanswered as u64),
                        unit::count(n),
                        self.wanted(),
                        run.facts.id
                    ));
                }
                let value = in_order.iter().sum::<f64>() / n as f64;
                return Ok(Found { value, n, ..Found::default() });
            }
            Metric::Quantile(p) => p,
        };
        let mut sorted = in_order.clone();
        sorted.sort_by(f64::total_cmp);
        if self.reading == Reading::Corrected && self.is_of_requests() {
            return Ok(corrected(run, &times, Some(p), n));
        }
        let span_s = times
            .last()
            .zip(times.first())
            .map_or(0.0, |(l, f)| (l.intended_us - f.intended_us) as f64 / 1e6);
        let clusters = (p >= HIGH_QUANTILE).then(|| {
            // Samples beyond it that are due within a second of each other are one event.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of samples")]
            let gap = (n as f64 / span_s.max(1.0)).ceil() as usize;
            exceedance_clusters(&in_order, p, gap).1
        });
        let within_run = if self.within_run {
            let batches = if span_s < LONG_S { BATCHES.0 } else { BATCHES.1 };
            Woodruff::of(&in_order, p, batches, WITHIN_RUN_ALPHA).map(|w| (w.lower, w.upper))
        } else {
            None
        };
        let value = type8(&sorted, p).unwrap_or(f64::NAN);
        let times = (!self.within_run).then(|| Arc::new(sorted));
        Ok(Found { value, n, clusters, within_run, times, ..Found::default() })
    }
}

/// A quantile of times with those that stalled users held back, or their mean; what was never answered makes that
/// unbounded.
fn corrected(run: &MeasuredRun, times: &[Timed], p: Option<f64>, n: u64) -> Found {
    with_held_back(run, times, |corrected| {
        let Some(p) = p else {
            let values = corrected.values(MOST_CORRECTED).filter(|values| !values.is_empty());
            // More than can be summed up are a stall that no mean should hide.
            let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
            return Found { value: values.map_or(f64::INFINITY, mean), n, ..Found::default() };
        };
        let value = corrected.quantile(p).unwrap_or(f64::NAN);
        let values = corrected.values(MOST_CORRECTED).map(Arc::new);
        Found { value, n, times: values, ..Found::default() }
    })
}

/// What is found in times with those that stalled users held back.
pub(super) fn with_held_back(
    run: &MeasuredRun,
    times: &[Timed],
    find: impl Fn(&Corrected<'_>) -> Found,
) -> Found {
    let samples = &run.samples;
    // The users of a class, each with the starts of all its requests: think times and other endpoints keep it busy, too.
    let mut starts: BTreeMap<u64, BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
    for (i, caller) in samples.caller.iter().enumerate() {
        let of_class = starts.entry(caller >> 32).or_default();
        of_class.entry(*caller).or_default().push(samples.intended_us[i] as f64 / 1e3);
    }
    let mut classes: BTreeMap<u64, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for time in times {
        let class = samples.caller.get(time.place).map_or(0, |caller| caller >> 32);
        let (answered, unanswered) = classes.entry(class).or_default();
        if time.ms.is_finite() {
            answered.push(time.ms);
        } else {
            unanswered.push((samples.done_us[time.place] - time.intended_us) as f64 / 1e3);
        }
    }
    let waits: Vec<Waits<'_>> = classes
        .iter()
        .map(|(class, (answered, unanswered))| {
            let users = starts.get_mut(class).map(|users| {
                let mut users: Vec<Vec<f64>> = std::mem::take(users).into_values().collect();
                for starts in &mut users {
                    starts.sort_by(f64::total_cmp);
                }
                users
            });
            Waits { interval: usual_interval(&users.unwrap_or_default()), answered, unanswered }
        })
        .collect();
    find(&Corrected::of(&waits))
}
