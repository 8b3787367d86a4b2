//! `loadproof capacity`: raises a load until the objective is missed, and narrows down where.

use std::path::Path;

use anyhow::Result;

use super::arguments::Capacity as Command;
use super::choices::{choices, only_or_named};
use super::exit::{Exit, UsageError};
use super::viewers::{Concluded, Viewers};
use super::{output, world};
use crate::assess::capacity::subject;
use crate::capacity::Capacity;
use crate::execute::capacity::CapacitySearch;
use crate::report::capacity::{self, Subject};
use crate::scenario::Scenario;
use crate::scenario::capacity::{CapacitySpec, PRECISION, REPEATS};
use crate::scenario::overrides::LoadOverrides;

pub(super) fn capacity(command: &Command, path: &Path) -> Result<Exit> {
    let common = &command.common;
    let scenario = world::scenario_with(&command.scenario, &command.common.vars.vars)?;
    let spec = spec(command, &scenario)?;
    let profile = only_or_named(command.profile.as_deref(), scenario.profiles.keys(), "profile")?;
    let mut choices = choices(&scenario, &spec.load, common)?;
    if let Some(run_time) = common.overrides.of_load().run_time.or(spec.run_time) {
        choices.load =
            choices.load.with(&LoadOverrides { run_time: Some(run_time), ..LoadOverrides::default() })?;
    }
    let subject = subject(&scenario.name, &profile, &choices, &spec);
    let search = CapacitySearch::new(&scenario, &profile, choices, spec)?;
    if common.dry_run {
        let text = format!("{}then more, while {}", search.plan(), subject.objective.join(" and "));
        output::result(&text)?;
        return Ok(Exit::Done);
    }
    let viewers = Viewers::of(common, path)?;
    let mut options = viewers.session_options(common, search.plan());
    options.label.get_or_insert_with(|| "capacity".to_owned());
    let found = search.carry_out(!command.no_beyond, path, options).map_err(anyhow::Error::from);
    let concluded = found.and_then(|found| {
        let exit = match &found {
            None => Exit::Interrupted,
            Some(found) => {
                write(&subject, found, command, path)?;
                if found.found.is_some() { Exit::Done } else { Exit::Refuted }
            }
        };
        Ok(Concluded { exit, reported: Vec::new() })
    });
    viewers.conclude(concluded)
}

/// The scenario's search with the flags' values in it.
fn spec(command: &Command, scenario: &Scenario) -> Result<CapacitySpec> {
    let own = scenario.capacity.as_ref();
    let objective = match &command.objective[..] {
        [] => own.map(|spec| spec.objective.clone()).unwrap_or_default(),
        given => given.iter().map(|text| scenario.condition(text)).collect::<Result<_, _>>()?,
    };
    if objective.is_empty() {
        let text = "no objective: use --objective 'run.p99 <= 50' (ms), or add [capacity] to the scenario";
        return Err(UsageError(text.to_owned()).into());
    }
    let load = match (&command.common.load, own) {
        (Some(load), _) => load.clone(),
        (None, Some(spec)) => spec.load.clone(),
        (None, None) => only_or_named(None, scenario.loads.keys(), "load")?,
    };
    Ok(CapacitySpec {
        objective,
        load,
        from: command.from.or(own.and_then(|s| s.from)),
        to: command.to.or(own.and_then(|s| s.to)),
        run_time: own.and_then(|s| s.run_time),
        repeats: command.repeats.or(own.map(|s| s.repeats)).unwrap_or(REPEATS) | 1,
        precision: own.map_or(PRECISION, |s| s.precision),
    })
}

fn write(subject: &Subject, result: &Capacity, command: &Command, path: &Path) -> Result<()> {
    let outputs = &command.common.outputs;
    let name = format!("capacity-{}-{}", subject.scenario, subject.profile);
    let page = output::report_path(outputs.html.as_ref(), path, &name);
    if !outputs.json || outputs.html.is_some() {
        output::file(&page, &capacity::html(subject, result)?)?;
    }
    if outputs.json {
        return output::result(&capacity::json(subject, result)?);
    }
    output::result(&format!("{}\n\n  report  {}", capacity::text(subject, result), page.display()))
}
