//! Metrics over releases: where they change, and whether the newest release still belongs.
//!
//! A series is one metric under one load and profile. A point is a release: the runs that follow each other under
//! one label, or commit, on one machine with one workload; its value is their geometric mean. Where machine or
//! workload change, a new stretch begins: what is on both sides is never compared.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::run::{Metric, RunFacts, RunId};
use crate::sample::Subject;
use crate::stats::quantile::geometric_mean;
use crate::stats::regimes::{self, Newest, Ties};

/// Facts of a run that make its machine.
const MACHINE: [&str; 6] = ["operating system", "kernel", "processor", "memory", "cores", "load workers"];

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

/// How the newest release stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// There are too few releases before it to tell.
    TooFew {
        /// Releases since the last change of metric, machine or workload, the newest among them.
        points: usize,
    },
    /// Where it is to be expected.
    Usual,
    /// Further away, to the better.
    Better {
        /// Over the mean of those before it.
        ratio: f64,
    },
    /// Further away, to the worse: run it again.
    Suspect {
        /// Over the mean of those before it.
        ratio: f64,
    },
    /// It, and the one before it.
    Regression {
        /// Over the mean of those before both.
        ratio: f64,
    },
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
    /// How the newest release stands.
    pub newest: State,
}

impl Series {
    /// Whether more is better.
    pub fn more_is_better(&self) -> bool {
        self.metric == "throughput"
    }
}

/// Load, profile, subject and metric.
type Key<'a> = (&'a str, &'a str, &'a Subject, &'a str);

/// All series of some runs, in order of load, profile, subject and metric. `notes`: of runs.
pub fn series(runs: &[RunFacts], metrics: &[Metric], notes: &[(RunId, String)]) -> Vec<Series> {
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
        .map(|((load, profile, subject, metric), values)| one(load, profile, subject, metric, &values, notes))
        .collect()
}

fn one(
    load: &str,
    profile: &str,
    subject: &Subject,
    metric: &str,
    values: &[(&RunFacts, f64)],
    notes: &[(RunId, String)],
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
        newest: State::TooFew { points: 0 },
    };
    judge(&mut series);
    series
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

/// Finds the changes of each stretch, and how the newest release stands in the last.
fn judge(series: &mut Series) {
    let starts: Vec<usize> = std::iter::once(0).chain(series.breaks.iter().map(|b| b.place)).collect();
    let ends = starts.iter().skip(1).copied().chain([series.points.len()]);
    let more_is_better = series.more_is_better();
    for (start, end) in starts.iter().copied().zip(ends) {
        let values: Vec<f64> = series.points[start..end].iter().map(|p| p.value).collect();
        let begins = regimes::begins(&values, Ties::Counted).unwrap_or_default();
        for (place, begin) in begins.iter().enumerate() {
            let from = place.checked_sub(1).map_or(0, |before| begins[before]);
            let to = begins.get(place + 1).copied().unwrap_or(values.len());
            let mean = |values: &[f64]| geometric_mean(values).unwrap_or(f64::NAN);
            let ratio = mean(&values[*begin..to]) / mean(&values[from..*begin]);
            series.changes.push(Change {
                place: start + begin,
                ratio,
                is_worse: (ratio > 1.0) != more_is_better,
            });
        }
        // Of the last stretch this is what stands.
        series.newest = newest(&values, &begins, more_is_better);
    }
}

fn newest(values: &[f64], begins: &[usize], more_is_better: bool) -> State {
    let is_worse = |ratio: f64| (ratio > 1.0) != more_is_better;
    // A slow release must not make the next one usual: the last two are held against those before both.
    if let Some((before, [first, second])) = values.split_last_chunk() {
        let worse =
            |value: &f64| match regimes::newest(&[before, std::slice::from_ref(value)].concat(), begins) {
                Newest::Suspect { ratio } => is_worse(ratio).then_some(ratio),
                Newest::TooFew | Newest::Usual => None,
            };
        if let (Some(_), Some(ratio)) = (worse(first), worse(second)) {
            return State::Regression { ratio };
        }
    }
    match regimes::newest(values, begins) {
        Newest::TooFew => State::TooFew { points: values.len() - begins.last().copied().unwrap_or(0) },
        Newest::Usual => State::Usual,
        Newest::Suspect { ratio } if is_worse(ratio) => State::Suspect { ratio },
        Newest::Suspect { ratio } => State::Better { ratio },
    }
}
