//! Statistics over time: signals, how they and response times drift, and what correlates with
//! what.

use std::collections::BTreeMap;

use super::{RoundRuns, WITHIN_RUN_ALPHA, increase};
use crate::claim::{DriftOf, Found, SignalMetric, TimeKind};
use crate::reading::SignalColumn;
use crate::run::MeasuredRun;
use crate::stats::drift::drift;
use crate::stats::quantile::{median, type8};
use crate::stats::rank_correlation::spearman;
use crate::stats::trend_line;
use crate::unit;

const SECOND_US: i64 = 1_000_000;
/// Readings that may be missing at the end of a stretch.
const MISSED_READINGS: f64 = 3.0;
/// Seconds below which nothing is said of what goes together.
const LEAST_SECONDS: usize = 10;

impl RoundRuns {
    pub(super) fn signal(
        &self,
        run: &MeasuredRun,
        metric: SignalMetric,
        name: &str,
    ) -> Result<Found, String> {
        let column = column(run, name)?;
        // Without a phase all readings count, those after the load as well.
        let is_whole = self.select.phase.is_none() && self.select.stage.is_none();
        let within = if is_whole { (i64::MIN, i64::MAX) } else { self.stretch_us(&run.facts)? };
        self.read_to_the_end(run, column)?;
        let points = points(column, within);
        let value = metric_of(metric, &points, column).ok_or_else(|| self.too_few(run, name))?;
        let is_growth = matches!(metric, SignalMetric::Delta | SignalMetric::Rate) && is_whole;
        let doubt = if is_growth { read_late(run, column) } else { None };
        Ok(Found { value, n: points.len() as u64, doubt, ..Found::default() })
    }

    /// What a signal was when nobody could read it any more is not known.
    fn read_to_the_end(&self, run: &MeasuredRun, column: &SignalColumn) -> Result<(), String> {
        let (_, end_us) = self.stretch_us(&run.facts)?;
        let steps: Vec<f64> = column.readings.windows(2).map(|pair| (pair[1].0 - pair[0].0) as f64).collect();
        let usual_us = median(&steps).unwrap_or(0.0);
        let last_us = column.readings.last().map_or(i64::MIN, |reading| reading.0) as f64;
        if last_us + MISSED_READINGS * usual_us >= end_us as f64 {
            return Ok(());
        }
        Err(format!(
            "signal `{}` was last read {} into run {}, which lasted to {}: what it was from then on is not known",
            column.name,
            unit::time(last_us),
            run.facts.id,
            unit::time(end_us as f64)
        ))
    }

    fn too_few(&self, run: &MeasuredRun, signal: &str) -> String {
        format!("signal `{signal}` has too few readings {}in run {}", self.wanted(), run.facts.id)
    }

    /// Over the selected stretch, or the load.
    pub(super) fn drift(&self, run: &MeasuredRun, of: &DriftOf) -> Result<Found, String> {
        let (points, drifted) = match of {
            DriftOf::Signal(name) => {
                let points = points(column(run, name)?, self.stretch_us(&run.facts)?);
                let mean = |values: &mut [f64]| Some(values.iter().sum::<f64>() / values.len() as f64);
                let drifted = drift(&points, WITHIN_RUN_ALPHA, mean);
                (points, drifted)
            }
            DriftOf::Quantile(p) => {
                let times = self.times(run, TimeKind::Response);
                let points: Vec<(f64, f64)> =
                    times.iter().map(|t| (t.intended_us as f64 / 1e6, t.ms)).collect();
                let drifted = drift(&points, WITHIN_RUN_ALPHA, |values| {
                    values.sort_by(f64::total_cmp);
                    type8(values, *p)
                });
                (points, drifted)
            }
        };
        let Some(drifted) = drifted.filter(|drifted| drifted.share.is_finite()) else {
            return Err(format!("too few values {}in run {} for a drift", self.wanted(), run.facts.id));
        };
        let within_run = Some((Some(drifted.low), Some(drifted.high)));
        Ok(Found { value: drifted.share, n: points.len() as u64, within_run, ..Found::default() })
    }

