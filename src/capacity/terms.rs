//! What a search goes by: its goals, and the loads that it may try.

use serde::{Deserialize, Serialize};

use crate::claim::Expression;
use crate::run::LoadUnit;
use crate::stats::mlrsearch::Requirement;

/// What a search goes by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// The goals; never empty. All of them are searched for with the same trials.
    pub goals: Vec<Goal>,
    /// Which loads may be tried.
    pub limits: Limits,
    /// How long a trial's load lasts, s: the final trial duration of every goal.
    pub trial_s: f64,
    /// Two-sided error of each goal's interval.
    pub alpha: f64,
}

/// A search goal: an objective, and what the trials at a load have to show of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// Its name; empty for the only one.
    pub name: String,
    /// Conditions on a run. A trial that misses any of them is one of high loss.
    pub objective: Vec<Expression>,
    /// Goal duration sum, s.
    pub duration_sum_s: f64,
    /// Goal exceed ratio: the share of the trials' time that may miss.
    pub exceed_ratio: f64,
    /// Goal width: the search ends when the upper bound lies within this share above the lower one.
    pub width: f64,
}

/// Which loads may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Where the search begins; above 0.
    pub from: f64,
    /// Nothing above this is tried.
    pub to: f64,
    /// From one load to the next on the way up; above 1.
    pub factor: f64,
    /// What loads are counted in.
    pub unit: LoadUnit,
}

impl Goal {
    /// What it asks of the trials at a load.
    pub fn requirement(&self, trial_s: f64) -> Requirement {
        Requirement {
            final_trial_s: trial_s,
            duration_sum_s: self.duration_sum_s,
            exceed_ratio: self.exceed_ratio,
        }
    }

    /// Its conditions, in words.
    pub fn text(&self) -> String {
        self.objective.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    }
}
