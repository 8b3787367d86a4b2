//! A trial: a run at one load, held against every goal.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::run::{FailureReason, RunId};
use crate::stats::sizes::Sizes;

/// One run at one load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// The run.
    pub run: RunId,
    /// The load.
    pub load: f64,
    /// Requests that were answered `ok` during the load, per second.
    pub achieved_per_s: f64,
    /// Mean response time, ms.
    pub mean_ms: f64,
    /// Median response time, ms.
    pub p50_ms: f64,
    /// 99 % of the response times are below, ms.
    pub p99_ms: f64,
    /// Share of the requests that did not end `ok`: refusals are no throughput.
    pub not_ok_share: f64,
    /// Sizes of the `ok` answers by endpoint; empty where they are not known.
    #[serde(skip)]
    pub answers: BTreeMap<String, Sizes>,
    /// What was missed of each goal, in their order; empty for a goal that was met.
    pub missed: Vec<Vec<Broken>>,
    /// What had to be seen to be true of the run's profile, and was not.
    pub not_held: Vec<String>,
    /// What outside of the system kept loadproof from making the load as planned, such as other processes on its cores.
    pub disturbance: Option<String>,
    /// Reasons why requests did not end well, the most frequent first.
    pub reasons: Vec<FailureReason>,
}

impl Trial {
    /// What was missed of a goal.
    pub fn missed_of(&self, goal: usize) -> &[Broken] {
        self.missed.get(goal).map_or(&[], Vec::as_slice)
    }
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
    /// Less done than at a lower load.
    Throughput,
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
            Self::Throughput => "throughput",
            Self::Latency => "latency",
            Self::Other => "objective",
        }
    }
}
