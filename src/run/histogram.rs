//! How the times of a run's samples are distributed, as it is stored beside them.

use crate::sample::{Outcome, Phase, Subject};

/// The samples of one endpoint (effect, group) that ended in one way in one phase of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHistogram {
    /// What was called, or awaited.
    pub subject: Subject,
    /// How they ended.
    pub outcome: Outcome,
    /// The part of the run in which they were due.
    pub phase: Phase,
    /// How many they are.
    pub samples: u64,
    /// Their response times, µs, as HdrHistogram's V2 bytes. None where they were never answered: their times have no end.
    pub response: Option<Vec<u8>>,
    /// Their service times, likewise.
    pub service: Option<Vec<u8>>,
}
