//! Why something stored cannot be assessed.

use std::path::PathBuf;

use crate::baseline::BaselineError;
use crate::bundle::signature::KeyError;
use crate::export::archive::ArchiveError;
use crate::report::html::HtmlError;
use crate::run::{Arm, ExperimentId, RunId};
use crate::signoff::RulesError;
use crate::store::StoreError;
use crate::summary::FrameError;
use crate::summary::histograms::NotASpectrum;

/// Why something stored cannot be assessed.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// The store failed, or does not have what was asked for.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Samples cannot be summed up.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A page cannot be rendered.
    #[error(transparent)]
    Html(#[from] HtmlError),
    /// A document cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A document cannot be written as JUnit XML.
    #[error("cannot write JUnit XML")]
    JUnit(#[source] std::io::Error),
    /// The rules of a sign-off cannot be used.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// What is kept of a run's times cannot be read.
    #[error(transparent)]
    Histogram(#[from] NotASpectrum),
    /// An archive cannot be written or read.
    #[error("the archive cannot be used: {0}")]
    Archive(#[from] ArchiveError),
    /// A run is not as it was written, or nothing could tell whether it is.
    #[error("the samples of run {run} stay where they are: {why}")]
    NotSealed {
        /// The run.
        run: RunId,
        /// Why.
        why: String,
    },
    /// An experiment lacks an arm.
    #[error("experiment e{experiment} has no run of the {} yet, so there is nothing to compare", arm.word())]
    NoArm {
        /// The experiment.
        experiment: ExperimentId,
        /// The arm that it lacks.
        arm: Arm,
    },
    /// A condition of the load has ended an experiment before it had a run of each arm.
    #[error("INVALID: experiment e{experiment} has no run of the {}: run {run} was aborted: {note}", arm.word())]
    Aborted {
        /// The experiment.
        experiment: ExperimentId,
        /// The arm that it lacks.
        arm: Arm,
        /// The run that was ended.
        run: RunId,
        /// What the condition saw.
        note: String,
    },
    /// There is no report about a profile.
    #[error("the experiment has no treatment `{0}`")]
    NoTreatment(String),
    /// Two runs did different work.
    #[error(
        "these runs did different work: {baseline} against {treatment}\n  hint: compare runs of the same scenario and load, or \
         add --force and read the result with care"
    )]
    DifferentWork {
        /// The run that is compared with, in words.
        baseline: String,
        /// The run that is compared, in words.
        treatment: String,
    },
    /// The store has no run of a scenario.
    #[error("the store has no run of scenario `{given}`; it has: {known}")]
    NoScenario {
        /// A scenario's name or file.
        given: String,
        /// The scenarios that the store has runs of.
        known: String,
    },
    /// Nothing can be saved as a baseline.
    #[error("the {} has no complete run to save", .0.word())]
    NothingToSave(Arm),
    /// Runs of different work or profiles cannot be one baseline.
    #[error("runs {0} and {1} have different workloads or profiles; a baseline needs one of each")]
    MixedBaseline(RunId, RunId),
    /// Nothing may be concluded from a run that is to be a baseline.
    #[error(
        "run {run} is INVALID and cannot be a baseline: {reason}\n  hint: save another run; --allow-invalid saves it \
         marked, and nothing is decided by it"
    )]
    InvalidBaseline {
        /// The run.
        run: RunId,
        /// Why.
        reason: String,
    },
    /// A text that cannot name a baseline.
    #[error("`{0}` is not a valid baseline name: use letters, digits, `-`, `_` and `.`")]
    BaselineName(String),
    /// There is a baseline of this name already.
    #[error("baseline `{0}` exists already; --force replaces it, or choose another name")]
    BaselineExists(String),
    /// There is no baseline of this name.
    #[error("baseline `{name}` was not found in `{}`; `loadproof baseline list` shows what there is", folder.display())]
    NoBaseline {
        /// Its name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A baseline's file cannot be used.
    #[error("cannot use `{}`", path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: BaselineError,
    },
    /// A key cannot be used.
    #[error("cannot {purpose} `{}`: {error}", path.display())]
    Key {
        /// `sign with` or `use`.
        purpose: &'static str,
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A file that the user named cannot be read.
    #[error("cannot read {what}`{}`: {error}", path.display())]
    Unreadable {
        /// What it is, with a space after it: `the rules `, or nothing.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// A folder that is to be made exists.
    #[error("`{}` already exists; --force replaces it", .0.display())]
    FolderExists(PathBuf),
    /// Only a bundle may be replaced by a bundle.
    #[error("`{}` is not a bundle and is not replaced", .0.display())]
    NotReplaced(PathBuf),
    /// A folder is not a bundle.
    #[error("`{}` is not a bundle: {problem}", folder.display())]
    NotABundle {
        /// The folder.
        folder: PathBuf,
        /// Why it is none.
        problem: String,
    },
    /// A bundle lacks a file.
    #[error("the bundle has no `{0}`")]
    NotInBundle(&'static str),
    /// A file is not a report.
    #[error(
        "`{}` is neither a bundle's folder nor a report of a run, an experiment or a comparison (HTML or JSON)",
        .0.display()
    )]
    NotAReport(PathBuf),
    /// Pages of other versions differ in more than their numbers.
    #[error("the page was written by loadproof {0}: verify it with that version, or its JSON with any")]
    OtherVersion(String),
    /// A report was made of runs that an experiment or a comparison no longer consists of.
    #[error("the store now has other runs for it")]
    OtherRuns,
    /// A file or a folder cannot be read, made or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried: `read`, `write`, `replace`, `make the folder`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// No temporary folder can be had.
    #[error("cannot make a temporary folder")]
    TemporaryFolder(#[source] std::io::Error),
    /// Samples cannot be written to where they should go.
    #[error("cannot write the samples")]
    Write(#[source] std::io::Error),
}

impl AssessError {
    /// Whether it was asked for something that does not exist or cannot be done, rather than that something failed.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Store(error) => {
                matches!(
                    error,
                    StoreError::NoRun(_)
                        | StoreError::NoExperiment(_)
                        | StoreError::NoCapacity(_)
                        | StoreError::SamplesPruned { .. }
                        | StoreError::NotPruned(_)
                        | StoreError::OtherArchive { .. }
                )
            }
            Self::NoArm { .. }
            | Self::NotSealed { .. }
            | Self::Archive(_)
            | Self::NoTreatment(_)
            | Self::DifferentWork { .. }
            | Self::NoScenario { .. }
            | Self::NothingToSave(_)
            | Self::MixedBaseline(..)
            | Self::InvalidBaseline { .. }
            | Self::BaselineName(_)
            | Self::BaselineExists(_)
            | Self::NoBaseline { .. }
            | Self::Key { .. }
            | Self::Unreadable { .. }
            | Self::FolderExists(_)
            | Self::NotReplaced(_)
            | Self::NotABundle { .. }
            | Self::NotAReport(_)
            | Self::OtherVersion(_) => true,
            Self::Frame(_)
            | Self::Histogram(_)
            | Self::Html(_)
            | Self::Json(_)
            | Self::JUnit(_)
            | Self::Rules(_)
            | Self::Baseline { .. }
            | Self::NotInBundle(_)
            | Self::OtherRuns
            | Self::Aborted { .. }
            | Self::File { .. }
            | Self::TemporaryFolder(_)
            | Self::Write(_) => false,
        }
    }
}
