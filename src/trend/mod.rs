//! Metrics over releases: where they change, and whether the newest release still belongs.
//!
//! A series is one metric under one load and profile. A point is a release: the runs that follow each other under
//! one label, or commit, on one machine with one workload; its value is their geometric mean. Where machine or
//! workload change, a new stretch begins: what is on both sides is never compared.

use std::collections::BTreeMap;

use serde::Serialize;

pub use crate::stats::gate::Standing;

use crate::run::{Metric, RunFacts, RunId};
use crate::sample::Subject;
use crate::stats::gate::{self, Releases, Worse};
use crate::stats::quantile::geometric_mean;
use crate::stats::regimes::{self, Ties};

/// Facts of a run that make its machine.
const MACHINE: [&str; 6] = ["operating system", "kernel", "processor", "memory", "cores", "load workers"];

/// The metric of which more is better.
const THROUGHPUT: &str = "throughput";

/// A release's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Its label, else its commit, else the run's number.
    pub release: String,
    /// The runs behind it.
    pub runs: Vec<RunId>,
    /// When the first of them started, RFC 3339.
    pub started_at: String,
    /// The geometric mean of their metrics; ms, or per second.
    pub value: f64,
    /// What was noted of them.
    pub notes: Vec<String>,
}

/// A place from which on a series is another one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Place of the first point of the new regime.
    pub place: usize,
    /// Mean of the new regime over that of the one before.
    pub ratio: f64,
    /// Whether that is worse.
    pub is_worse: bool,
}

/// Another machine, or another workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// Place of the first point there.
    pub place: usize,
    /// What differs: `kernel: 6.1 → 6.2`.
    pub what: Vec<String>,
}

/// One metric over releases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// The load's name.
    pub load: String,
    /// The profile's name.
    pub profile: String,
    /// Of what.
    pub subject: Subject,
    /// `p50`, `p95`, `p99` (ms) or `throughput` (per second).
    pub metric: String,
    /// The releases, the oldest first.
    pub points: Vec<Point>,
    /// Where it changes.
    pub changes: Vec<Change>,
    /// Where machine or workload change.
    pub breaks: Vec<Break>,
    /// The newest release.
    pub newest: Standing,
}

impl Series {
    /// Whether more is better.
    pub fn more_is_better(&self) -> bool {
        self.metric == THROUGHPUT
    }
}

/// Load, profile, subject and metric.
type Key<'a> = (&'a str, &'a str, &'a Subject, &'a str);

/// All series of some runs, in order of load, profile, subject and metric. `notes`: of runs. `accepted`: runs whose
/// level was accepted, so that it is a regression no longer.
pub fn series(
    runs: &[RunFacts],
    metrics: &[Metric],
    notes: &[(RunId, String)],
    accepted: &[RunId],
) -> Vec<Series> {
    let facts: BTreeMap<RunId, &RunFacts> = runs.iter().map(|run| (run.id, run)).collect();
    let mut by_key: BTreeMap<Key<'_>, Vec<(&RunFacts, f64)>> = BTreeMap::new();
    for metric in metrics {
        if let Some(run) = facts.get(&metric.run) {
            let key =
                (run.start.load.as_str(), run.start.profile.as_str(), &metric.subject, metric.name.as_str());
            by_key.entry(key).or_default().push((run, metric.value));
        }
    }
    by_key
        .into_iter()
        .map(|((load, profile, subject, metric), values)| {
            one(load, profile, subject, metric, &values, notes, accepted)
        })
        .collect()
}

fn one(
    load: &str,
    profile: &str,
    subject: &Subject,
    metric: &str,
    values: &[(&RunFacts, f64)],
    notes: &[(RunId, String)],
    accepted: &[RunId],
) -> Series {
    let mut values = values.to_vec();
    values.sort_by_key(|(run, _)| run.id);
    let (mut points, mut breaks): (Vec<Point>, Vec<Break>) = (Vec::new(), Vec::new());
    let groups =
        values.chunk_by(|a, b| release(a.0) == release(b.0) && surroundings(a.0) == surroundings(b.0));
    let mut before: Option<&RunFacts> = None;
    for group in groups {
        let first = group[0].0;
        if let Some(before) = before
            && surroundings(before) != surroundings(first)
        {
            breaks.push(Break { place: points.len(), what: differences(before, first) });
        }
        before = Some(first);
        let of_group = |note: &&(RunId, String)| group.iter().any(|(run, _)| run.id == note.0);
        points.push(Point {
            release: release(first),
            runs: group.iter().map(|(run, _)| run.id).collect(),
            started_at: first.start.started_at.clone(),
            value: geometric_mean(&group.iter().map(|(_, value)| *value).collect::<Vec<_>>()).unwrap_or(0.0),
            notes: notes.iter().filter(of_group).map(|(_, text)| text.clone()).collect(),
        });
    }
    let mut series = Series {
        load: load.to_owned(),
        profile: profile.to_owned(),
        subject: subject.clone(),
        metric: metric.to_owned(),
        points,
        changes: Vec::new(),
        breaks,
        newest: Standing::TooFew { points: 0 },
    };
    judge(&mut series, accepted, resolution(metric, &values));
    series
}

