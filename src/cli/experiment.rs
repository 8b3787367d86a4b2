//! `loadproof experiment`: all arms in interleaved rounds until the claims are decided, or rounds or
//! budget are spent; then their comparison.

mod screening;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::arguments::{Experiment as Command, Outputs};
use super::choices::seed;
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::report::{self, Reported};
use super::viewers::{Concluded, Viewers};
use super::{agent, output, world};
use crate::execute::experiment::{Experiment, ExperimentFlags, Start, StopRules};
use crate::run::{ExperimentId, Judged};
use crate::scenario::grid::{Cell, Grid, MOST_CELLS};
use crate::scenario::{ExperimentSpec, MOST_ROUNDS, Scenario};
use crate::store::{Ending, Store};

pub(super) fn experiment(command: &Command, path: &Path) -> Result<Exit> {
    // All of them are read before any begins: a mistake in the last should not cost the first.
    let vars = &command.common.vars.vars;
    let grid = grid(command)?;
    let scenarios = command
        .scenarios
        .iter()
        .map(|file| world::scenario_with_grid(file, vars, &grid))
        .collect::<Result<Vec<_>, _>>()?;
    if command.resume.is_some() && scenarios.len() > 1 {
        return Err(UsageError("--resume continues a single experiment: name one scenario".to_owned()).into());
    }
    let viewers = Viewers::of(&command.common, path)?;
    let concluded = all(command, &scenarios, path, &viewers);
    viewers.conclude(concluded)
}

/// An experiment of each scenario, one after another.
fn all(command: &Command, scenarios: &[Arc<Scenario>], path: &Path, viewers: &Viewers) -> Result<Concluded> {
    let mut reported = Vec::new();
    for scenario in scenarios {
        let outputs = command.common.outputs.of_one(scenarios.len(), &scenario.name);
        match one(command, scenario, path, &outputs, viewers)? {
            Ended::Reported(report) => reported.push(report),
            Ended::Planned => {}
            Ended::Interrupted(report) => {
                reported.extend(report);
                return Ok(Concluded { exit: Exit::Interrupted, reported });
            }
        }
    }
    let exit = report::together(&reported, &command.common.outputs)?;
    Ok(Concluded { exit, reported })
}

/// How an experiment ended.
enum Ended {
    Reported(Reported),
    /// Before it began: only its plan was wanted.
    Planned,
    /// By the user; with a report, if there is enough for one.
    Interrupted(Option<Reported>),
}

/// One scenario's experiment.
fn one(
    command: &Command,
    scenario: &Arc<Scenario>,
    path: &Path,
    outputs: &Outputs,
    viewers: &Viewers,
) -> Result<Ended> {
    let common = &command.common;
    let start = match &command.resume {
        Some(name) => Start::Resume(name.clone()),
        None => {
            let all = spec(command, scenario.experiment.as_ref())?;
            match screening::screened(command, scenario, all, path, viewers)? {
                Some(left) => Start::New(left),
                None => return Ok(Ended::Interrupted(None)),
            }
        }
    };
    let flags = ExperimentFlags {
        base_url: common.overrides.base_url(),
        load: common.overrides.of_load(),
        seed: seed(common),
        no_pilot: command.no_pilot,
        command: command_line(),
    };
    let experiment = Experiment::new(scenario, start, flags, path)?;
    if common.dry_run {
        output::result(&experiment.plan().to_string())?;
        return Ok(Ended::Planned);
    }
    let rules = StopRules { budget: command.budget, allow_invalid: outputs.allow_invalid };
    let mut options = viewers.session_options(common, experiment.plan());
    options.agents = agent::wanted(common, Path::new(&scenario.file), &grid(command)?)?;
    let (id, ending) = experiment.carry_out(rules, path, options)?;
    let mut store = Store::open(path)?;
    let reported = report::of_experiment(id, &mut store, outputs);
    // The report may have been a look, which is sealed, too.
    if let Some(seal) = store.written_seal(Judged::Experiment(id))? {
        viewers.seal(common.shown, format!("seal of e{id}: {seal}"));
    }
    match ending? {
        // An experiment that was cut short may hold too little to report; that is no failure.
        Ending::Interrupted => {
            output::say(&format!("interrupted; {}", continued(command, scenario, id)));
            Ok(Ended::Interrupted(reported.ok()))
        }
        Ending::Invalid => {
            output::say(&format!(
                "ended, since more rounds cannot make its claims valid; {}",
                continued(command, scenario, id)
            ));
            reported.map(Ended::Reported)
        }
        _ => reported.map(Ended::Reported),
    }
}

