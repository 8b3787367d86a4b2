//! `loadproof run`, and what single runs of other commands share with it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

use super::arguments::{Outputs, Run, SummaryForm};
use super::choices::{choices, only_or_named};
use super::exit::Exit;
use super::viewers::{Concluded, Viewers};
use super::{export, output, report, world};
use crate::execute::Carried;
use crate::execute::session::{Session, SessionOptions};
use crate::plan::Plan;
use crate::run::RunState;
use crate::scenario::Scenario;
use crate::store::{Reference, Store};
use crate::unit;

/// Samples of an interrupted run that are reported at once: who presses Ctrl-C wants the program to end within a second, and
/// has the report of more when it is asked for.
const AT_ONCE: u64 = 50_000;

pub(super) fn run(command: &Run, store: &Path) -> Result<Exit> {
    let scenario = world::scenario_with(&command.scenario, &command.common.vars.vars)?;
    let profile = only_or_named(command.profile.as_deref(), scenario.profiles.keys(), "profile")?;
    let load = only_or_named(command.common.load.as_deref(), scenario.loads.keys(), "load")?;
    let choices = choices(&scenario, &load, &command.common)?;
    let plan = Plan::single(&scenario, &profile, &choices)?;
    if command.common.dry_run {
        output::result(&plan.to_string())?;
        return Ok(Exit::Done);
    }
    let viewers = Viewers::of(&command.common, store)?;
    let options = viewers.session_options(&command.common, &plan);
    let carried = carry_out_single(&scenario, &plan, store, options);
    let concluded = carried.and_then(|carried| {
        if let Some(prefix) = &command.locust.csv {
            let store = Store::open(store)?;
            let facts = store.run(&Reference::Run(carried.run))?;
            export::locust(&store, &facts, prefix, command.locust.csv_full_history)?;
        }
        let concluded = report_single(&carried, store, &command.common.outputs)?;
        print_summary(command.summary, &concluded)?;
        Ok(concluded)
    });
    viewers.conclude(concluded)
}

/// A run in a few lines, after its report.
fn print_summary(form: Option<SummaryForm>, concluded: &Concluded) -> Result<()> {
    let Some(totals) = concluded.reported.first().and_then(|reported| reported.totals.as_ref()) else {
        return Ok(());
    };
    match form {
        None => Ok(()),
        Some(SummaryForm::Block) => output::result(&format!("\n{}", totals.block())),
        Some(SummaryForm::Json) => output::result(&totals.json()?),
    }
}

/// Carries out the one run of a plan, and reports it.
pub(super) fn single(
    scenario: &Arc<Scenario>,
    plan: &Plan,
    store: &Path,
    options: SessionOptions,
    outputs: &Outputs,
    viewers: Viewers,
) -> Result<Exit> {
    let carried = carry_out_single(scenario, plan, store, options);
    viewers.conclude(carried.and_then(|carried| report_single(&carried, store, outputs)))
}

fn carry_out_single(
    scenario: &Arc<Scenario>,
    plan: &Plan,
    store: &Path,
    options: SessionOptions,
) -> Result<Carried> {
    let planned = plan.runs.first().context("the plan has no run")?;
    Ok(Session::new(scenario, store, options, None)?.carry_out(planned)?)
}

fn report_single(carried: &Carried, store: &Path, outputs: &Outputs) -> Result<Concluded> {
    if carried.state == RunState::Interrupted && carried.samples > AT_ONCE && !outputs.ask_for_files() {
        let run = carried.run;
        output::result(&format!(
            "run {run}: ended by the user; its {} {} stored\nnext: loadproof report {run}",
            unit::counted(carried.samples, "sample"),
            if carried.samples == 1 { "is" } else { "are" }
        ))?;
        return Ok(Concluded { exit: Exit::Interrupted, reported: Vec::new() });
    }
    let reported = vec![report::of_run(carried.run, &mut Store::open(store)?, outputs)?];
    let judged = report::together(&reported, outputs)?;
    let exit = match carried.state {
        RunState::Done if carried.was_interrupted => Exit::Interrupted,
        RunState::Done => judged,
        RunState::Interrupted => Exit::Interrupted,
        // `abort_when` was seen to be true; other failures are errors by now.
        _ => Exit::Refuted,
    };
    Ok(Concluded { exit, reported })
}
