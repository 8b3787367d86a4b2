//! The hooks around a run.

use super::setting::Setting;
use crate::load::Clock;
use crate::plan::PlannedRun;
use crate::redact;
use crate::run::HookFacts;
use crate::scenario::hook::{Hook, Moment};
use crate::scenario::profile::Profile;
use crate::system::hook::{self, Around, HookRun};
use crate::system::{Pids, SystemError};

/// The hooks of a run, and what they are told.
pub(super) struct Hooks {
    pub(super) hooks: Vec<Hook>,
    pub(super) around: Around,
}

impl Hooks {
    pub(super) fn new(setting: &Setting, planned: &PlannedRun, profile: &Profile) -> Self {
        let hooks = setting.scenario.hooks.iter().chain(&profile.hooks).cloned().collect();
        let around = Around {
            profile: planned.profile.clone(),
            base_url: planned.base_url.clone(),
            logs: setting.logs.clone(),
            pids: Pids::default(),
        };
        Self { hooks, around }
    }

    /// Runs those of a moment before or after the load.
    pub(super) async fn run(&self, moment: Moment, runs: &mut Vec<HookRun>) -> Result<(), SystemError> {
        hook::run_all(&self.hooks, moment, &self.around, runs).await
    }
}

/// A hook as it is stored, on the run's clock.
pub(super) fn facts(run: &HookRun, clock: &Clock) -> HookFacts {
    HookFacts {
        name: run.name.clone(),
        moment: run.moment.word().to_owned(),
        command: redact::command(&run.command),
        start_us: clock.us(run.start),
        end_us: clock.us(run.end),
        exit_code: run.exit_code,
        note: run.note.clone(),
    }
}
