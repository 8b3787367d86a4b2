//! What all runs of a command have in common, and what can go wrong with them.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::load::LoadError;
use crate::run::ExperimentId;
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
    /// Threads that make load.
    pub workers: u16,
    /// The user's own name for the runs.
    pub label: Option<String>,
    /// The deployment that they are made against (`--deployment`), if one was named.
    pub env: Option<String>,
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
    /// The user ended it before there was anything to store.
    #[error("interrupted before the load began")]
    Interrupted,
}

/// Ends when the user wants to end the run; never, if nobody can.
pub(super) async fn interrupted(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|wanted| *wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
