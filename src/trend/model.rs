//! A scenario's metrics over releases, as they are reported.

use serde::Serialize;

use crate::run::{Metric, RunId};
use crate::sample::Subject;
pub use crate::stats::gate::Standing;

/// The metrics of a scenario over releases.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trend {
    /// The series, in order of load, profile, subject and metric.
    pub series: Vec<Series>,
    /// Runs that are in none of them.
    pub left_out: Vec<LeftOut>,
}

impl Trend {
    /// Whether nothing is known of the newest release in a series: it has no value there, or its runs are left out.
    pub fn is_unknown(&self, series: &Series) -> bool {
        let is_of = |left: &LeftOut| left.load == series.load && left.profile == series.profile;
        series.missing_newest().next().is_some()
            || self.left_out.iter().any(|left| left.is_newest && is_of(left))
    }
}

/// A release's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Its label, else its commit, else the run's number.
    pub release: String,
    /// The runs behind it.
    pub runs: Vec<RunId>,
    /// When the first of them started, RFC 3339.
    pub started_at: String,
    /// The geometric mean of their metrics: ms, per second, or a share; ∞ (`null` in JSON) where too many samples were
    /// never answered.
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

/// Another machine, another workload, or other software on the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Break {
    /// Place of the first point there.
    pub place: usize,
    /// What differs: `cores: 2 → 4`.
    pub what: Vec<String>,
}

/// A release that has no value in a series, though it has some in others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Place of the point that comes after it; the number of points if it is newer than all.
    pub place: usize,
    /// Its label, else its commit, else the run's number.
    pub release: String,
    /// The runs behind it.
    pub runs: Vec<RunId>,
    /// Whether somebody has accepted it.
    pub is_accepted: bool,
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
    /// `p50`, `p95`, `p99` (ms), `throughput` (per second) or `answered` (a share).
    pub metric: String,
    /// The releases, the oldest first.
    pub points: Vec<Point>,
    /// Releases without a value here: too few samples were answered.
    pub missing: Vec<Gap>,
    /// Where it changes.
    pub changes: Vec<Change>,
    /// Where machine or workload change.
    pub breaks: Vec<Break>,
    /// Where the machine's software was updated.
    pub updates: Vec<Break>,
    /// The newest release.
    pub newest: Standing,
}

impl Series {
    /// Whether more is better.
    pub fn more_is_better(&self) -> bool {
        [Metric::THROUGHPUT, Metric::ANSWERED].contains(&self.metric.as_str())
    }

    /// Whether it is of shares.
    pub fn is_share(&self) -> bool {
        self.metric == Metric::ANSWERED
    }

    /// The releases without a value that are newer than all points, and that nobody has accepted: nothing is known of the
    /// newest release here.
    pub fn missing_newest(&self) -> impl Iterator<Item = &Gap> {
        self.missing.iter().filter(|gap| gap.place == self.points.len() && !gap.is_accepted)
    }

    /// Whether the newest point is worse for longer, and neither mended nor accepted.
    pub fn is_regression(&self) -> bool {
        matches!(self.newest, Standing::Regression { .. })
    }
}

/// A run that is left out of all series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The run.
    pub run: RunId,
    /// The release that it is of.
    pub release: String,
    /// The load's name.
    pub load: String,
    /// The profile's name.
    pub profile: String,
    /// When it started, RFC 3339.
    pub started_at: String,
    /// Why: `INVALID: scheduling lag: …`, `failed: …`.
    pub why: String,
    /// Whether nothing is known of the newest release under its load and profile for that reason.
    pub is_newest: bool,
}
