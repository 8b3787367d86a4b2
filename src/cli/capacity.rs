//! `loadproof capacity`: raises a load until a goal is missed, narrows down where, and confirms it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::arguments::Capacity as Command;
use super::choices::{choices, only_or_named};
use super::exit::{Exit, UsageError};
use super::viewers::{Concluded, Viewers};
use super::{found, output, world};
use crate::execute::ExecuteError;
use crate::execute::capacity::CapacitySearch;
use crate::execute::unfinished::UnfinishedSearch;
use crate::plan::Choices;
use crate::run::CapacityEnding;
use crate::scenario::Scenario;
use crate::scenario::capacity::{CapacitySpec, DurationSum, GoalSpec};
use crate::scenario::overrides::LoadOverrides;
use crate::store::Store;

pub(super) fn capacity(command: &Command, path: &Path) -> Result<Exit> {
    let common = &command.common;
    let scenario = world::scenario_with(&command.scenario, &common.vars.vars)?;
    let search = match &command.resume {
        Some(name) => resumed(command, &scenario, name, path)?,
        None => {
            let spec = spec(command, &scenario)?;
            let profiles = profiles(command, &scenario)?;
            let choices = raised(command, &scenario, &spec.load, spec.run_time)?;
            let deployment = common.deployment.name();
            CapacitySearch::new(&scenario, profiles, choices, &spec, deployment.as_deref())?
        }
    };
    let beyond = !command.no_beyond;
    if common.dry_run {
        output::result(&format!(
            "{}then more, as their results ask for: {}",
            search.plan(),
            search.cost(beyond)
        ))?;
        return Ok(Exit::Done);
    }
    let viewers = Viewers::of(common, path)?;
    let mut options = viewers.session_options(common, search.plan());
    options.label.get_or_insert_with(|| "capacity".to_owned());
    options.audience.note(&format!("capacity: {}", search.cost(beyond)));
    let concluded = search.carry_out(beyond, path, options).map_err(anyhow::Error::from);
    let concluded = concluded.and_then(|(id, ending)| {
        let store = Store::open(path)?;
        if let Some(seal) = store.capacity_seal(id)?.sha256() {
            viewers.seal(common.shown, format!("seal of {id}: {seal}"));
        }
        let reported = found::report(id, &store, &common.outputs);
        let to_continue = || format!("to continue: loadproof capacity {} --resume {id}", scenario.file);
        let exit = match ending? {
            CapacityEnding::Interrupted => {
                output::say(&format!("interrupted; {}", to_continue()));
                Exit::Interrupted
            }
            CapacityEnding::Budget => {
                output::say(&to_continue());
                reported?
            }
            _ => reported?,
        };
        Ok(Concluded { exit, reported: Vec::new() })
    });
    viewers.conclude(concluded)
}

/// The load of a search with the command line's values, and the run time that the scenario gives its trials.
fn raised(command: &Command, scenario: &Scenario, load: &str, run_time: Option<Duration>) -> Result<Choices> {
    let common = &command.common;
    let mut choices = choices(scenario, load, common)?;
    if common.overrides.of_load().run_time.is_none() && run_time.is_some() {
        let overrides = LoadOverrides { run_time, ..LoadOverrides::default() };
        choices.load = choices.load.with(&overrides)?;
    }
    Ok(choices)
}

/// The rest of a search that was cut short.
fn resumed(command: &Command, scenario: &Arc<Scenario>, name: &str, path: &Path) -> Result<CapacitySearch> {
    for (flag, is_given) in [
        ("--objective", !command.objective.is_empty()),
        ("--from", command.from.is_some()),
        ("--to", command.to.is_some()),
        ("--repeats", command.repeats.is_some()),
        ("--width", command.width.is_some()),
    ] {
        if is_given {
            let text = format!("--resume continues a search with its own goals and limits: leave out {flag}");
            return Err(UsageError(text).into());
        }
    }
    let store = Store::open(path)?;
    let unfinished = UnfinishedSearch::find(name, &store)?;
    let named: Vec<String> = command.profile.iter().chain(&command.profiles).cloned().collect();
    unfinished.expect(command.common.load.as_deref(), &named).map_err(ExecuteError::from)?;
    let own = scenario.capacity.as_ref();
    let choices = raised(command, scenario, unfinished.load(), own.and_then(|spec| spec.run_time))?;
    let budget = command.budget.or(own.and_then(|spec| spec.budget));
    Ok(CapacitySearch::resumed(scenario, unfinished, choices, budget, &store)?)
}

/// The profiles that are searched, the baseline first.
fn profiles(command: &Command, scenario: &Scenario) -> Result<Vec<String>> {
    match &command.profiles[..] {
        [] => Ok(vec![only_or_named(command.profile.as_deref(), scenario.profiles.keys(), "profile")?]),
        [baseline, treatment] if baseline != treatment => Ok(command.profiles.clone()),
        _ => {
            let text = "--profiles needs two profiles, the baseline first: `--profiles before,after`";
            Err(UsageError(text.to_owned()).into())
        }
    }
}

/// The scenario's search with the flags' values in it.
fn spec(command: &Command, scenario: &Scenario) -> Result<CapacitySpec> {
    let own = scenario.capacity.as_ref();
    let mut goals = own.map(|spec| spec.goals.clone()).unwrap_or_default();
    if !command.objective.is_empty() {
        let objective =
            command.objective.iter().map(|text| scenario.condition(text)).collect::<Result<_, _>>()?;
        let like = goals.first().cloned().unwrap_or_else(|| GoalSpec::new(Vec::new()));
        goals = vec![GoalSpec { name: String::new(), objective, ..like }];
    }
    if goals.is_empty() || goals.iter().any(|goal| goal.objective.is_empty()) {
        let text = "no objective: use --objective 'run.p99 <= 50' (ms), or add [capacity] to the scenario";
        return Err(UsageError(text.to_owned()).into());
    }
    for goal in &mut goals {
        goal.duration_sum = command.repeats.map_or(goal.duration_sum, DurationSum::Trials);
        goal.width = command.width.unwrap_or(goal.width);
    }
    let load = match (&command.common.load, own) {
        (Some(load), _) => load.clone(),
        (None, Some(spec)) => spec.load.clone(),
        (None, None) => only_or_named(None, scenario.loads.keys(), "load")?,
    };
    Ok(CapacitySpec {
        goals,
        load,
        from: command.from.or(own.and_then(|s| s.from)),
        to: command.to.or(own.and_then(|s| s.to)),
        run_time: own.and_then(|s| s.run_time),
        budget: command.budget.or(own.and_then(|s| s.budget)),
    })
}
