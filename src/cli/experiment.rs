//! `loadproof experiment`: both arms in interleaved rounds, then their comparison.

use std::path::Path;

use anyhow::Result;

use super::arguments::Experiment;
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::run::{carry_out, choices, exit_of};
use super::{output, report, world};
use crate::plan::Plan;
use crate::scenario::{ExperimentSpec, MOST_ROUNDS};
use crate::store::Store;

pub(super) fn experiment(command: &Experiment, store: &Path) -> Result<Exit> {
    let scenario = world::scenario(&command.scenario)?;
    let spec = spec(command, scenario.experiment.as_ref())?;
    let choices = choices(&scenario, &spec.load, &command.common)?;
    let plan = Plan::experiment(&scenario, &spec, spec.rounds, &choices)?;
    if command.common.dry_run {
        output::result(&plan.to_string())?;
        return Ok(Exit::Done);
    }
    let id =
        Store::open(store)?.begin_experiment(&scenario.name, spec.rounds, choices.seed, &command_line())?;
    let carried = carry_out(&scenario, &plan, &command.common, store, Some(id))?;
    let reported = report::of_experiment(id, store, command.common.html.as_ref(), command.common.json);
    match exit_of(&carried) {
        // An experiment that was cut short may hold too little to report; that is no failure.
        Exit::Interrupted => Ok(Exit::Interrupted),
        exit => reported.map(|()| exit),
    }
}

/// The scenario's experiment with the flags' values in it.
fn spec(command: &Experiment, of_scenario: Option<&ExperimentSpec>) -> Result<ExperimentSpec> {
    let value = |flag: &Option<String>, own: Option<&String>, name: &str| {
        flag.clone().or_else(|| own.cloned()).ok_or_else(|| {
            UsageError(format!("the scenario has no [experiment]: name the {name} with --{name}"))
        })
    };
    Ok(ExperimentSpec {
        baseline: value(&command.baseline, of_scenario.map(|s| &s.baseline), "baseline")?,
        treatments: vec![value(
            &command.treatment,
            of_scenario.and_then(|s| s.treatments.first()),
            "treatment",
        )?],
        load: value(&command.common.load, of_scenario.map(|s| &s.load), "load")?,
        rounds: command.rounds.or(of_scenario.map(|s| s.rounds)).unwrap_or(MOST_ROUNDS),
        budget: of_scenario.and_then(|s| s.budget),
    })
}
