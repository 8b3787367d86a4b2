//! The agents that made a run's load, and what they deliver.

use serde::{Deserialize, Serialize};

use crate::reading::Reading;
use crate::sample::Batch;

/// An agent that made a share of a run's load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFacts {
    /// Its place among those of the run, from 0.
    pub number: u16,
    /// Its name.
    pub name: String,
    /// The name of its machine.
    pub machine: String,
    /// That machine's processor; empty if not known.
    pub processor: String,
    /// That machine's kernel; empty if not known.
    pub kernel: String,
    /// Cores that it may use.
    pub cores: u32,
    /// The number of its first worker among those of all agents: a sample is of the worker `journey % workers` of the run.
    pub first_worker: u16,
    /// How many workers it has.
    pub workers: u16,
    /// By how much its wall clock was ahead of the coordinator's before the run, µs. Its samples are on the run's clock.
    pub offset_us: i64,
    /// Half the best round trip of a question about its clock, µs: by so much its times may be off, at the run's start.
    pub offset_error_us: i64,
    /// By how much its clock went faster than the coordinator's during the run, µs; none where it was not asked again.
    pub drift_us: Option<i64>,
    /// Batches of it that the store holds.
    pub batches: u64,
    /// Samples of it that the store holds.
    pub samples: u64,
    /// Samples that it says to have taken; none if it has not said.
    pub taken: Option<u64>,
    /// What became of it.
    pub state: AgentState,
    /// What else there is to say; often empty.
    pub note: String,
}

/// What became of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// It is at work, or nobody has heard what became of it.
    #[default]
    Working,
    /// It made its share of the load, and the store holds all its samples.
    Done,
    /// It ended before its share of the load was made; the store holds the samples that it had kept.
    CutShort,
    /// It fell silent.
    Lost,
}

impl AgentState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Working, Self::Done, Self::CutShort, Self::Lost];

    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Done => "done",
            Self::CutShort => "cut-short",
            Self::Lost => "lost",
        }
    }
}

impl AgentFacts {
    /// Whether a sample is its own. `journey`: the sample's; `workers`: of the run, over all agents.
    pub fn has_made(&self, journey: u32, workers: u16) -> bool {
        let worker = journey % u32::from(workers.max(1));
        let first = u32::from(self.first_worker);
        (first..first + u32::from(self.workers)).contains(&worker)
    }

    /// The name of the signal of something that it reads of itself: `cpu`, `memory` or `waiting`.
    pub fn signal(name: &str, what: &str) -> String {
        format!("agent {name} {what}")
    }

    /// By how much its times may be off those of the run's clock, µs.
    pub fn clock_error_us(&self) -> i64 {
        self.offset_error_us.saturating_add(self.drift_us.unwrap_or(0).saturating_abs())
    }
}

/// A batch that an agent has delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    /// The agent's number.
    pub agent: u16,
    /// The batch's number among those of the agent, from 0, without gaps.
    pub number: u64,
    /// Its samples.
    pub batch: Batch,
    /// What it has read of itself meanwhile.
    pub readings: Vec<Reading>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_of_the_agent_whose_worker_made_it() {
        let agent = AgentFacts { first_worker: 2, workers: 3, ..AgentFacts::default() };
        let made: Vec<u32> = (0..10).filter(|journey| agent.has_made(*journey, 5)).collect();
        assert_eq!(made, [2, 3, 4, 7, 8, 9]);
    }

    #[test]
    fn drift_adds_to_the_error_of_a_clock() {
        let mut agent = AgentFacts { offset_error_us: 40, ..AgentFacts::default() };
        assert_eq!(agent.clock_error_us(), 40);
        agent.drift_us = Some(-15);
        assert_eq!(agent.clock_error_us(), 55);
    }
}
