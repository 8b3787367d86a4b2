//! Two arms side by side: what changed, by how much. (Whether the change is beyond doubt is a
//! matter of intervals over rounds, and of `verdict`.)

use serde::Serialize;

use super::series::Series;
use super::summary::{Distribution, Subject, Summary};
use crate::run::{Arm, RunFacts};

/// Everything one arm's runs came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmSummary {
    /// Which arm.
    pub arm: Arm,
    /// Its runs, in order of time; never empty.
    pub runs: Vec<RunFacts>,
    /// A summary per subject, in order of subject.
    pub summaries: Vec<Summary>,
    /// Time from the load's end to an empty backlog, s, one per run; none for a run without a drain
    /// or one whose drain met its deadline.
    pub drain_s: Vec<Option<f64>>,
    /// A curve of response time (for an effect: of effect latency) per subject and per traffic
    /// class, see [`Curve`].
    pub curves: Vec<Curve>,
    /// Signals over time; with several runs, the median at each step.
    pub signals: Vec<SignalSeries>,
    /// Answered requests per second over time, one line per traffic class.
    pub throughput: Vec<Series>,
}

/// How one time behaves by percentile and over the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// A subject's title, or `all production requests` for a traffic class.
    pub name: String,
    /// `request` curves show response time, `effect` curves effect latency.
    pub is_effect: bool,
    /// True for the curve of a whole traffic class.
    pub is_class: bool,
    /// Values behind it.
    pub n: u64,
    /// `(p in [0, 1), µs)`, increasing in both; ends at the last percentile with ten samples
    /// beyond it.
    pub percentiles: Vec<(f64, f64)>,
    /// `(seconds since the run's start, p95 in µs)` by window of the samples' intended start.
    pub p95_over_time: Vec<(f64, f64)>,
    /// `(seconds since the run's start, p50 in µs)`, the same windows.
    pub p50_over_time: Vec<(f64, f64)>,
    /// The windows' width, s.
    pub window_s: f64,
}

/// A signal over the time of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalSeries {
    /// Its values over time.
    pub series: Series,
    /// Its unit (`messages`, `bytes`, `s`), empty if none is known.
    pub unit: String,
    /// True for a total that only grows: shown as its increase per second.
    pub is_total: bool,
}

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
    /// [`QUANTILES`](super::summary::QUANTILES).
    pub response_ratios: Option<[f64; super::summary::QUANTILES.len()]>,
    /// The same for service times.
    pub service_ratios: Option<[f64; super::summary::QUANTILES.len()]>,
}

/// One signal in both arms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SignalComparison {
    /// The signal's name.
    pub name: String,
    /// Its unit, empty if none is known.
    pub unit: String,
    /// Its figures in the baseline; none where it was never seen.
    pub baseline: Option<SignalFigures>,
    /// Its figures in the treatment; none where it was never seen.
    pub treatment: Option<SignalFigures>,
}

/// What a signal came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SignalFigures {
    /// Smallest value.
    pub min: f64,
    /// Mean over the readings.
    pub mean: f64,
    /// Largest value.
    pub max: f64,
    /// Last value.
    pub last: f64,
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
}

/// What makes a comparison doubtful; shown by every form of report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// The arms did different work, and the user insisted.
    WorkloadDiffers {
        /// The baseline's fingerprint.
        baseline: String,
        /// The treatment's fingerprint.
        treatment: String,
    },
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
    /// One pair of runs: what differs may be the machine's mood.
    SinglePair,
    /// Requests were dropped: the load that was asked for was not reached.
    Dropped {
        /// The arm.
        arm: Arm,
        /// How many.
        count: u64,
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
    /// Signals, in order of name.
    pub signals: Vec<SignalComparison>,
    /// Environment, in order of name.
    pub environment: Vec<EnvironmentFact>,
    /// What makes it doubtful.
    pub warnings: Vec<Warning>,
}
