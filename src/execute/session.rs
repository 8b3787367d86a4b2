//! A session: what the runs of one command share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

pub use crate::load::Pacing;

use super::progress::Audience;
use super::setting::{ExecuteError, Setting};
use super::tryout::{self, Tried};
use super::{Carried, carry_out};
use crate::assess::files;
use crate::plan::PlannedRun;
use crate::run::ExperimentId;
use crate::scenario::Scenario;
use crate::system;
use crate::unit;

/// How the runs of a command are made, and who is told of them.
pub struct SessionOptions {
    /// The user's own name for the runs.
    pub label: Option<String>,
    /// Name of the deployment, such as `staging`.
    pub deployment: Option<String>,
    /// Threads that make load; one per core if none.
    pub workers: Option<u16>,
    /// How they wait until something is due.
    pub pacing: Pacing,
    /// The command line, for the store and for repeating it.
    pub command: String,
    /// Becomes true when the user wants to end it.
    pub interrupt: watch::Receiver<bool>,
    /// Whoever is told how things go.
    pub audience: Audience,
}

/// Undoes faults and puts back the files that the runs of this process have changed, because it is about to end at once. `store`: that of the
/// runs. What could not be undone or put back, and what keeps all of them as they are until the end.
pub fn restore_at_once(store: &Path) -> (Vec<system::SystemError>, system::patch::Still) {
    let mut failures = system::fault::undo_own(&undo_of(store));
    let (of_files, still) = system::patch::restore_own(&journal_of(store));
    failures.extend(of_files);
    (failures, still)
}

/// The folder of what undoes the commands of faults.
fn undo_of(store: &Path) -> PathBuf {
    files::folder_of(store).join("undo")
}

/// The folder of the originals of patched files.
fn journal_of(store: &Path) -> PathBuf {
    files::folder_of(store).join("patched")
}

/// Carries out the runs of a command, one after another.
pub struct Session {
    runtime: tokio::runtime::Runtime,
    setting: Setting,
    audience: Audience,
}

/// Has the load's TLS and that of other requests use the same provider; once more is no harm.
pub fn choose_tls_provider() {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
}

impl Session {
    /// Makes ready for runs of a scenario. `store`: its file, in whose folder logs go, too; `experiment`: the one that they
    /// belong to.
    ///
    /// # Errors
    /// If files that an earlier process has left patched cannot be put back, or its faults not be undone, or the system
    /// gives no runtime.
    pub fn new(
        scenario: &Arc<Scenario>,
        store: &Path,
        options: SessionOptions,
        experiment: Option<ExperimentId>,
    ) -> Result<Self, ExecuteError> {
        choose_tls_provider();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ExecuteError::SetUp)?;
        let folder = files::folder_of(store);
        let mut audience = options.audience;
        // What a killed process has left patched is put back before anything else.
        let journal = journal_of(store);
        for file in system::patch::restore_leftovers(&journal)? {
            audience.note(&format!("restored `{}`, which an earlier run had left patched", file.display()));
        }
        let undo = undo_of(store);
        for fault in system::fault::undo_leftovers(&undo)? {
            audience.note(&format!("undid fault `{fault}`, which an earlier run had left"));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let setting = Setting {
            scenario: Arc::clone(scenario),
            logs: folder.join("logs"),
            journal,
            undo,
            store: store.to_owned(),
            workers: options.workers.unwrap_or_else(|| u16::try_from(cores).unwrap_or(1)),
            pacing: options.pacing,
            label: options.label,
            deployment: options.deployment,
            experiment,
            command: options.command,
            interrupt: options.interrupt,
        };
        Ok(Self { runtime, setting, audience })
    }

    /// Carries out one run.
    ///
    /// # Errors
    /// As [`carry_out`].
    pub fn carry_out(&mut self, planned: &PlannedRun) -> Result<Carried, ExecuteError> {
        let carried = self.runtime.block_on(carry_out(&self.setting, planned, &mut self.audience))?;
        let (run, samples) = (carried.run, unit::counted(carried.samples, "sample"));
        self.audience.note(&format!("run {run} {}: {samples} stored", carried.state.word()));
        // That of an experiment covers those of its runs.
        if let Some(seal) = carried.seal.as_ref().filter(|_| self.setting.experiment.is_none()) {
            self.audience.seal(&format!("seal of run {run}: {seal}"));
        }
        if !carried.note.is_empty() {
            self.audience.note(&carried.note);
        }
        for text in carried.signals.complaints() {
            self.audience.note(&text);
        }
        Ok(carried)
    }

    /// Whether the user wants to end it: what was under way may be complete all the same.
    pub(super) fn is_interrupted(&self) -> bool {
        *self.setting.interrupt.borrow()
    }

    /// Tries the journeys of its scenario out, under the profile of a planned run; nothing is stored.
    ///
    /// # Errors
    /// If the system does not come up, or a request cannot be sent by any means.
    pub fn try_out(&mut self, planned: &PlannedRun) -> Result<Vec<Tried>, ExecuteError> {
        self.runtime.block_on(tryout::try_out(&self.setting, planned, &mut self.audience))
    }

    /// Whoever is told how things go.
    pub(super) fn audience(&mut self) -> &mut Audience {
        &mut self.audience
    }
}
