//! Two arms side by side, as values.

use serde::Serialize;

use super::arm::ArmSummary;
use super::explain::Explanation;
use super::series::Series;
use super::shift::Shift;
use super::subject::{QUANTILES, Summary};
use super::superiority::Superiority;
use crate::run::{Arm, FACTOR};
use crate::sample::Subject;

/// One subject in both arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubjectComparison {
    /// What was called, by whom.
    pub subject: Subject,
    /// In the baseline; none where it was not called.
    pub baseline: Option<Summary>,
    /// In the treatment; none where it was not called.
    pub treatment: Option<Summary>,
    /// `treatment / baseline` of the rates; none where either is missing or the baseline is 0.
    pub rate_ratio: Option<f64>,
    /// `treatment / baseline` of the response-time quantiles, in the order of
    /// [`QUANTILES`].
    pub response_ratios: Option<[f64; QUANTILES.len()]>,
    /// The same for service times.
    pub service_ratios: Option<[f64; QUANTILES.len()]>,
}

/// One signal in both arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalComparison {
    /// The signal's name.
    pub name: String,
    /// Its unit, empty if none is known.
    pub unit: String,
    /// True for a total that only grows.
    pub is_counter: bool,
    /// Its metrics in the baseline; none where it was never seen.
    pub baseline: Option<SignalMetrics>,
    /// Its metrics in the treatment; none where it was never seen.
    pub treatment: Option<SignalMetrics>,
}

/// What a signal came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SignalMetrics {
    /// Smallest value.
    pub min: f64,
    /// Mean over the readings.
    pub mean: f64,
    /// Largest value.
    pub max: f64,
    /// Last value.
    pub last: f64,
    /// By how much it rose, falls left out: what a counter has counted.
    pub increase: f64,
}

impl SignalMetrics {
    /// The metrics of a series; none for an empty one.
    pub fn of(series: &Series) -> Option<Self> {
        let last = series.last()?;
        let (min, mean, max) = (series.min()?, series.mean()?, series.max()?);
        // A counter that falls was reset, and counts on from there.
        let increase = series.points.windows(2).map(|pair| (pair[1].1 - pair[0].1).max(0.0)).sum();
        Some(Self { min, mean, max, last, increase })
    }
}

/// A fact of the environment in both arms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EnvironmentFact {
    /// What it is: `kernel`, `service shopstream`.
    pub name: String,
    /// In the baseline, empty if unknown there.
    pub baseline: String,
    /// In the treatment, empty if unknown there.
    pub treatment: String,
}

impl EnvironmentFact {
    /// Whether the arms differ in it.
    pub fn differs(&self) -> bool {
        self.baseline != self.treatment
    }

    /// Whether it is what arms are there to differ in: the system's services, where it is, its commit, and the factors of
    /// a grid. A machine is not.
    pub fn is_of_system(&self) -> bool {
        ["target", "git commit"].contains(&self.name.as_str())
            || ["service ", FACTOR].iter().any(|of_system| self.name.starts_with(of_system))
    }
}

/// What makes a comparison doubtful; shown by every form of report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// The arms did different work, and the user insisted.
    WorkloadDiffers {
        /// The baseline's fingerprint.
        baseline: String,
        /// The treatment's fingerprint.
        treatment: String,
    },
    /// The arms drew different requests.
    SeedsDiffer,
    /// A run did not end as planned.
    RunIncomplete {
        /// The run's number.
        run: i64,
        /// How it ended.
        state: String,
    },
    /// A run's backlog was not empty when its drain met the deadline.
    NotDrained {
        /// The run's number.
        run: i64,
    },
    /// When the backlog of runs was empty is not known.
    DrainUnknown {
        /// The runs' numbers.
        runs: Vec<i64>,
        /// Why not.
        reason: String,
    },
    /// One pair of runs: the difference may be run-to-run noise.
    SinglePair,
    /// Requests were dropped: the load that was asked for was not reached.
    Dropped {
        /// The arm.
        arm: Arm,
        /// How many.
        count: u64,
    },
    /// The tool's own questions make up much of the requests, and not equally in both arms.
    ProbesDiffer {
        /// Their share of the baseline's requests, in [0, 1].
        baseline: f64,
        /// Their share of the treatment's requests, in [0, 1].
        treatment: f64,
    },
    /// An endpoint was called in one arm only.
    OneArmOnly {
        /// The subject's title.
        subject: String,
    },
}

/// Both arms side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The baseline.
    pub baseline: ArmSummary,
    /// The treatment.
    pub treatment: ArmSummary,
    /// Requests and effects per endpoint and traffic class, in order of subject.
    pub subjects: Vec<SubjectComparison>,
    /// The requests of each tag in both arms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<SubjectComparison>,
    /// Signals, in order of name.
    pub signals: Vec<SignalComparison>,
    /// Environment, in order of name.
    pub environment: Vec<EnvironmentFact>,
    /// What makes it doubtful.
    pub warnings: Vec<Warning>,
    /// By how much each percentile changes, for each curve that both arms have.
    pub shifts: Vec<CurveShift>,
    /// How often a request of the treatment is faster than one of the baseline; none where only summaries were compared.
    pub superiority: Option<Superiority>,
    /// Sources of the differences; empty where only summaries were compared.
    pub explanations: Vec<Explanation>,
}

/// The shift function of a curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CurveShift {
    /// The curve's name.
    pub name: String,
    /// Its percentiles, in order.
    pub points: Vec<Shift>,
}
