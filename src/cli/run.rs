//! `loadproof run`, and what it shares with `experiment`: turning flags into choices, and the
//! session in which runs are carried out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::arguments::{Common, Outputs, Run, Shown};
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::onlookers::{Concluded, Onlookers};
use super::{export, output, progress, report, world};
use crate::execute::{self, Audience, Carried, ExecuteError, Setting};
use crate::plan::{Choices, Plan, PlannedRun};
use crate::run::{ExperimentId, RunState};
use crate::scenario::Scenario;
use crate::store::{Reference, Store};
use crate::system;
use crate::unit;

pub(super) fn run(command: &Run, store: &Path) -> Result<Exit> {
    let scenario = world::scenario(&command.scenario)?;
    let profile = only_or_named(command.profile.as_deref(), scenario.profiles.keys(), "profile")?;
    let load = only_or_named(command.common.load.as_deref(), scenario.loads.keys(), "load")?;
    let choices = choices(&scenario, &load, &command.common)?;
    let plan = Plan::single(&scenario, &profile, &choices)?;
    if command.common.dry_run {
        output::result(&plan.to_string())?;
        return Ok(Exit::Done);
    }
    let onlookers = Onlookers::of(&command.common, store)?;
    let workshop = Workshop::of(&command.common, store);
    let concluded =
        carry_out_single(&scenario, &plan, workshop, command.common.shown, &onlookers).and_then(|carried| {
            if let Some(prefix) = &command.locust.csv {
                let store = Store::open(store)?;
                let facts = store.run(&Reference::Run(carried.run))?;
                export::locust(&store, &facts, prefix, command.locust.csv_full_history)?;
            }
            report_single(&carried, store, &command.common.outputs)
        });
    onlookers.conclude(concluded)
}

/// Carries out the one run of a plan, and reports it.
pub(super) fn single(
    scenario: &Arc<Scenario>,
    plan: &Plan,
    workshop: Workshop,
    shown: Shown,
    outputs: &Outputs,
    onlookers: Onlookers,
) -> Result<Exit> {
    let store = workshop.store.clone();
    let carried = carry_out_single(scenario, plan, workshop, shown, &onlookers);
    onlookers.conclude(carried.and_then(|carried| report_single(&carried, &store, outputs)))
}

fn carry_out_single(
    scenario: &Arc<Scenario>,
    plan: &Plan,
    workshop: Workshop,
    shown: Shown,
    onlookers: &Onlookers,
) -> Result<Carried> {
    let planned = plan.runs.first().context("the plan has no run")?;
    Session::new(scenario, workshop, shown, None, plan, onlookers)?.carry_out(planned)
}

fn report_single(carried: &Carried, store: &Path, outputs: &Outputs) -> Result<Concluded> {
    let reported = vec![report::of_run(carried.run, &mut Store::open(store)?, outputs)?];
    let judged = report::together(&reported, outputs)?;
    let exit = match carried.state {
        RunState::Done => judged,
        RunState::Interrupted => Exit::Interrupted,
        // `abort_when` was seen to be true; other failures are errors by now.
        _ => Exit::Refuted,
    };
    Ok(Concluded { exit, reported })
}

/// What the flags choose, over the scenario's own values.
pub(super) fn choices(scenario: &Scenario, load_name: &str, common: &Common) -> Result<Choices> {
    let load = scenario.load(load_name)?.with(&common.overrides.of_load())?;
    Ok(Choices {
        host: common.overrides.base_url(),
        load_name: load_name.to_owned(),
        load,
        seed: common.overrides.seed.unwrap_or_else(fresh_seed),
    })
}

/// A fresh seed that people can type again.
pub(super) fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library's hasher is seeded by the system: all that is wanted is a fresh number.
    std::collections::hash_map::RandomState::new().build_hasher().finish() % 1_000_000_000
}

/// The name that was given; without one, the only one there is.
pub(super) fn only_or_named<'a>(
    given: Option<&str>,
    mut known: impl Iterator<Item = &'a String> + Clone,
    what: &str,
) -> Result<String> {
    if let Some(name) = given {
        return Ok(name.to_owned());
    }
    let all: Vec<&str> = known.clone().map(String::as_str).collect();
    match (known.next(), all.len()) {
        (Some(only), 1) => Ok(only.clone()),
        _ => Err(UsageError(format!("which {what}? name one with --{what}: {}", all.join(", "))).into()),
    }
}

/// What all runs of a command share: the runtime, the setting, and somebody who watches.
pub(super) struct Session {
    runtime: tokio::runtime::Runtime,
    setting: Setting,
    audience: Audience,
}

/// Where and how the runs of a command are made.
pub(super) struct Workshop {
    /// The store's file; logs go beside it.
    pub(super) store: PathBuf,
    /// The user's own name for the runs.
    pub(super) label: Option<String>,
    /// The deployment's name.
    pub(super) env: Option<String>,
    /// Threads that make load; one per core if none.
    pub(super) workers: Option<u16>,
}

impl Workshop {
    /// As the flags say.
    pub(super) fn of(common: &Common, store: &Path) -> Self {
        Self {
            store: store.to_owned(),
            label: common.label.clone(),
            env: common.deployment.name(),
            workers: common.overrides.workers,
        }
    }
}

impl Session {
    /// Makes ready for the runs of a plan.
    pub(super) fn new(
        scenario: &Arc<Scenario>,
        workshop: Workshop,
        shown: Shown,
        experiment: Option<ExperimentId>,
        plan: &Plan,
        onlookers: &Onlookers,
    ) -> Result<Self> {
        // The load path's and reqwest's TLS use the same provider; a second installation is no harm.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // What a killed process has left patched is put back before anything else.
        let journal = output::folder(&workshop.store).join("patched");
        for file in system::patch::restore_leftovers(&journal).map_err(ExecuteError::from)? {
            anstream::eprintln!("put back `{}`, which an earlier loadproof had left patched", file.display());
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let setting = Setting {
            scenario: Arc::clone(scenario),
            logs: output::folder(&workshop.store).join("logs"),
            journal,
            store: workshop.store,
            workers: workshop.workers.unwrap_or_else(|| u16::try_from(cores).unwrap_or(1)),
            label: workshop.label,
            env: workshop.env,
            experiment,
            command: command_line(),
            interrupt: onlookers.interrupt().receiver(),
        };
        let terminal = progress::of(shown.progress, shown.progress_interval, plan);
        let audience = [Some(terminal), onlookers.narrator(plan.rounds)].into_iter().flatten().collect();
        Ok(Self { runtime, setting, audience: Audience::new(audience) })
    }

    /// Carries out one run.
    pub(super) fn carry_out(&mut self, planned: &PlannedRun) -> Result<Carried> {
        let carried =
            self.runtime.block_on(execute::carry_out(&self.setting, planned, &mut self.audience))?;
        let (run, samples) = (carried.run, unit::count(carried.samples));
        self.note(&format!("run {run} {}: {samples} samples stored", carried.state.word()));
        if !carried.note.is_empty() {
            self.note(&carried.note);
        }
        for text in carried.signals.complaints() {
            self.note(&text);
        }
        Ok(carried)
    }

    /// Tells the user something.
    pub(super) fn note(&mut self, text: &str) {
        self.audience.note(text);
    }
}
