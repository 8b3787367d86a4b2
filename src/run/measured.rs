//! A run with everything that was measured in it: what judgement and reports start from.

use super::imported::Lack;
use super::{FailureReason, RunFacts, Seal, SlowSample};
use crate::reading::SignalColumn;
use crate::sample::{Phase, SampleColumns, Subject};

/// How often a check that decides nothing has passed, at one endpoint in one phase of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoftCheckCount {
    /// The check's name.
    pub name: String,
    /// What was called.
    pub subject: Subject,
    /// When that was due.
    pub phase: Phase,
    /// Answers that passed.
    pub passed: u64,
    /// Answers that did not, and requests that were not answered.
    pub failed: u64,
}

/// A run with everything that was measured in it.
#[derive(Clone, Debug)]
pub struct MeasuredRun {
    /// What it was.
    pub facts: RunFacts,
    /// Its samples.
    pub samples: SampleColumns,
    /// Its signals.
    pub signals: Vec<SignalColumn>,
    /// Why samples did not end well.
    pub reasons: Vec<FailureReason>,
    /// How often checks that decide nothing have passed.
    pub soft_checks: Vec<SoftCheckCount>,
    /// Its slowest requests, the slowest first.
    pub slowest: Vec<SlowSample>,
    /// SHA-256, in hex, of everything that was measured in it; empty where nobody asked for it, or the run stands in no store.
    pub checksum: String,
    /// Whether that is what was written.
    pub seal: Seal,
}

impl MeasuredRun {
    /// Whether it is known which sample came before which: of imports it may not be.
    pub fn is_ordered(&self) -> bool {
        self.facts.imported().is_none_or(|imported| !imported.lacks(Lack::Order))
    }
}
