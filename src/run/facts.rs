//! What is remembered of a run.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    ABORTED_BY, Arm, ExperimentId, FaultFacts, HookFacts, KeyFacts, LoadFacts, PartFacts, PhaseSpan,
    RaisedEvent, RunId, RunState, StageFacts, Tagged,
};
use crate::claim::{Claim, Expression, Symptom};
use crate::sample::{Phase, Subject};

/// What a run was: everything that explains its samples.
///
/// The default is a run under way of which nothing is known: what some source of runs does not know is left at that.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunFacts {
    /// Its number.
    pub id: RunId,
    /// What was known when it started.
    #[serde(flatten)]
    pub start: RunStart,
    /// From start to the last thing that was measured, s.
    pub duration_s: f64,
    /// How many samples it stored.
    pub samples: u64,
    /// When its samples were pruned, µs since 1970 (UTC); none if the store has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruned_unix_us: Option<i64>,
    /// What was known when it ended.
    #[serde(flatten)]
    pub end: RunEnd,
}

/// What is known of a run before its first sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunStart {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's file as given.
    pub scenario_file: String,
    /// SHA-256, in hex, of the workload as compiled: equal for equal work.
    pub fingerprint: String,
    /// The load's name.
    pub load: String,
    /// The load in words: `30 users, 5 /s spawned, 3 min`.
    pub load_text: String,
    /// The profile's name.
    pub profile: String,
    /// The user's own name for it.
    pub label: Option<String>,
    /// The experiment it belongs to.
    pub experiment: Option<ExperimentId>,
    /// The arm that its profile plays, in an experiment or by the scenario.
    pub arm: Option<Arm>,
    /// Its round in that experiment, from 1; 0 for its pilot.
    pub round: Option<u32>,
    /// Start in UTC, RFC 3339.
    pub started_at: String,
    /// Start, µs since 1970 (UTC).
    pub started_unix_us: i64,
    /// Seed of all its randomness.
    pub seed: u64,
    /// The command that made it.
    pub command: String,
    /// Version of loadproof.
    pub tool_version: String,
    /// Machine, versions and system facts, by name.
    pub environment: BTreeMap<String, String>,
    /// How its load was made.
    pub load_facts: LoadFacts,
    /// The parts of its load; empty if that has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartFacts>,
    /// The planned levels of its load over time, part by part; empty if one level was reached and stayed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageFacts>,
    /// What was claimed of its system.
    pub claims: Vec<Claim>,
    /// What had to be seen to be true of it.
    pub must_hold: Vec<Expression>,
    /// The environment that it was run in (`--env`), if one was named.
    pub deployment: Option<String>,
    /// Where traces of its requests can be looked at, with `{trace_id}` in it; empty if nowhere, none
    /// if they have none.
    pub trace_url: Option<String>,
    /// What its samples were about, in the order of their keys' lists.
    pub keys: Vec<KeyFacts>,
    /// What its requests raced each other for, in the order of their races.
    pub races: Vec<String>,
    /// The events that its requests raised.
    pub raised: Vec<RaisedEvent>,
    /// The tags of what it called, where that has some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tagged>,
    /// What tells of trouble in its system.
    pub symptoms: Vec<Symptom>,
}

/// How a run ended, or that it has not yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RunEnd {
    /// How far it came.
    pub state: RunState,
    /// Why it ended as it did; empty if as planned.
    #[serde(rename = "end_note")]
    pub note: String,
    /// Its phases, in order of time.
    pub phases: Vec<PhaseSpan>,
    /// The commands around it, in order of their start.
    pub hooks: Vec<HookFacts>,
    /// What was done to its system on purpose, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultFacts>,
    /// By how much the wall clock strayed from the run's own clock, µs.
    pub clock_step_us: i64,
}

impl RunEnd {
    /// A run that failed before it came to anything.
    pub fn failed(note: impl Into<String>) -> Self {
        Self { state: RunState::Failed, note: note.into(), ..Self::default() }
    }

    /// Whether a condition of its load (`abort_when`) has ended it: what that saw is evidence.
    pub fn is_aborted(&self) -> bool {
        self.state == RunState::Failed && self.note.starts_with(ABORTED_BY)
    }
}

impl RunStart {
    /// The tags of an endpoint, an effect or a group; none if it has none.
    pub fn tags_of(&self, subject: &Subject) -> Option<&BTreeMap<String, String>> {
        self.tags.iter().find(|tagged| tagged.subject == *subject).map(|tagged| &tagged.tags)
    }

    /// Whether what was called has all of these tags.
    pub fn has_tags(&self, subject: &Subject, wanted: &BTreeMap<String, String>) -> bool {
        let tags = || self.tags_of(subject);
        wanted.is_empty()
            || wanted.iter().all(|(name, value)| tags().and_then(|t| t.get(name)) == Some(value))
    }
}

impl RunFacts {
    /// Whether it is of the pilot of an experiment, and so no evidence.
    pub fn is_pilot(&self) -> bool {
        self.start.experiment.is_some() && self.start.round == Some(0)
    }

    /// Seconds of load: to the end of the steady phase, or all there is of a run without one; never 0.
    pub fn load_s(&self) -> f64 {
        self.load_end_us().map_or(self.duration_s, |us| us as f64 / 1e6).max(1e-3)
    }

    /// When the load ended, µs since the run's start; none for a run without phases.
    pub fn load_end_us(&self) -> Option<i64> {
        self.end
            .phases
            .iter()
            .filter(|p| p.name == Phase::Ramp.word() || p.name == Phase::Steady.word())
            .map(|p| p.end_us)
            .max()
    }

    /// Start and end of a stage of its load, by name, µs since the run's start; none if it has no such stage, or ended before
    /// that.
    pub fn stage_us(&self, name: &str) -> Option<(i64, i64)> {
        let of_name = || self.start.stages.iter().filter(|stage| stage.name == name);
        let (start, end) = (of_name().map(|s| s.start_us).min()?, of_name().map(|s| s.end_us).max()?);
        let end = end.min(self.load_end_us().unwrap_or(end));
        (end > start).then_some((start, end))
    }

    /// From the load's end to an empty backlog, s; none if it was not waited for, or not empty in time.
    pub fn drain_s(&self) -> Option<f64> {
        let drain = self.end.phases.iter().find(|p| p.name == Phase::Drain.word() && p.complete)?;
        Some((drain.end_us - self.load_end_us()?) as f64 / 1e6)
    }
}
