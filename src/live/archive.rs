//! What is asked of the store: runs, and pages about them.

use std::io::Write;

use serde::Serialize;

/// Makes pages of what is stored. It is asked while no run goes on: reading many samples takes a processor, which the
/// load would lack.
pub trait Archive: Send + Sync {
    /// What is in the store, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn entries(&self) -> Result<Vec<Entry>, Problem>;

    /// A page.
    ///
    /// # Errors
    /// If there is no such thing, or it cannot be made.
    fn page(&self, wanted: &Wanted) -> Result<String, Problem>;

    /// Writes the samples of a run (`3`), or of an experiment (`e1`), as CSV.
    ///
    /// # Errors
    /// If there is no such thing, or it cannot be read or written.
    fn samples(&self, of: &str, to: &mut dyn Write) -> Result<(), Problem>;
}

/// A page that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The report of a run (`3`) or an experiment (`e1`).
    Report(String),
    /// Two runs side by side.
    Comparison {
        /// The run that is compared with.
        baseline: String,
        /// The run that is compared.
        treatment: String,
    },
    /// A scenario over releases.
    Trend(String),
}

/// Why something cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// A run goes on.
    #[error(
        "a run is under way: reading the store now would take processor time from its load. It can be had once the run has ended"
    )]
    Busy,
    /// It cannot be made.
    #[error("{0}")]
    Failed(String),
}

/// A run, or an experiment with all of its runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// `3` or `e1`.
    pub name: String,
    /// Start in UTC.
    pub started_at: String,
    /// `supported`, `refuted`, … over all gating claims; empty where nothing was decided.
    pub verdict: String,
    /// What that is called: `met` of a run.
    pub verdict_word: String,
    /// p95 of all requests; empty of an experiment, and where it is not known.
    pub p95: String,
    /// Share of requests that failed, were not answered or were dropped; the same.
    pub errors: String,
    /// How it ended, or `running`.
    pub state: String,
    /// The scenario's name.
    pub scenario: String,
    /// The load's name.
    pub load: String,
    /// Its profiles.
    pub profiles: String,
    /// The user's own name for it; often empty.
    pub label: String,
    /// How many samples it has.
    pub samples: String,
    /// What reports can be had of it: itself, or each treatment of several (`e1:after`).
    pub reports: Vec<String>,
    /// The runs of an experiment; empty for a run.
    pub runs: Vec<Self>,
}

impl Entry {
    /// The runs that it stands for: itself, or those of an experiment.
    pub fn and_runs(&mut self) -> Vec<&mut Self> {
        if self.runs.is_empty() { vec![self] } else { self.runs.iter_mut().collect() }
    }
}
