//! Metrics over releases: where they change, and whether the newest release still belongs.
//!
//! A series is one metric under one load and profile. A point is a release: the runs that follow each other under
//! one label, or commit, on one machine with one workload; its value is their geometric mean. Where machine or
//! workload change, a new stretch begins: what is on both sides is never compared. An update of the machine's software
//! makes comparisons wider, not void.

mod judge;
mod left_out;
mod model;
mod surroundings;

use std::collections::BTreeMap;

pub use self::left_out::Doubt;
pub use self::model::{Break, Change, Gap, LeftOut, Point, Series, Standing, Trend};

use self::judge::{Failures, Scale};
use self::surroundings::release;
use crate::run::{Metric, RunFacts, RunId};
use crate::sample::Subject;
use crate::stats::quantile::geometric_mean;

/// What is known of a scenario's runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// All of them.
    pub runs: &'a [RunFacts],
    /// What those that ended as planned came to.
    pub metrics: &'a [Metric],
    /// Those of them that cannot be trusted.
    pub doubts: &'a [Doubt],
    /// What was noted of runs.
    pub notes: &'a [(RunId, String)],
    /// Runs whose level was accepted, so that it is a regression no longer.
    pub accepted: &'a [RunId],
}

/// Load, profile, subject and metric.
type Key<'a> = (&'a str, &'a str, &'a Subject, &'a str);

/// All series of some runs. Shares of answers are followed where not all are 1.
pub fn trend(known: &Known<'_>) -> Trend {
    let facts: BTreeMap<RunId, &RunFacts> = known.runs.iter().map(|run| (run.id, run)).collect();
    let mut by_key: BTreeMap<Key<'_>, Vec<(&RunFacts, &Metric)>> = BTreeMap::new();
    let mut present: BTreeMap<(&str, &str), BTreeMap<RunId, &RunFacts>> = BTreeMap::new();
    for metric in known.metrics.iter().filter(|metric| counts(metric, known)) {
        if let Some(run) = facts.get(&metric.run) {
            let (load, profile) = (run.start.load.as_str(), run.start.profile.as_str());
            let key = (load, profile, &metric.subject, metric.name.as_str());
            by_key.entry(key).or_default().push((run, metric));
            present.entry((load, profile)).or_default().insert(run.id, run);
        }
    }
    let has_news = |key: &Key<'_>, values: &[(&RunFacts, &Metric)]| {
        key.3 != Metric::ANSWERED || values.iter().any(|v| v.1.value < 1.0)
    };
    let series: Vec<Series> = by_key
        .iter()
        .filter(|(key, values)| has_news(key, values))
        .map(|(key, values)| one(*key, values, &present[&(key.0, key.1)], known))
        .collect();
    let kept = |run: RunId| present.values().any(|runs| runs.contains_key(&run));
    let left_out = left_out::left_out(known.runs, known.doubts, &series, kept);
    Trend { series, left_out }
}

/// Whether a metric is part of a series: that of a run that cannot be trusted is none, but that nothing at all was
/// answered is true all the same, unless the machine that made the load is to blame.
fn counts(metric: &Metric, known: &Known<'_>) -> bool {
    let doubt = known.doubts.iter().find(|doubt| doubt.run == metric.run);
    doubt.is_none_or(|doubt| metric.name == Metric::THROUGHPUT && metric.value == 0.0 && !doubt.is_of_machine)
}

