//! From the runs of one arm to what they came to together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compare::{ArmSummary, Curve, SignalSeries};
use super::frame::{FrameError, summaries, total};
use super::mean::Moments;
use super::quantile::{curve_grid, geometric_mean, median, type7};
use super::race;
use super::series::Series;
use super::shift;
use super::summary::{Distribution, OutcomeCounts, QUANTILES, Subject, Summary, TOTAL};
use super::traffic::{Traffic, traffic};
use crate::run::imported::Lack;
use crate::run::{Arm, FailureReason, RunFacts, SlowSample};
use crate::sample::{Kind, PROBE_CLASS, Phase};
use crate::store::{SampleColumns, SignalColumn};

/// About how many windows a curve over time has.
const WINDOWS: f64 = 100.0;
/// Values that a window needs for its p95 to mean something.
const WINDOW_VALUES: usize = 3;

/// Samples on either side of a percentile at which arms are compared.
const BEYOND: f64 = 10.0;

/// A run with everything that was measured in it.
#[derive(Clone, Debug)]
pub struct MeasuredRun {
    /// What it was.
    pub facts: RunFacts,
    /// Its samples.
    pub samples: SampleColumns,
    /// Its signals.
    pub signals: Vec<SignalColumn>,
    /// Why samples did not end well.
    pub reasons: Vec<FailureReason>,
    /// Its slowest requests, the slowest first.
    pub slowest: Vec<SlowSample>,
    /// SHA-256, in hex, of everything that was measured in it; empty where nobody asked for it, or the run stands in no store.
    pub checksum: String,
}

impl MeasuredRun {
    /// Whether it is known which sample came before which: of imports it may not be.
    pub fn is_ordered(&self) -> bool {
        self.facts.imported().is_none_or(|imported| !imported.lacks(Lack::Order))
    }
}

/// Sums up the runs of one arm, at least one.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn summarise(arm: Arm, runs: &[Arc<MeasuredRun>]) -> Result<ArmSummary, FrameError> {
    let window_s = window_s(runs);
    let per_run: Vec<Vec<Summary>> =
        runs.iter().map(|run| summaries(&run.samples, load_s(&run.facts))).collect::<Result<_, _>>()?;
    let totals: Vec<Option<Summary>> =
        runs.iter().map(|run| total(&run.samples, load_s(&run.facts))).collect::<Result<_, _>>()?;
    let totals: Vec<Summary> = totals.into_iter().flatten().collect();
    let is_ordered = runs.iter().all(|run| run.is_ordered());
    Ok(ArmSummary {
        arm,
        runs: runs.iter().map(|r| r.facts.clone()).collect(),
        summaries: over_runs(&per_run),
        total: over_runs(&[totals]).pop(),
        drain_s: runs.iter().map(|r| drain_s(&r.facts)).collect(),
        curves: curves(runs, window_s),
        signals: signals(runs),
        throughput: throughput(runs, window_s),
        traffic: if is_ordered { traffic(runs, window_s) } else { Traffic::default() },
        slowest: slowest(runs),
        reasons: reasons(runs),
        checksums: runs.iter().map(|r| r.checksum.clone()).collect(),
        races: race::figures(&runs[0].facts.races, &runs.iter().map(|r| &r.samples).collect::<Vec<_>>()),
    })
}

/// The slowest requests of all runs, as many as each run gives.
fn slowest(runs: &[Arc<MeasuredRun>]) -> Vec<SlowSample> {
    let most = runs.iter().map(|run| run.slowest.len()).max().unwrap_or(0);
    let mut all: Vec<SlowSample> = runs.iter().flat_map(|run| run.slowest.iter().cloned()).collect();
    all.sort_by_key(|sample| std::cmp::Reverse(sample.response_us));
    all.truncate(most);
    all
}

/// Why samples did not end well, over all runs: counts add up.
fn reasons(runs: &[Arc<MeasuredRun>]) -> Vec<FailureReason> {
    let mut all: Vec<FailureReason> = Vec::new();
    for reason in runs.iter().flat_map(|run| &run.reasons) {
        let is_same = |known: &&mut FailureReason| {
            known.outcome == reason.outcome
                && known.endpoint == reason.endpoint
                && known.reason == reason.reason
        };
        match all.iter_mut().find(is_same) {
            Some(known) => {
                known.count += reason.count;
                known.first_us = known.first_us.min(reason.first_us);
                known.last_us = known.last_us.max(reason.last_us);
            }
            None => all.push(reason.clone()),
        }
    }
    all.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    all
}

