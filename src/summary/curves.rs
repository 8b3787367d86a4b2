//! Curves of one time by percentile and over the run, and throughput over the run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::arm::Curve;
use super::series::Series;
use super::shift;
use super::subject::TOTAL;
use super::tags;
use super::windows::{by_window, medians};
use crate::run::MeasuredRun;
use crate::sample::{Kind, PROBE_CLASS, SampleColumns, Subject};
use crate::stats::mean::Moments;
use crate::stats::quantile::{curve_grid, geometric_mean, type8};

/// Values that a window needs for its p95 to mean something.
const WINDOW_VALUES: usize = 3;
/// Samples on either side of a percentile at which arms are compared.
const BEYOND: f64 = 10.0;

/// A curve's name, and which samples belong to it.
struct CurveKey {
    name: String,
    is_effect: bool,
    is_class: bool,
    is_tag: bool,
    belongs: Box<dyn Fn(&Subject) -> bool>,
}

/// Curves of the traffic classes, then of the effects, then of the single endpoints; with several classes also of all
/// requests together, and with tags those of each.
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
        is_tag: false,
        belongs: Box::new(|s: &Subject| s.kind == Kind::Request && s.traffic_class != PROBE_CLASS),
    });
    let classes = classes.into_iter().map(|class| {
        let name = if class.is_empty() { "all requests".to_owned() } else { format!("all {class} requests") };
        let class = class.to_owned();
        CurveKey {
            name,
            is_effect: false,
            is_class: true,
            is_tag: false,
            belongs: Box::new(move |s| s.kind == Kind::Request && s.traffic_class == class),
        }
    });
    let single = subjects.iter().rev().map(|subject| {
        let wanted = (*subject).clone();
        CurveKey {
            name: subject.title(),
            is_effect: subject.kind == Kind::Effect,
            is_class: false,
            is_tag: false,
            belongs: Box::new(move |s| *s == wanted),
        }
    });
    let tags = tags::of_runs(runs).into_iter().map(|tag| {
        let of_tag: BTreeSet<Subject> = runs.iter().flat_map(|run| tag.subjects(run)).collect();
        CurveKey {
            name: tag.title(),
            is_effect: false,
            is_class: false,
            is_tag: true,
            belongs: Box::new(move |s| of_tag.contains(s)),
        }
    });
    let mut keys: Vec<CurveKey> = classes.chain(total).chain(tags).chain(single).collect();
    keys.sort_by_key(|key| (!key.is_class, !key.is_effect));
    keys
}

pub(super) fn curves(runs: &[Arc<MeasuredRun>], window_s: f64) -> Vec<Curve> {
    curve_keys(runs).iter().map(|key| curve(key, runs, window_s)).collect()
}

fn curve(key: &CurveKey, runs: &[Arc<MeasuredRun>], window_s: f64) -> Curve {
    // (due in s, time in µs) of each run's samples.
    let times: Vec<Vec<(f64, f64)>> = runs.iter().map(|run| times(&run.samples, &key.belongs)).collect();
    let smallest = times.iter().map(Vec::len).min().unwrap_or(0);
    let sorted: Vec<Vec<f64>> = times.iter().map(|t| sorted_values(t)).collect();
    let of_runs = |p: f64| -> Vec<f64> { sorted.iter().filter_map(|values| type8(values, p)).collect() };
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
        is_tag: key.is_tag,
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
    if of_runs.iter().any(|value| value.is_infinite()) {
        return None;
    }
    let logs: Vec<f64> = of_runs.iter().filter(|value| **value > 0.0).map(|value| value.ln()).collect();
    let interval = Moments::of(&logs).filter(|moments| moments.n >= 3)?.interval(0.05).map(f64::exp);
    Some((p, interval.low, interval.high))
}

/// What was never answered took for ever; a wrong answer has no time.
pub(super) fn times(samples: &SampleColumns, belongs: &dyn Fn(&Subject) -> bool) -> Vec<(f64, f64)> {
    let wanted: Vec<bool> = samples.subjects.iter().map(belongs).collect();
    (0..samples.subject.len())
        .filter(|i| wanted[samples.subject[*i] as usize])
        .filter_map(|i| {
            let due = samples.intended_us[i];
            let kind = samples.subjects[samples.subject[i] as usize].kind;
            let us = match samples.outcome[i] {
                outcome if outcome.is_answered() => (samples.done_us[i] - due) as f64,
                outcome if outcome.is_unanswered(kind) => f64::INFINITY,
                _ => return None,
            };
            Some((due as f64 / 1e6, us))
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
                && let Some(quantile) = type8(&sorted(values), p)
            {
                windows.entry(window).or_default().push(quantile);
            }
        }
    }
    medians(windows, window_s)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Answered requests per second over time, one line per traffic class.
pub(super) fn throughput(runs: &[Arc<MeasuredRun>], window_s: f64) -> Vec<Series> {
    curve_keys(runs)
        .iter()
        .filter(|key| key.is_class)
        .map(|key| {
            let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
            for run in runs {
                let done = done_times(&run.samples, &key.belongs);
                // The window in which the load ends holds part of its load only.
                let whole = (run.facts.load_s() / window_s).floor();
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