/// How it is continued.
fn continued(command: &Command, scenario: &Scenario, id: ExperimentId) -> String {
    let mut text = format!("to continue: loadproof experiment {} --resume e{id}", scenario.file);
    if !command.grid.is_empty() {
        let base = command.baseline.iter().map(|base| format!(" --baseline {base}"));
        let axes = command.grid.iter().map(|axis| format!(" --grid {axis}"));
        let scalings = command.scales.iter().map(|claim| format!(" --scales {claim}"));
        text.extend(base.chain(axes).chain(scalings));
    }
    text
}

/// The grid that is wanted; without an axis if none is.
fn grid(command: &Command) -> Result<Grid, UsageError> {
    if command.resume.is_some() && command.grid.is_empty() && command.baseline.is_some() {
        let text = "--resume continues an experiment with its own baseline: leave out --baseline";
        return Err(UsageError(text.to_owned()));
    }
    let grid =
        Grid { base: command.baseline.clone(), axes: command.grid.clone(), scalings: command.scales.clone() };
    let (mut names, size) = (BTreeSet::new(), grid.size());
    if let Some(twice) = grid.axes.iter().find(|axis| !names.insert(&axis.name)) {
        return Err(UsageError(format!("--grid names `{}` twice: give all its values at once", twice.name)));
    }
    if size > MOST_CELLS {
        let text =
            format!("--grid makes {size} combinations, of at most {MOST_CELLS}: leave out some values");
        return Err(UsageError(text));
    }
    Ok(grid)
}

/// The scenario's experiment with the flags' values in it.
fn spec(command: &Command, of_scenario: Option<&ExperimentSpec>) -> Result<ExperimentSpec> {
    let missing =
        |name: &str| UsageError(format!("the scenario has no [experiment]: name the {name} with --{name}"));
    let value = |flag: &Option<String>, own: Option<&String>, name: &str| {
        flag.clone().or_else(|| own.cloned()).ok_or_else(|| missing(name))
    };
    let (baseline, treatments) = match &command.profiles[..] {
        [] if !command.grid.is_empty() => of_cells(grid(command)?.cells()),
        [] => (
            value(&command.baseline, of_scenario.map(|s| &s.baseline), "baseline")?,
            match &command.treatment {
                Some(treatment) => vec![treatment.clone()],
                None => of_scenario.map(|s| s.treatments.clone()).ok_or_else(|| missing("treatment"))?,
            },
        ),
        profiles => of_profiles(profiles, command.baseline.as_deref())?,
    };
    Ok(ExperimentSpec {
        baseline,
        treatments,
        load: value(&command.common.load, of_scenario.map(|s| &s.load), "load")?,
        rounds: command.rounds.or(of_scenario.map(|s| s.rounds)).unwrap_or(MOST_ROUNDS),
        is_exact: command.rounds.is_some(),
        pilot: wants_pilot(command).or(of_scenario.and_then(|s| s.pilot)),
        budget: of_scenario.and_then(|s| s.budget),
    })
}

/// Whether a flag asks for a pilot, or for none.
fn wants_pilot(command: &Command) -> Option<bool> {
    if command.no_pilot { Some(false) } else { command.pilot.then_some(true) }
}

/// The cells of a grid as arms: the combination of all reference levels is the baseline.
fn of_cells(cells: Vec<Cell>) -> (String, Vec<String>) {
    let mut names = cells.into_iter().map(|cell| cell.name);
    (names.next().unwrap_or_default(), names.collect())
}

/// `--profiles a,b,c`: the first is the baseline, unless `--baseline` names another of them.
fn of_profiles(profiles: &[String], baseline: Option<&str>) -> Result<(String, Vec<String>)> {
    let baseline = baseline.unwrap_or(&profiles[0]);
    let others: Vec<String> = profiles.iter().filter(|p| *p != baseline).cloned().collect();
    if others.is_empty() || others.len() + 1 != profiles.len() {
        let text =
            format!("--profiles needs `{baseline}` as the baseline once, and at least one other profile");
        return Err(UsageError(text).into());
    }
    Ok((baseline.to_owned(), others))
}
