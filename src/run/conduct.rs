//! How an experiment was carried out, beyond its rounds: what was repeated, and what its pilot came to.

use serde::Serialize;

use super::RunId;

/// A run for whose sake its round was made again: something outside of the system disturbed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repetition {
    /// The round, from 1.
    pub round: u32,
    /// The last run of the attempt that was given up: the round's runs up to it are no evidence.
    pub last_run: RunId,
    /// The run that was disturbed.
    pub run: RunId,
    /// Its profile.
    pub profile: String,
    /// By what: a check of the audit with what it saw.
    pub reason: String,
}

/// What a pilot round came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PilotResult {
    /// How long the runs after it last, µs; none for as long as stated.
    pub run_time_us: Option<i64>,
    /// What follows from it, in sentences.
    pub text: String,
}
