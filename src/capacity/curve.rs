//! How the system did by load, and where its knee is.

use std::collections::BTreeMap;

use serde::Serialize;

use super::trial::{Broken, Trial};
use crate::run::{FailureReason, RunId};
use crate::stats::quantile::median;

/// All trials at one load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The load.
    pub load: f64,
    /// Medians over its trials, as in [`Trial`].
    pub achieved_per_s: f64,
    /// See [`Trial`].
    pub mean_ms: f64,
    /// See [`Trial`].
    pub p50_ms: f64,
    /// See [`Trial`].
    pub p99_ms: f64,
    /// See [`Trial`].
    pub not_ok_share: f64,
    /// Trials that met each goal, in the order of goals.
    pub met: Vec<usize>,
    /// All trials.
    pub trials: usize,
    /// What was missed in the first trial that missed anything, goal by goal.
    pub missed: Vec<Vec<Broken>>,
    /// Reasons of that trial.
    pub reasons: Vec<FailureReason>,
    /// The runs.
    pub runs: Vec<RunId>,
}

/// Points in order of load.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Curve {
    /// The points.
    pub points: Vec<Point>,
}

impl Curve {
    /// The points of some trials, each held against so many goals.
    pub fn of(trials: &[Trial], goals: usize) -> Self {
        // Loads are compared by their bits: they were made by one search, and above 0.
        let mut by_load: BTreeMap<u64, Vec<&Trial>> = BTreeMap::new();
        for one in trials {
            by_load.entry(one.load.to_bits()).or_default().push(one);
        }
        Self { points: by_load.into_values().map(|trials| point(&trials, goals)).collect() }
    }

    /// The load at which *power*, throughput over mean response time, is greatest: above it response
    /// times grow faster than throughput. None if power still grew at the highest load.
    ///
    /// Source: Kleinrock 1979, Power and deterministic rules of thumb for probabilistic problems in
    /// computer communications.
    pub fn knee(&self) -> Option<f64> {
        let power = |p: &Point| p.achieved_per_s * (1.0 - p.not_ok_share) / p.mean_ms;
        let points = self.points.iter().filter(|p| p.mean_ms > 0.0 && p.achieved_per_s > 0.0);
        if points.clone().count() < 3 {
            return None;
        }
        let knee = points.max_by(|a, b| power(a).total_cmp(&power(b))).map(|p| p.load);
        knee.filter(|knee| self.points.last().is_some_and(|last| last.load > *knee))
    }
}

fn point(trials: &[&Trial], goals: usize) -> Point {
    let middle = |of: fn(&Trial) -> f64| {
        let mut values: Vec<f64> = trials.iter().map(|t| of(t)).collect();
        values.sort_by(f64::total_cmp);
        median(&values).unwrap_or(f64::NAN)
    };
    let missed = trials.iter().find(|t| t.missed.iter().any(|goal| !goal.is_empty()));
    Point {
        load: trials[0].load,
        achieved_per_s: middle(|t| t.achieved_per_s),
        mean_ms: middle(|t| t.mean_ms),
        p50_ms: middle(|t| t.p50_ms),
        p99_ms: middle(|t| t.p99_ms),
        not_ok_share: middle(|t| t.not_ok_share),
        met: (0..goals).map(|goal| trials.iter().filter(|t| t.missed_of(goal).is_empty()).count()).collect(),
        trials: trials.len(),
        missed: missed.map_or_else(|| vec![Vec::new(); goals], |t| t.missed.clone()),
        reasons: missed.map(|t| t.reasons.clone()).unwrap_or_default(),
        runs: trials.iter().map(|t| t.run).collect(),
    }
}
