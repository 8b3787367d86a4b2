//! `[capacity]`: the goals that a system has to keep to while its load is raised, and how it is raised.

use std::time::Duration;

use crate::claim::Expression;

/// How `loadproof capacity` searches.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacitySpec {
    /// The goals; one of them has no name if it is the only one.
    pub goals: Vec<GoalSpec>,
    /// The load that is raised: the rate of an open one, the users of a closed one, all levels of one with stages or parts.
    pub load: String,
    /// Where the search begins; the load's own level if none.
    pub from: Option<f64>,
    /// Where it ends at the latest.
    pub to: Option<f64>,
    /// How long each trial lasts; as long as the load if none.
    pub run_time: Option<Duration>,
    /// No trial begins that would end later.
    pub budget: Option<Duration>,
}

/// A search goal, in the words of RFC 9971.
#[derive(Clone, Debug, PartialEq)]
pub struct GoalSpec {
    /// Its name; empty for the only one.
    pub name: String,
    /// Conditions on a run; all of them must hold.
    pub objective: Vec<Expression>,
    /// How much has to be tried at a load.
    pub duration_sum: DurationSum,
    /// Share of the trials' time that may miss the objective.
    pub exceed_ratio: f64,
    /// How near the search comes: its upper bound lies within this share above the lower one.
    pub width: f64,
}

/// How much has to be tried at a load until it is classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationSum {
    /// So many trials.
    Trials(u32),
    /// Trials of so much time together.
    Time(Duration),
}

impl GoalSpec {
    /// A goal of these conditions, with everything else as it is by default.
    pub fn new(objective: Vec<Expression>) -> Self {
        Self {
            name: String::new(),
            objective,
            duration_sum: DurationSum::Trials(3),
            exceed_ratio: 0.5,
            width: 0.05,
        }
    }
}

impl DurationSum {
    /// In seconds, of trials that last so long.
    pub fn seconds(self, trial_s: f64) -> f64 {
        match self {
            Self::Trials(trials) => f64::from(trials) * trial_s,
            Self::Time(time) => time.as_secs_f64(),
        }
    }
}
