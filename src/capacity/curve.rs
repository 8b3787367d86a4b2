//! What the tries of a search came to: capacity, knee, what broke first, and the curve.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::run::{FailureReason, RunId};
use crate::stats::quantile::median;

/// One run at one load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Try {
    /// The run.
    pub run: RunId,
    /// The load: journeys started per second, or users.
    pub load: f64,
    /// Requests that were answered `ok` during the load, per second.
    pub achieved_per_s: f64,
    /// Mean response time, ms.
    pub mean_ms: f64,
    /// Median response time, ms.
    pub p50_ms: f64,
    /// 99 % of the response times are below, ms.
    pub p99_ms: f64,
    /// Share of the requests that ended neither `ok` nor `rejected`.
    pub not_ok_share: f64,
    /// What was missed; empty if the objective was met.
    pub broken: Vec<Broken>,
    /// Reasons why requests did not end well, the most frequent first.
    pub reasons: Vec<FailureReason>,
}

/// A part of an objective that was missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// What kind of thing that is.
    pub mode: Mode,
    /// The condition, or what stands for it.
    pub condition: String,
    /// What was seen: `p99 was 131 ms`.
    pub seen: String,
}

/// What breaks under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// loadproof itself: it can tell nothing of the system.
    Generator,
    /// Wrong answers, or none.
    Errors,
    /// Work that piles up.
    Backlog,
    /// Slow answers.
    Latency,
    /// Something else that the objective asks for.
    Other,
}

impl Mode {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Errors => "errors",
            Self::Backlog => "backlog",
            Self::Latency => "latency",
            Self::Other => "objective",
        }
    }
}

/// All tries at one load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The load.
    pub load: f64,
    /// Medians over its tries, as in [`Try`].
    pub achieved_per_s: f64,
    /// See [`Try`].
    pub mean_ms: f64,
    /// See [`Try`].
    pub p50_ms: f64,
    /// See [`Try`].
    pub p99_ms: f64,
    /// See [`Try`].
    pub not_ok_share: f64,
    /// Tries that met the objective.
    pub met: usize,
    /// All tries.
    pub tries: usize,
    /// What was missed in the first try that missed anything.
    pub broken: Vec<Broken>,
    /// Reasons of that try.
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

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Capacity {
    /// The highest load that met the objective in most of its tries; none if none did.
    pub found: Option<f64>,
    /// The lowest load that missed it; none if the search ended before one.
    pub missed: Option<f64>,
    /// The load with the most throughput per response time; none if it was not seen to fall again.
    pub knee: Option<f64>,
    /// What the lowest miss missed.
    pub broke_first: Vec<Broken>,
    /// All loads that were tried, those beyond the capacity among them.
    pub curve: Curve,
}

impl Curve {
    /// The points of some tries.
    pub fn of(tries: &[Try]) -> Self {
        // Loads are compared by their bits: they were made by one search, and above 0.
        let mut by_load: BTreeMap<u64, Vec<&Try>> = BTreeMap::new();
        for one in tries {
            by_load.entry(one.load.to_bits()).or_default().push(one);
        }
        Self { points: by_load.into_values().map(|tries| point(&tries)).collect() }
    }

    /// The load at which *power*, throughput over mean response time, is greatest: above it response
    /// times grow faster than throughput. None if power still grew at the highest load.
    ///
    /// Source: Kleinrock 1979, Power and deterministic rules of thumb for probabilistic problems in
    /// computer communications.
    fn knee(&self) -> Option<f64> {
        let power = |p: &Point| p.achieved_per_s * (1.0 - p.not_ok_share) / p.mean_ms;
        let points = self.points.iter().filter(|p| p.mean_ms > 0.0 && p.achieved_per_s > 0.0);
        if points.clone().count() < 3 {
            return None;
        }
        let knee = points.max_by(|a, b| power(a).total_cmp(&power(b))).map(|p| p.load);
        knee.filter(|knee| self.points.last().is_some_and(|last| last.load > *knee))
    }
}

fn point(tries: &[&Try]) -> Point {
    let middle = |of: fn(&Try) -> f64| {
        let mut values: Vec<f64> = tries.iter().map(|t| of(t)).collect();
        values.sort_by(f64::total_cmp);
        median(&values).unwrap_or(f64::NAN)
    };
    let missed = tries.iter().find(|t| !t.broken.is_empty());
    Point {
        load: tries[0].load,
        achieved_per_s: middle(|t| t.achieved_per_s),
        mean_ms: middle(|t| t.mean_ms),
        p50_ms: middle(|t| t.p50_ms),
        p99_ms: middle(|t| t.p99_ms),
        not_ok_share: middle(|t| t.not_ok_share),
        met: tries.iter().filter(|t| t.broken.is_empty()).count(),
        tries: tries.len(),
        broken: missed.map(|t| t.broken.clone()).unwrap_or_default(),
        reasons: missed.map(|t| t.reasons.clone()).unwrap_or_default(),
        runs: tries.iter().map(|t| t.run).collect(),
    }
}

impl Capacity {
    /// What a search found, and all tries that were made.
    pub fn of(found: Option<f64>, missed: Option<f64>, tries: &[Try]) -> Self {
        let curve = Curve::of(tries);
        let first = curve.points.iter().find(|p| Some(p.load) == missed);
        let mut broke_first = first.map(|p| p.broken.clone()).unwrap_or_default();
        broke_first.sort_by_key(|b| b.mode);
        Self { found, missed, knee: curve.knee(), broke_first, curve }
    }

    /// Whether loadproof was at its own limit before the system was.
    pub fn is_of_generator(&self) -> bool {
        self.broke_first.iter().any(|b| b.mode == Mode::Generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(load: f64, achieved_per_s: f64, mean_ms: f64, is_met: bool) -> Try {
        let broken = Broken {
            mode: Mode::Latency,
            condition: "run.p99 <= 50".to_owned(),
            seen: format!("p99 was {mean_ms} ms"),
        };
        Try {
            run: RunId(1),
            load,
            achieved_per_s,
            mean_ms,
            p50_ms: mean_ms,
            p99_ms: mean_ms * 3.0,
            not_ok_share: 0.0,
            broken: if is_met { Vec::new() } else { vec![broken] },
            reasons: Vec::new(),
        }
    }

    #[test]
    fn the_knee_is_where_power_is_greatest_and_what_broke_first_is_told() {
        // A server of one per ms and Poisson arrivals: the mean is 1 / (1 - load / 1000) ms, and power
        // is greatest at half of its capacity.
        let tries: Vec<Try> = [100.0, 300.0, 500.0, 700.0, 900.0]
            .into_iter()
            .map(|load| one(load, load, 1.0 / (1.0 - load / 1000.0), load < 800.0))
            .collect();
        let capacity = Capacity::of(Some(700.0), Some(900.0), &tries);
        assert_eq!(capacity.knee, Some(500.0));
        assert_eq!(capacity.broke_first[0].mode, Mode::Latency);
        assert!(!capacity.is_of_generator());
    }

    #[test]
    fn tries_at_one_load_are_one_point() {
        let tries = [one(100.0, 90.0, 2.0, true), one(50.0, 50.0, 1.0, true), one(100.0, 110.0, 4.0, false)];
        let curve = Curve::of(&tries);
        assert_eq!(curve.points.iter().map(|p| p.load).collect::<Vec<_>>(), [50.0, 100.0]);
        let point = &curve.points[1];
        assert_eq!((point.achieved_per_s, point.mean_ms, point.met, point.tries), (100.0, 3.0, 1, 2));
        assert_eq!(point.broken.len(), 1);
    }
}