    /// Of each second's p95 with the signal's last reading in it.
    pub(super) fn correlation(&self, run: &MeasuredRun, signal: &str) -> Result<Found, String> {
        let mut of_second: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for time in self.times(run, TimeKind::Response) {
            of_second.entry(time.intended_us.div_euclid(SECOND_US)).or_default().push(time.ms);
        }
        let readings: BTreeMap<i64, f64> = column(run, signal)?
            .readings
            .iter()
            .map(|(at, value)| (at.div_euclid(SECOND_US), *value))
            .collect();
        let pairs: Vec<(f64, f64)> = of_second
            .iter_mut()
            .filter_map(|(second, times)| {
                times.sort_by(f64::total_cmp);
                Some((type8(times, 0.95)?, *readings.get(second)?))
            })
            .collect();
        // A signal that stands still explains nothing.
        let value = spearman(&pairs).unwrap_or(0.0);
        if pairs.len() < LEAST_SECONDS {
            return Err(self.too_few(run, signal));
        }
        Ok(Found { value, n: pairs.len() as u64, ..Found::default() })
    }
}

/// Why the growth of a counter over a run is not known: it was first read after the first answers.
fn read_late(run: &MeasuredRun, column: &SignalColumn) -> Option<String> {
    let (first_us, _) = column.readings.first().filter(|_| column.is_counter)?;
    let before = run.samples.done_us.iter().filter(|done| *done < first_us).count();
    (before > 0).then(|| {
        format!(
            "counter `{}` was first read {} into run {}, after {} samples had ended: what it counted before is not \
             known",
            column.name,
            unit::time(*first_us as f64),
            run.facts.id,
            unit::count(before as u64)
        )
    })
}

fn column<'a>(run: &'a MeasuredRun, name: &str) -> Result<&'a SignalColumn, String> {
    let found = run.signals.iter().find(|s| s.name == name && !s.readings.is_empty());
    found.ok_or_else(|| format!("signal `{name}` was not read in run {}", run.facts.id))
}

/// The readings from one time to another, µs, as `(s, value)`.
fn points(column: &SignalColumn, within: (i64, i64)) -> Vec<(f64, f64)> {
    let readings = column.readings.iter().filter(|(at, _)| (within.0..=within.1).contains(at));
    readings.map(|(at, value)| (*at as f64 / 1e6, *value)).collect()
}

fn metric_of(metric: SignalMetric, points: &[(f64, f64)], whole: &SignalColumn) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    let values = || points.iter().map(|p| p.1);
    let largest = || whole.readings.iter().map(|r| r.1).fold(f64::NEG_INFINITY, f64::max);
    let seconds = last.0 - first.0;
    match metric {
        SignalMetric::Min => values().min_by(f64::total_cmp),
        SignalMetric::Max => values().max_by(f64::total_cmp),
        SignalMetric::Mean => trend_line::mean_over_time(points),
        SignalMetric::First => Some(first.1),
        SignalMetric::Last => Some(last.1),
        SignalMetric::Delta => (points.len() > 1).then(|| grown(points, whole)),
        SignalMetric::Rate => (seconds > 0.0).then(|| grown(points, whole) / seconds),
        SignalMetric::Slope => trend_line::slope(points),
        // A signal that stands at 0 all the time does not grow.
        SignalMetric::Growth | SignalMetric::Remaining if largest() <= 0.0 => Some(0.0),
        SignalMetric::Growth => Some(trend_line::slope(points)? * seconds / largest()),
        SignalMetric::Remaining => Some(last.1 / largest()),
    }
}

/// Last less first reading; of a counter its growth over restarts.
fn grown(points: &[(f64, f64)], whole: &SignalColumn) -> f64 {
    let difference = points.last().map_or(0.0, |p| p.1) - points.first().map_or(0.0, |p| p.1);
    let counted = || increase(points.iter().map(|p| p.1)).map_or(difference, |increase| increase.by);
    if whole.is_counter { counted() } else { difference }
}