/// Seconds of load: to the end of the steady phase, or all there is of a run without one.
pub(super) fn load_s(facts: &RunFacts) -> f64 {
    load_end_us(facts).map_or(facts.duration_s, |us| us as f64 / 1e6).max(1e-3)
}

/// When the load ended, µs since the run's start; none for a run without phases.
pub fn load_end_us(facts: &RunFacts) -> Option<i64> {
    facts
        .phases
        .iter()
        .filter(|p| p.name == Phase::Ramp.word() || p.name == Phase::Steady.word())
        .map(|p| p.end_us)
        .max()
}

/// From the load's end to an empty backlog, s; none if it was not waited for, or not empty in time.
pub fn drain_s(facts: &RunFacts) -> Option<f64> {
    let drain = facts.phases.iter().find(|p| p.name == Phase::Drain.word() && p.complete)?;
    Some((drain.end_us - load_end_us(facts)?) as f64 / 1e6)
}

/// The width of the windows of all curves over time: whole seconds, alike in all runs.
fn window_s(runs: &[Arc<MeasuredRun>]) -> f64 {
    let longest = runs.iter().map(|r| load_s(&r.facts)).fold(0.0, f64::max);
    (longest / WINDOWS).ceil().max(1.0)
}

/// One summary per subject: counts add up, times and rates are geometric means over runs.
fn over_runs(runs: &[Vec<Summary>]) -> Vec<Summary> {
    let mut by_subject: BTreeMap<&Subject, Vec<&Summary>> = BTreeMap::new();
    for summary in runs.iter().flatten() {
        by_subject.entry(&summary.subject).or_default().push(summary);
    }
    by_subject.into_iter().map(|(subject, summaries)| merge(subject, &summaries)).collect()
}

fn merge(subject: &Subject, summaries: &[&Summary]) -> Summary {
    let mut counts = OutcomeCounts::default();
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for summary in summaries {
        counts.merge(&summary.counts);
        for (status, n) in &summary.statuses {
            *statuses.entry(*status).or_default() += n;
        }
    }
    let rates: Vec<f64> = summaries.iter().map(|s| s.rate_per_s).collect();
    let times = |of: fn(&Summary) -> Option<Distribution>| mean_of(summaries.iter().filter_map(|s| of(s)));
    Summary {
        subject: subject.clone(),
        counts,
        statuses: statuses.into_iter().collect(),
        rate_per_s: geometric_mean(&rates).unwrap_or(0.0),
        response: times(|s| s.response),
        service: times(|s| s.service),
    }
}

fn mean_of(runs: impl Iterator<Item = Distribution>) -> Option<Distribution> {
    let runs: Vec<Distribution> = runs.collect();
    let mean =
        |figure: fn(&Distribution) -> f64| geometric_mean(&runs.iter().map(figure).collect::<Vec<_>>());
    let mut quantiles_us = [0.0; QUANTILES.len()];
    for (i, quantile) in quantiles_us.iter_mut().enumerate() {
        *quantile = geometric_mean(&runs.iter().map(|d| d.quantiles_us[i]).collect::<Vec<_>>())?;
    }
    Some(Distribution {
        n: runs.iter().map(|d| d.n).sum(),
        min_us: mean(|d| d.min_us)?,
        mean_us: mean(|d| d.mean_us)?,
        quantiles_us,
        max_us: mean(|d| d.max_us)?,
    })
}

/// A curve's name, and which samples belong to it.
struct CurveKey {
    name: String,
    is_effect: bool,
    is_class: bool,
    belongs: Box<dyn Fn(&Subject) -> bool>,
}