fn one(
    (load, profile, subject, metric): Key<'_>,
    values: &[(&RunFacts, &Metric)],
    present: &BTreeMap<RunId, &RunFacts>,
    known: &Known<'_>,
) -> Series {
    let mut values = values.to_vec();
    values.sort_by_key(|(run, _)| run.id);
    let mut series = Series {
        load: load.to_owned(),
        profile: profile.to_owned(),
        subject: subject.clone(),
        metric: metric.to_owned(),
        points: Vec::new(),
        missing: Vec::new(),
        changes: Vec::new(),
        breaks: Vec::new(),
        updates: Vec::new(),
        newest: Standing::TooFew { points: 0 },
    };
    let is_one_point = |a: &RunFacts, b: &RunFacts| {
        release(a) == release(b)
            && surroundings::breaks(a, b).is_empty()
            && surroundings::updates(a, b).is_empty()
    };
    // Of the stretch: facts that creep are held against its beginning.
    let mut first_of_stretch: Option<&RunFacts> = None;
    let mut before: Option<&RunFacts> = None;
    let mut counted: Vec<Failures> = Vec::new();
    for group in values.chunk_by(|a, b| is_one_point(a.0, b.0)) {
        let (first, place) = (group[0].0, series.points.len());
        let what = first_of_stretch.map(|of_stretch| surroundings::breaks(of_stretch, first));
        match what.filter(|what| !what.is_empty()) {
            Some(what) => {
                series.breaks.push(Break { place, what });
                first_of_stretch = Some(first);
            }
            None => {
                let what = before.map(|before| surroundings::updates(before, first)).unwrap_or_default();
                series.updates.extend((!what.is_empty()).then_some(Break { place, what }));
            }
        }
        first_of_stretch.get_or_insert(first);
        before = Some(first);
        series.points.push(point(group, known));
        counted.push(failures(group));
    }
    series.missing = missing(&series.points, present, known.accepted);
    let scale = match metric {
        Metric::ANSWERED => Scale::Failures(&counted),
        _ => Scale::Ratio { resolution: resolution(metric, &values) },
    };
    judge::judge(&mut series, known.accepted, scale);
    series
}

/// How many samples of a release failed, of how many.
fn failures(group: &[(&RunFacts, &Metric)]) -> Failures {
    let failed = |metric: &Metric| (1.0 - metric.value) * metric.n as f64;
    Failures {
        failed: group.iter().map(|(_, metric)| failed(metric)).sum::<f64>().round(),
        n: group.iter().map(|(_, metric)| metric.n as f64).sum(),
    }
}

fn point(group: &[(&RunFacts, &Metric)], known: &Known<'_>) -> Point {
    let first = group[0].0;
    let values: Vec<f64> = group.iter().map(|(_, metric)| metric.value).collect();
    let of_group = |note: &&(RunId, String)| group.iter().any(|(run, _)| run.id == note.0);
    Point {
        release: release(first),
        runs: group.iter().map(|(run, _)| run.id).collect(),
        started_at: first.start.started_at.clone(),
        // A run without any is not outweighed by others that have some.
        value: geometric_mean(&values).unwrap_or(0.0),
        notes: known.notes.iter().filter(of_group).map(|(_, text)| text.clone()).collect(),
    }
}

/// The releases of which runs are `present`, but no point is there.
fn missing(points: &[Point], present: &BTreeMap<RunId, &RunFacts>, accepted: &[RunId]) -> Vec<Gap> {
    let mut missing: Vec<Gap> = Vec::new();
    let is_pointed = |run: &RunFacts| points.iter().any(|point| point.release == release(run));
    for run in present.values().copied().filter(|run| !is_pointed(run)) {
        let release = release(run);
        match missing.last_mut().filter(|gap| gap.release == release) {
            Some(gap) => {
                gap.runs.push(run.id);
                gap.is_accepted |= accepted.contains(&run.id);
            }
            None => missing.push(Gap {
                place: points.iter().filter(|point| point.runs[0] < run.id).count(),
                release,
                runs: vec![run.id],
                is_accepted: accepted.contains(&run.id),
            }),
        }
    }
    missing
}

/// The smallest difference that a series' values can show: a microsecond, in ms, or one answer in the longest run.
fn resolution(metric: &str, values: &[(&RunFacts, &Metric)]) -> f64 {
    match metric {
        Metric::THROUGHPUT => 1.0 / values.iter().map(|(run, _)| run.duration_s).fold(1.0, f64::max),
        _ => 1e-3,
    }
}
