//! `loadproof run`, and what it shares with `experiment`: turning flags into choices and carrying
//! out a plan.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::watch;

use super::arguments::{Common, Run};
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::{interrupt, output, progress, report, world};
use crate::execute::{self, Carried, Setting};
use crate::plan::{Choices, Plan};
use crate::run::{ExperimentId, RunState};
use crate::scenario::Scenario;
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
    let carried = carry_out(&scenario, &plan, &command.common, store, None)?;
    let Some(last) = carried.last() else { return Ok(Exit::Internal) };
    report::of_run(last.run, store, command.common.html.as_ref(), command.common.json)?;
    Ok(exit_of(&carried))
}

/// What the flags choose, over the scenario's own values.
pub(super) fn choices(scenario: &Scenario, load_name: &str, common: &Common) -> Result<Choices> {
    let load = scenario.load(load_name)?.with(&common.overrides.of_load())?;
    Ok(Choices {
        host: common.overrides.host.clone(),
        load_name: load_name.to_owned(),
        load,
        // A seed that people can type again.
        seed: common.overrides.seed.unwrap_or_else(|| rand_pcg_seed() % 1_000_000_000),
    })
}

fn rand_pcg_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library's hasher is seeded by the system: all that is wanted is a fresh number.
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// The name that was given; without one, the only one there is.
fn only_or_named<'a>(
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

/// Carries out all runs of a plan, in order; stops at the first one that does not end as planned.
pub(super) fn carry_out(
    scenario: &Arc<Scenario>,
    plan: &Plan,
    common: &Common,
    store: &Path,
    experiment: Option<ExperimentId>,
) -> Result<Vec<Carried>> {
    // The load path's and reqwest's TLS use the same provider; a second installation is no harm.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let setting = setting(scenario, common, store, experiment, interrupt::watch()?);
        let mut progress = progress::of(common.progress, common.progress_interval, plan);
        let mut carried = Vec::new();
        for planned in &plan.runs {
            let one = execute::carry_out(&setting, planned, progress.as_mut()).await?;
            progress.note(&format!(
                "run {} {}: {} samples stored",
                one.run,
                one.state.word(),
                unit::count(one.samples)
            ));
            one.signals.complaints().iter().for_each(|text| progress.note(text));
            let ended_early = one.state != RunState::Done;
            carried.push(one);
            if ended_early {
                break;
            }
        }
        Ok(carried)
    })
}

fn setting(
    scenario: &Arc<Scenario>,
    common: &Common,
    store: &Path,
    experiment: Option<ExperimentId>,
    interrupt: watch::Receiver<bool>,
) -> Setting {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Setting {
        scenario: Arc::clone(scenario),
        store: store.to_owned(),
        logs: output::folder(store).join("logs"),
        workers: common.overrides.workers.unwrap_or_else(|| u16::try_from(cores).unwrap_or(1)),
        label: common.label.clone(),
        experiment,
        command: command_line(),
        interrupt,
    }
}

pub(super) fn exit_of(carried: &[Carried]) -> Exit {
    if carried.iter().any(|c| c.state == RunState::Interrupted) { Exit::Interrupted } else { Exit::Done }
}
