//! Reports: what was measured, for people and for machines.
//!
//! A comparison (numbers) becomes a model (every number a formatted text, in reading order); text
//! and HTML render the model, so they cannot disagree. JSON carries the numbers unrounded. Nothing
//! is computed here that `stats` should compute.

pub mod capacity;
pub mod chart;
pub mod html;
pub mod json;
pub mod junit;
pub mod kept;
pub mod markdown;
pub mod model;
pub mod signoff;
pub mod text;
pub mod totals;
pub mod trend;

use serde::{Deserialize, Serialize};

use crate::claim::Claim;
use crate::run::{ExperimentId, RunId};
use crate::verdict::floor::Floor;

/// What a report says of itself. Together with the store it is enough to write the same report again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// What it is of.
    pub of: Of,
    /// Whether claims were decided even of runs that the audit calls invalid.
    pub allow_invalid: bool,
    /// Whether a run in which most requests fail was no failure by itself.
    #[serde(default)]
    pub allow_failures: bool,
    /// The claims that it judges by, where they are not those that the runs were made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<LateClaims>,
    /// When it was written, for people.
    pub generated_at: String,
    /// Version of loadproof.
    pub tool_version: String,
    /// The store's file.
    pub store: String,
    /// The command that wrote it.
    pub command: String,
    /// What the instrument's last selftest on this machine found; none without one.
    pub qualification: Option<String>,
    /// What it found the generator to add to every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
}

/// Claims that stored runs are judged by, though they were not made with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LateClaims {
    /// The scenario file that they are of.
    pub file: String,
    /// The claims.
    pub claims: Vec<Claim>,
}

/// What a report is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Of {
    /// A run.
    Run {
        /// Its number.
        run: RunId,
    },
    /// The arms of an experiment.
    Experiment {
        /// Its number.
        experiment: ExperimentId,
        /// The treatment's profile.
        treatment: String,
    },
    /// Two runs side by side.
    Runs {
        /// The baseline's number.
        baseline: RunId,
        /// The treatment's number.
        treatment: RunId,
    },
    /// Runs beside a saved baseline.
    Saved {
        /// The baseline's name.
        baseline: String,
        /// The runs.
        runs: Vec<RunId>,
        /// Their profile.
        treatment: String,
    },
}
