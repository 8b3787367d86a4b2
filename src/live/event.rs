//! What is told of a run while it goes on: the one form for pages, for readers of `--progress json`, and
//! between a run and the `ui` that has started it. docs/LIVE.md describes it.
//!
//! Times are milliseconds, points in time seconds since the load's start. Numbers are short: they are
//! looked at, not computed with.

use serde::{Deserialize, Serialize};

use crate::summary::live::Outcomes;

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A run begins.
    Begin(Begin),
    /// It comes into another of its phases.
    Phase(PhaseBegun),
    /// A second has passed.
    Tick(Tick),
    /// Samples did not end well.
    Failure(Failures),
    /// What the claims come to so far.
    Claims(Claims),
    /// Something has happened.
    Note(Note),
    /// Finished.
    Done(Done),
}

impl Event {
    /// Its name, as it stands in its JSON, too.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begin(_) => "begin",
            Self::Phase(_) => "phase",
            Self::Tick(_) => "tick",
            Self::Failure(_) => "failure",
            Self::Claims(_) => "claims",
            Self::Note(_) => "note",
            Self::Done(_) => "done",
        }
    }

    /// Its JSON, in one line.
    pub fn json(&self) -> String {
        // Its types rule a failure out.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begin {
    /// Its number in the store.
    pub run: i64,
    /// The scenario's name.
    pub scenario: String,
    /// The profile's name.
    pub profile: String,
    /// The load's name.
    pub load: String,
    /// The load in words.
    pub load_text: String,
    /// How long the load lasts, where that is known.
    pub load_s: Option<f64>,
    /// The run's place in an experiment.
    pub part: Option<Part>,
    /// What is called and what is awaited, in the order of each tick's metrics.
    pub endpoints: Vec<Endpoint>,
}

/// A run's place in an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The experiment's number in the store.
    pub experiment: i64,
    /// `baseline` or `treatment`.
    pub arm: String,
    /// The round, from 1.
    pub round: u32,
    /// Most rounds.
    pub rounds: u32,
}

/// Something that is called, or awaited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name.
    pub name: String,
    /// The class of its traffic; empty if none.
    pub traffic_class: String,
    /// `request`, `effect` or `group`.
    pub kind: String,
}

/// A run comes into another of its phases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseBegun {
    /// `ramp`, `steady`, `cool-down` or `drain`.
    pub phase: String,
    /// When.
    pub t: f64,
}

/// Times in ms; none of one that has no end, because it lies among requests that were never answered.
pub type Times = [Option<f64>; 3];

/// The run, a second later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// When.
    pub t: f64,
    /// The phase.
    pub phase: String,
    /// Users at work.
    pub users: u32,
    /// Requests under way.
    pub in_flight: u32,
    /// Journeys begun, and those that the load begins in all, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journeys: Option<(u64, u64)>,
    /// Seconds that the load still lasts, where that is known or can be told by its pace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_s: Option<f64>,
    /// Requests answered per second since the last tick.
    pub rate: f64,
    /// p50, p95 and p99 of the response times since the last tick; none where nothing ended.
    pub times: Option<Times>,
    /// Requests by outcome so far.
    pub outcomes: Outcomes,
    /// Cores that loadproof itself has in use; none while that is not known.
    pub own_cores: Option<f64>,
    /// Metrics of what is called and awaited, in the order of [`Begin::endpoints`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointTick>,
    /// Signals: `(name, unit in words, value)`.
    pub signals: Vec<(String, String, f64)>,
    /// Signals that are not among them because they have not been read of late: `(name, s without a reading)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<(String, f64)>,
}

/// One endpoint, or one effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointTick {
    /// Samples by outcome so far.
    pub n: Outcomes,
    /// Answered per second since the last tick.
    pub rate: f64,
    /// p50, p95 and the longest time so far; none where nothing ended.
    pub times: Option<Times>,
}

/// Samples that did not end well: those reasons whose counts have changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// The reasons.
    pub rows: Vec<Failure>,
}

/// Samples that did not end well for the same reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason's place in the run's list.
    pub place: usize,
    /// The place of what was called in [`Begin::endpoints`]; none for a question of loadproof's own.
    pub endpoint: Option<usize>,
    /// How they ended.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// How many so far.
    pub count: u64,
    /// When the first was known.
    pub first: f64,
    /// When the last was known.
    pub last: f64,
}

/// What the claims of an experiment come to so far. There are no verdicts among it: those come at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Rounds behind it.
    pub rounds: usize,
    /// The claims.
    pub rows: Vec<Claim>,
}

/// A claim so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// `C1`, or the name that the scenario gives it.
    pub id: String,
    /// What it says.
    pub title: String,
    /// Its rule in symbols.
    pub formula: String,
    /// The estimate.
    pub estimate: String,
    /// Its interval; empty where there is none yet.
    pub interval: String,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When, ms since 1970 (UTC).
    pub at_ms: i64,
    /// What.
    pub text: String,
}

impl Note {
    /// Something that has happened just now.
    pub fn now(text: impl Into<String>) -> Self {
        Self { at_ms: crate::utc::now_ms(), text: text.into() }
    }
}

/// A metric of a whole run, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeMetric {
    /// `p95`
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its unit; often empty.
    pub unit: String,
    /// Whether it calls for attention.
    pub is_bad: bool,
}

/// Finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// `supported`, `undecided`, `refuted`, `invalid`, `interrupted`, `failed`, or `done` where nothing was claimed.
    pub word: String,
    /// The verdict and the claim that decided it: `REFUTED 1 of 4 claims: …`; empty where nothing was claimed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub headline: String,
    /// What came of it.
    pub sentence: String,
    /// Metrics of the whole run; empty of experiments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<WholeMetric>,
    /// The exit code.
    pub exit: u8,
    /// What reports can be had of: runs (`3`) and experiments (`e1`).
    pub reports: Vec<String>,
}