/// Curves of the traffic classes, then of the effects, then of the single endpoints; with several classes also of all
/// requests together.
fn curve_keys(runs: &[Arc<MeasuredRun>]) -> Vec<CurveKey> {
    let mut subjects: Vec<&Subject> = runs.iter().flat_map(|r| &r.samples.subjects).collect();
    subjects.sort();
    subjects.dedup();
    subjects.retain(|s| s.traffic_class != PROBE_CLASS);
    let mut classes: Vec<&str> =
        subjects.iter().filter(|s| s.kind == Kind::Request).map(|s| s.traffic_class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    // The curve of the only class is that of all requests already.
    let total = (classes.len() > 1).then(|| CurveKey {
        name: TOTAL.to_owned(),
        is_effect: false,
        is_class: false,
        belongs: Box::new(|s: &Subject| s.kind == Kind::Request && s.traffic_class != PROBE_CLASS),
    });
    let classes = classes.into_iter().map(|class| {
        let name = if class.is_empty() { "all requests".to_owned() } else { format!("all {class} requests") };
        let class = class.to_owned();
        CurveKey {
            name,
            is_effect: false,
            is_class: true,
            belongs: Box::new(move |s| s.kind == Kind::Request && s.traffic_class == class),
        }
    });
    let single = subjects.iter().rev().map(|subject| {
        let wanted = (*subject).clone();
        CurveKey {
            name: subject.title(),
            is_effect: subject.kind == Kind::Effect,
            is_class: false,
            belongs: Box::new(move |s| *s == wanted),
        }
    });
    let mut keys: Vec<CurveKey> = classes.chain(total).chain(single).collect();
    keys.sort_by_key(|key| (!key.is_class, !key.is_effect));
    keys
}

fn curves(runs: &[Arc<MeasuredRun>], window_s: f64) -> Vec<Curve> {
    curve_keys(runs).iter().map(|key| curve(key, runs, window_s)).collect()
}

fn curve(key: &CurveKey, runs: &[Arc<MeasuredRun>], window_s: f64) -> Curve {
    // (due in s, time in µs) of each run's answered samples.
    let times: Vec<Vec<(f64, f64)>> =
        runs.iter().map(|run| answered_times(&run.samples, &key.belongs)).collect();
    let smallest = times.iter().map(Vec::len).min().unwrap_or(0);
    let sorted: Vec<Vec<f64>> = times.iter().map(|t| sorted_values(t)).collect();
    let of_runs = |p: f64| -> Vec<f64> { sorted.iter().filter_map(|values| type7(values, p)).collect() };
    let grid = curve_grid(smallest);
    let mean = |p: &f64| Some((*p, geometric_mean(&of_runs(*p))?));
    let percentiles = grid.iter().filter_map(mean).collect();
    let ribbon = grid.iter().filter_map(|p| around(*p, &of_runs(*p))).collect();
    let is_carried = |p: &f64| p.min(1.0 - p) * smallest as f64 >= BEYOND;
    let anchors = shift::PERCENTILES.into_iter().filter(is_carried).map(|p| (p, of_runs(p))).collect();
    let is_ordered = runs.iter().all(|run| run.is_ordered());
    let over_time = |p| if is_ordered { over_time(&times, window_s, p) } else { Vec::new() };
    Curve {
        name: key.name.clone(),
        is_effect: key.is_effect,
        is_class: key.is_class,
        n: times.iter().map(|t| t.len() as u64).sum(),
        percentiles,
        ribbon,
        anchors,
        p95_over_time: over_time(0.95),
        p50_over_time: over_time(0.5),
        window_s,
    }
}

/// Where a percentile lies in other runs of the kind, at 95 %; none below three runs, which know too little of each other.
fn around(p: f64, of_runs: &[f64]) -> Option<(f64, f64, f64)> {
    let logs: Vec<f64> = of_runs.iter().filter(|value| **value > 0.0).map(|value| value.ln()).collect();
    let interval = Moments::of(&logs).filter(|moments| moments.n >= 3)?.interval(0.05).map(f64::exp);
    Some((p, interval.low, interval.high))
}

fn answered_times(samples: &SampleColumns, belongs: &dyn Fn(&Subject) -> bool) -> Vec<(f64, f64)> {
    let wanted: Vec<bool> = samples.subjects.iter().map(belongs).collect();
    (0..samples.subject.len())
        .filter(|i| wanted[samples.subject[*i] as usize])
        .filter(|i| samples.outcome[*i].is_answered())
        .map(|i| {
            let due = samples.intended_us[i];
            (due as f64 / 1e6, (samples.done_us[i] - due) as f64)
        })
        .collect()
}

fn sorted_values(times: &[(f64, f64)]) -> Vec<f64> {
    let mut values: Vec<f64> = times.iter().map(|t| t.1).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A quantile per window of the time at which samples were due; with several runs their median.
fn over_time(runs: &[Vec<(f64, f64)>], window_s: f64, p: f64) -> Vec<(f64, f64)> {
    let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for run in runs {
        for (window, values) in by_window(run, window_s) {
            if values.len() >= WINDOW_VALUES
                && let Some(quantile) = type7(&sorted(values), p)
            {
                windows.entry(window).or_default().push(quantile);
            }
        }
    }
    medians(windows, window_s)
}

#[expect(clippy::cast_possible_truncation, reason = "windows of a run are far fewer than 2^63")]
fn by_window(points: &[(f64, f64)], window_s: f64) -> BTreeMap<i64, Vec<f64>> {
    let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (at, value) in points {
        windows.entry((at / window_s).floor() as i64).or_default().push(*value);
    }
    windows
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The median of each window, placed at the window's middle.
fn medians(windows: BTreeMap<i64, Vec<f64>>, window_s: f64) -> Vec<(f64, f64)> {
    windows
        .into_iter()
        .filter_map(|(window, values)| Some(((window as f64 + 0.5) * window_s, median(&values)?)))
        .collect()
}

/// Signals as they were read; with several runs, medians per second.
fn signals(runs: &[Arc<MeasuredRun>]) -> Vec<SignalSeries> {
    let mut by_name: BTreeMap<&str, Vec<&SignalColumn>> = BTreeMap::new();
    for signal in runs.iter().flat_map(|r| &r.signals).filter(|s| !s.readings.is_empty()) {
        by_name.entry(&signal.name).or_default().push(signal);
    }
    by_name
        .into_iter()
        .map(|(name, columns)| SignalSeries {
            series: Series { name: name.to_owned(), points: signal_points(&columns, columns[0].is_total) },
            unit: columns[0].unit.clone(),
            is_total: columns[0].is_total,
        })
        .collect()
}

fn signal_points(columns: &[&SignalColumn], is_total: bool) -> Vec<(f64, f64)> {
    let points = |column: &SignalColumn| -> Vec<(f64, f64)> {
        column.readings.iter().map(|(us, value)| (*us as f64 / 1e6, *value)).collect()
    };
    if let [single] = columns {
        return points(single);
    }
    let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for column in columns {
        let points = if is_total { increases(&points(column)) } else { points(column) };
        for (window, values) in by_window(&points, 1.0) {
            let value = if is_total { Some(values.iter().sum()) } else { median(&values) };
            windows.entry(window).or_default().extend(value);
        }
    }
    let medians = medians(windows, 1.0);
    if is_total { summed_up(&medians) } else { medians }
}

/// By how much a counter has risen since the reading before; a counter that falls was reset.
fn increases(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let first = points.first().map(|point| (point.0, 0.0));
    let rises = points.windows(2).map(|pair| (pair[1].0, (pair[1].1 - pair[0].1).max(0.0)));
    first.into_iter().chain(rises).collect()
}

/// A counter again from its increases. Runs count from levels of their own, so that a median over their levels could
/// fall; one over their increases cannot.
fn summed_up(increases: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let sum = |sum: &mut f64, (at, increase): &(f64, f64)| {
        *sum += increase;
        Some((*at, *sum))
    };
    increases.iter().scan(0.0, sum).collect()
}

/// Answered requests per second over time, one line per traffic class.
fn throughput(runs: &[Arc<MeasuredRun>], window_s: f64) -> Vec<Series> {
    curve_keys(runs)
        .iter()
        .filter(|key| key.is_class)
        .map(|key| {
            let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            for run in runs {
                let done = done_times(&run.samples, &key.belongs);
                // The window in which the load ends holds part of its load only.
                let whole = (load_s(&run.facts) / window_s).floor();
                let counted = by_window(&done, window_s);
                // A window without an answer is one with a throughput of 0.
                for window in (0..).take_while(|window| (*window as f64) < whole) {
                    let answered = counted.get(&window).map_or(0, Vec::len);
                    windows.entry(window).or_default().push(answered as f64 / window_s);
                }
            }
            Series { name: key.name.clone(), points: medians(windows, window_s) }
        })
        .collect()
}

fn done_times(samples: &SampleColumns, belongs: &dyn Fn(&Subject) -> bool) -> Vec<(f64, f64)> {
    let wanted: Vec<bool> = samples.subjects.iter().map(belongs).collect();
    (0..samples.subject.len())
        .filter(|i| wanted[samples.subject[*i] as usize])
        .filter(|i| samples.outcome[*i].is_answered())
        .map(|i| (samples.done_us[i] as f64 / 1e6, 1.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_over_runs_never_shrinks_whatever_levels_they_count_from() {
        let column = |start: f64, seconds: i64| SignalColumn {
            name: "requests".to_owned(),
            unit: String::new(),
            is_total: true,
            readings: (0..seconds).map(|s| (s * 1_000_000, start + s as f64 * 2.0)).collect(),
        };
        // The run that counts from the highest level ends first.
        let columns = [column(1000.0, 5), column(0.0, 9), column(50.0, 9)];
        let points = signal_points(&columns.iter().collect::<Vec<_>>(), true);
        assert!(points.windows(2).all(|pair| pair[1].1 >= pair[0].1), "{points:?}");
        assert_eq!(points.last().unwrap().1, 16.0);
    }
}
