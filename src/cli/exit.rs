//! Exit codes, by cause; `README.md` lists them.

use std::process::ExitCode;

use crate::assess::AssessError;
use crate::execute::ExecuteError;
use crate::import::ImportError;
use crate::scenario::ScenarioError;
use crate::scenario::overrides::OverrideError;
use crate::signoff::RulesError;
use crate::store::StoreError;
use crate::verdict::Verdict;

/// Exit codes of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything was done, and every claim that gates is supported, met or indicated.
    Done = 0,
    /// A fault of loadproof itself.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A recomputed number or a checksum differs from the one that was written.
    NotVerified = 96,
    /// No claim is refuted, and at least one that gates is undecided.
    Undecided = 97,
    /// The runs cannot be trusted, with or without claims.
    Invalid = 98,
    /// A claim that gates is refuted, an objective is missed, most requests of a run failed, or `abort_when` was seen (k6's code for a crossed threshold).
    Refuted = 99,
    /// The system under test did not come up, or went down.
    SystemNotReady = 100,
    /// The scenario or its configuration is wrong, or a file to import cannot be read.
    BadScenario = 104,
    /// The user ended it; what was measured is stored.
    Interrupted = 105,
    /// The store cannot be opened, read or written.
    Store = 106,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A mistake on the command line that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

impl Exit {
    /// The code for the verdict over all gating claims.
    pub fn of_verdict(verdict: Option<Verdict>) -> Self {
        match verdict {
            None | Some(Verdict::Supported) => Self::Done,
            Some(Verdict::Undecided) => Self::Undecided,
            Some(Verdict::Invalid) => Self::Invalid,
            Some(Verdict::Refuted) => Self::Refuted,
        }
    }

    /// The code for an error, by its cause.
    pub fn of(error: &anyhow::Error) -> Self {
        if error.is::<UsageError>() || error.is::<OverrideError>() {
            return Self::Usage;
        }
        if error.is::<ScenarioError>() || error.is::<RulesError>() {
            return Self::BadScenario;
        }
        match error.downcast_ref::<ImportError>() {
            Some(ImportError::Store(error)) => return Self::of_store(error),
            Some(_) => return Self::BadScenario,
            None => {}
        }
        if let Some(error) = error.downcast_ref::<StoreError>() {
            return Self::of_store(error);
        }
        if let Some(error) = error.downcast_ref::<AssessError>() {
            return Self::of_assessment(error);
        }
        match error.downcast_ref::<ExecuteError>() {
            Some(ExecuteError::System(_)) => Self::SystemNotReady,
            Some(ExecuteError::Load(error)) if error.is_configuration() => Self::BadScenario,
            Some(ExecuteError::Scenario(_) | ExecuteError::Signal(_)) => Self::BadScenario,
            Some(ExecuteError::Store(error)) => Self::of_store(error),
            Some(ExecuteError::Assess(error)) => Self::of_assessment(error),
            Some(ExecuteError::Agents(error)) if error.is_mistake() => Self::Usage,
            Some(
                ExecuteError::Override(_)
                | ExecuteError::NothingToRaise(_)
                | ExecuteError::Resume(_)
                | ExecuteError::Collect(_),
            ) => Self::Usage,
            Some(ExecuteError::Interrupted) => Self::Interrupted,
            Some(
                ExecuteError::Agents(_)
                | ExecuteError::Load(_)
                | ExecuteError::SetUp(_)
                | ExecuteError::SelfTestScenario,
            )
            | None => Self::Internal,
        }
    }

    fn of_assessment(error: &AssessError) -> Self {
        match error {
            AssessError::Store(error) => Self::of_store(error),
            AssessError::Rules(_) => Self::BadScenario,
            AssessError::Aborted { .. } => Self::Invalid,
            error if error.is_mistake() => Self::Usage,
            _ => Self::Internal,
        }
    }

    fn of_store(error: &StoreError) -> Self {
        match error {
            // The store is fine; it was asked for something that is not in it.
            StoreError::NoRun(_)
            | StoreError::SamplesPruned { .. }
            | StoreError::NotPruned(_)
            | StoreError::OtherArchive { .. }
            | StoreError::Missing(_)
            | StoreError::NoExperiment(_)
            | StoreError::NoCapacity(_)
            | StoreError::Question(_)
            | StoreError::NotReading => Self::Usage,
            _ => Self::Store,
        }
    }
}
