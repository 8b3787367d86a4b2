//! What all runs of a command have in common, and what can go wrong with them.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::agents::{AgentsError, Fleet};
use crate::assess::AssessError;
use crate::load::{LoadError, Pacing};
use crate::run::{CapacityId, ExperimentId, RunId};
use crate::scenario::overrides::OverrideError;
use crate::scenario::{Scenario, ScenarioError};
use crate::signals::SignalError;
use crate::store::StoreError;
use crate::system::SystemError;

/// What all runs of a command have in common.
#[derive(Clone)]
pub struct Setting {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The store's file.
    pub store: PathBuf,
    /// Folder of the services' log files.
    pub logs: PathBuf,
    /// Folder of the originals of patched files.
    pub journal: PathBuf,
    /// Folder of what undoes faults.
    pub undo: PathBuf,
    /// Threads that make load.
    pub workers: u16,
    /// How they wait until something is due.
    pub pacing: Pacing,
    /// The agents that make load in place of this machine; none if it does.
    pub fleet: Option<Arc<Fleet>>,
    /// The user's own name for the runs.
    pub label: Option<String>,
    /// The deployment that they are made against (`--deployment`), if one was named.
    pub deployment: Option<String>,
    /// The experiment that the runs belong to.
    pub experiment: Option<ExperimentId>,
    /// The command line, for the store and for repeating it.
    pub command: String,
    /// Becomes true when the user wants to end it.
    pub interrupt: watch::Receiver<bool>,
}

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The system under test did not come up, or went down.
    #[error(transparent)]
    System(#[from] SystemError),
    /// No load could be made.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signal's source cannot be read by any means.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The scenario lacks something.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A flag changes nothing of the load.
    #[error(transparent)]
    Override(#[from] OverrideError),
    /// What was stored cannot be judged.
    #[error(transparent)]
    Assess(#[from] AssessError),
    /// Agents cannot make the load.
    #[error(transparent)]
    Agents(#[from] AgentsError),
    /// Nothing can be collected from agents.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// An experiment, or a search for capacity, cannot be continued.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// A load cannot be raised.
    #[error(
        "load `{0}` has no level to raise: its journeys are fixed in number or recorded\n  hint: name a load with `rate`, `users` or stages of them"
    )]
    NothingToRaise(String),
    /// The selftest's scenario describes no experiment.
    #[error("the scenario of the selftest has no [experiment]")]
    SelfTestScenario,
    /// The system gives no runtime, or no port.
    #[error("cannot set up the run")]
    SetUp(#[source] std::io::Error),
    /// The user ended it before there was anything to store.
    #[error("interrupted: nothing was measured")]
    Interrupted,
}

impl Setting {
    /// Threads that make load, over all machines that do.
    pub(super) fn load_workers(&self) -> u16 {
        self.fleet.as_ref().map_or(self.workers, |fleet| fleet.workers())
    }
}

/// Why nothing can be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The run was made by one machine.
    #[error("run {0} was made without agents: there is nothing to collect")]
    WithoutAgents(RunId),
    /// Its process is alive.
    #[error("run {0} is still under way; its own process collects what agents make")]
    UnderWay(RunId),
    /// Nothing can be added to it any more.
    #[error(
        "run {0} has ended and is sealed: nothing is added to it\n  hint: remove the spools of agents that were lost by hand"
    )]
    Sealed(RunId),
}

/// Why an experiment, or a search for capacity, cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The store has no experiment.
    #[error("the store has no experiment to resume")]
    NoExperiment,
    /// It is a run that was named.
    #[error("`{0}` is not a valid experiment: expected e.g. `e1`")]
    NotAnExperiment(String),
    /// It was carried out to its end.
    #[error(
        "experiment e{0} is complete: continuing after its last look would exceed the error; run a new one"
    )]
    Complete(ExperimentId),
    /// It is of another scenario.
    #[error("{what} is of scenario `{found}`, this is `{given}`")]
    OtherScenario {
        /// The experiment or search: `experiment e3`.
        what: String,
        /// Its scenario.
        found: String,
        /// The scenario that was given.
        given: String,
    },
    /// Its runs did other work than this scenario and these flags ask for.
    #[error(
        "{what} had a different workload than this scenario and these flags; run a new one\n  hint: it was started with: {command}"
    )]
    OtherWork {
        /// The experiment or search: `experiment e3`.
        what: String,
        /// The command that began it.
        command: String,
    },
    /// The store has no search for capacity.
    #[error("the store has no capacity search to resume")]
    NoSearch,
    /// Something else was named.
    #[error("`{0}` is not a valid capacity search: expected e.g. `c1`")]
    NotASearch(String),
    /// It has nothing left to try.
    #[error("capacity search {0} is complete; run a new one")]
    Found(CapacityId),
    /// It has other profiles or another load than the flags name.
    #[error("capacity search {id} has the {what} `{found}`: leave out the flag that names `{given}`")]
    OtherSearch {
        /// The search.
        id: CapacityId,
        /// `load` or `profiles`.
        what: &'static str,
        /// What it has.
        found: String,
        /// What was given.
        given: String,
    },
    /// Its trials would count, and were changed.
    #[error("capacity search {id} was changed after it was stored: {changed}")]
    Changed {
        /// The search.
        id: CapacityId,
        /// What was changed.
        changed: String,
    },
}

/// Ends when the user wants to end the run; never, if nobody can.
pub(super) async fn interrupted(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|wanted| *wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