/// The smallest difference that a series' values can show: a microsecond, in ms, or one answer in the longest run.
fn resolution(metric: &str, values: &[(&RunFacts, f64)]) -> f64 {
    if metric != THROUGHPUT {
        return 1e-3;
    }
    1.0 / values.iter().map(|(run, _)| run.duration_s).fold(1.0, f64::max)
}

/// The release that a run is of.
fn release(run: &RunFacts) -> String {
    let commit = || run.start.environment.get("git commit").cloned();
    run.start.label.clone().or_else(commit).unwrap_or_else(|| format!("run {}", run.id))
}

/// What a run's metrics depend on besides the system's release.
fn surroundings(run: &RunFacts) -> Vec<(&str, &str)> {
    let fact = |name: &'static str| (name, run.start.environment.get(name).map_or("", String::as_str));
    let own = [
        ("environment", run.start.deployment.as_deref().unwrap_or("")),
        ("workload", &run.start.fingerprint[..run.start.fingerprint.len().min(8)]),
    ];
    MACHINE.into_iter().map(fact).chain(own).collect()
}

fn differences(before: &RunFacts, after: &RunFacts) -> Vec<String> {
    let pairs = surroundings(before).into_iter().zip(surroundings(after));
    pairs
        .filter(|(before, after)| before.1 != after.1)
        .map(|((name, before), (_, after))| format!("{name}: {before} → {after}"))
        .collect()
}

/// Finds the changes of each stretch, and how the newest release stands in the last. `accepted`: runs.
fn judge(series: &mut Series, accepted: &[RunId], resolution: f64) {
    let starts: Vec<usize> = std::iter::once(0).chain(series.breaks.iter().map(|b| b.place)).collect();
    let ends = starts.iter().skip(1).copied().chain([series.points.len()]);
    let more_is_better = series.more_is_better();
    let worse = if more_is_better { Worse::Down } else { Worse::Up };
    for (start, end) in starts.iter().copied().zip(ends) {
        let points = &series.points[start..end];
        let values: Vec<f64> = points.iter().map(|p| p.value).collect();
        let is_accepted = |point: &Point| point.runs.iter().any(|run| accepted.contains(run));
        let accepted: Vec<usize> = points
            .iter()
            .enumerate()
            .filter(|(_, point)| is_accepted(point))
            .map(|(place, _)| place)
            .collect();
        let lifted = regimes::lifted(&values, resolution);
        let begins =
            lifted.as_ref().and_then(|values| regimes::begins(values, Ties::Counted)).unwrap_or_default();
        // Of the last stretch this is what stands.
        let releases = Releases { values: &values, begins: &begins, accepted: &accepted, worse, resolution };
        series.newest = in_series(gate::standing(&releases), start);
        let lifted = lifted.unwrap_or_default();
        for (place, begin) in begins.iter().enumerate() {
            let from = place.checked_sub(1).map_or(0, |before| begins[before]);
            let to = begins.get(place + 1).copied().unwrap_or(values.len());
            let mean = |values: &[f64]| geometric_mean(values).unwrap_or(f64::NAN);
            let ratio = mean(&lifted[*begin..to]) / mean(&lifted[from..*begin]);
            series.changes.push(Change {
                place: start + begin,
                ratio,
                is_worse: (ratio > 1.0) != more_is_better,
            });
        }
    }
}

/// The newest release, with places of the whole series. `start`: of its stretch.
fn in_series(standing: Standing, start: usize) -> Standing {
    match standing {
        Standing::Regression { ratio, since } => Standing::Regression { ratio, since: start + since },
        other => other,
    }
}
