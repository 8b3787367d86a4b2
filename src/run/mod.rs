//! A run as it is remembered: plain facts that `store` keeps and `report` prints.

mod capacity;
mod conduct;
mod facts;
mod fault;
mod histogram;
pub mod imported;
pub mod machine;
mod measured;
mod planned;
mod seal;
mod windows;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use capacity::{CapacityEnding, CapacityId, LoadUnit};
pub use conduct::{PilotResult, Repetition};
pub use facts::{RunEnd, RunFacts, RunStart};
pub use fault::{FaultFacts, FaultOutcome};
pub use histogram::StoredHistogram;
pub use measured::{MeasuredRun, SoftCheckCount};
pub use planned::{PartFacts, StageFacts};
pub use seal::Seal;

use crate::sample::Subject;

/// A run's number in its store, from 1; 0 for one that is in none yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub i64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An experiment's number in its store, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExperimentId(pub i64);

impl std::fmt::Display for ExperimentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What claims are decided by: all runs of an experiment, or a run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judged {
    /// An experiment.
    Experiment(ExperimentId),
    /// A run by itself.
    Run(RunId),
}

impl std::fmt::Display for Judged {
    /// `e3`, `run 12`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Experiment(id) => write!(f, "e{id}"),
            Self::Run(id) => write!(f, "run {id}"),
        }
    }
}

/// The part a profile plays in an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// What the treatment is compared with.
    Baseline,
    /// What is to be shown.
    Treatment,
}

impl Arm {
    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Treatment => "treatment",
        }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Under way.
    #[default]
    Running,
    /// Ended as planned.
    Done,
    /// Ended early by the user; what was measured is stored.
    Interrupted,
    /// Ended early by a failure of target or tool; what was measured is stored.
    Failed,
    /// Its process is gone without a word; what was measured until then is stored.
    Crashed,
}

impl RunState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Running, Self::Done, Self::Interrupted, Self::Failed, Self::Crashed];

    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
            Self::Crashed => "crashed",
        }
    }
}

/// A stretch of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseSpan {
    /// `ramp`, `steady`, `cool-down` or `drain`.
    pub name: String,
    /// Start, µs since the run's start.
    pub start_us: i64,
    /// End, µs since the run's start.
    pub end_us: i64,
    /// False for a drain that met its deadline with work left, or a phase that was cut short.
    pub complete: bool,
    /// Why it is not known when it was over, of a drain that could not be watched; empty if that is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unknown: String,
}

/// The moment of a hook that runs beside the load, as the store has it.
pub const WHEN_BESIDE: &str = "beside";

/// The fact of a run's environment that tells which recorded starts its load has made again.
pub const REPLAYED: &str = "replayed";

/// The fact of a run's environment that tells its load as the file states it, where the command line has changed that.
pub const STATED_LOAD: &str = "load of the file";

/// How the note of a run begins that a condition of its load has ended.
pub const ABORTED_BY: &str = "abort_when";

/// How a fact of a run's environment begins that is the level of a factor of a grid; the factor's name follows.
pub const FACTOR: &str = "factor ";

/// A command that was run around a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HookFacts {
    /// Its name.
    pub name: String,
    /// `before`, `after` or `beside` the load.
    pub moment: String,
    /// The command.
    pub command: String,
    /// Start, µs since the run's start.
    pub start_us: i64,
    /// End, µs since the run's start.
    pub end_us: i64,
    /// Its exit code; none if a signal ended it, or it never began.
    pub exit_code: Option<i32>,
    /// What else there is to say; often empty.
    pub note: String,
}

/// A reason why samples did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureReason {
    /// `failed`, `error` or `dropped`.
    pub outcome: String,
    /// What was called.
    pub endpoint: String,
    /// Why.
    pub reason: String,
    /// How many samples.
    pub count: u64,
    /// When the first of them was due, µs since the run's start.
    pub first_us: i64,
    /// When the last of them was due.
    pub last_us: i64,
    /// The first of them, for a closer look.
    pub first: SampleId,
    /// What was kept of one of them: request and answer, as text. Secrets are hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
}

/// A sample by its run and its number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SampleId {
    /// The run.
    pub run: RunId,
    /// Its number, from 0.
    pub sequence: u32,
}

impl std::fmt::Display for SampleId {
    /// `3:8841`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.run, self.sequence)
    }
}

/// One of the slowest requests of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlowSample {
    /// The run.
    pub run: RunId,
    /// What was called.
    pub endpoint: String,
    /// The class of its traffic.
    pub traffic_class: String,
    /// How it ended.
    pub outcome: String,
    /// Its status.
    pub status: u16,
    /// The user's number.
    pub user: u32,
    /// The journey instance's number.
    pub journey: u32,
    /// When it was due, µs since the run's start.
    pub intended_us: i64,
    /// From then to its end, µs.
    pub response_us: i64,
    /// From sending to its end, µs.
    pub service_us: i64,
}

/// How a run's load was made: what an audit needs of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadFacts {
    /// `closed`, `open`, `shared`, or `mixed` of parts that differ; [`imported::EXECUTOR`] where nothing is known of it.
    pub executor: String,
    /// Users, or most journeys at a time; 0 where it is not known.
    #[serde(alias = "places")]
    pub max_in_flight: u32,
    /// Journeys started per second, of an open load; the mean where that changes.
    pub rate_per_s: Option<f64>,
    /// Threads that made it; 0 where it is not known.
    pub workers: u16,
}

/// A list of keys that a run's samples were about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyFacts {
    /// Its name.
    pub name: String,
    /// Its popularity in words: `Zipf 1.1 over 10 000 keys`.
    pub text: String,
    /// The stated share of each bucket (keys 1, 2–3, 4–7, …); empty where none is stated.
    pub bucket_shares: Vec<f64>,
    /// Whether each is drawn by itself; records that are dealt out in turn depend on how many were.
    pub is_drawn: bool,
}

/// An event that the system raises for each `ok` answer of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RaisedEvent {
    /// The endpoint's traffic class.
    pub traffic_class: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The stream that the event goes to.
    pub stream: String,
    /// What it is called.
    pub event: String,
}

/// What was called, with the tags that its scenario gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    /// An endpoint, an effect or a group.
    #[serde(flatten)]
    pub subject: Subject,
    /// Values by name.
    pub tags: BTreeMap<String, String>,
}

/// A scenario file that a run was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path as given, or as included.
    pub path: String,
    /// Its text, without what may be secret in it.
    pub text: String,
}

/// What a run came to in one respect.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The run.
    pub run: RunId,
    /// Of what.
    pub subject: Subject,
    /// `p50`, `p95`, `p99` in ms, `throughput` per second, or `answered`, a share.
    pub name: String,
    /// Its value; of a quantile ∞ where too many samples were never answered.
    pub value: f64,
    /// Samples behind it.
    pub n: u64,
}

impl Metric {
    /// Name of that of requests which ended `ok`, per second of load.
    pub const THROUGHPUT: &str = "throughput";
    /// Name of the share of samples that ended as expected: `ok` or `rejected`.
    pub const ANSWERED: &str = "answered";
}
