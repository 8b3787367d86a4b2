//! `loadproof capacity`: raises a load until the objective is missed, and narrows down where.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::arguments::Capacity as Command;
use super::evidence;
use super::exit::{Exit, UsageError};
use super::onlookers::{Concluded, Onlookers};
use super::output;
use super::run::{Session, Workshop, choices, only_or_named};
use super::world;
use crate::capacity::{Capacity, Limits, Search, Try};
use crate::claim::Expression;
use crate::plan::{Choices, Plan};
use crate::report::capacity::{self, Subject};
use crate::run::RunState;
use crate::scenario::Scenario;
use crate::scenario::capacity::{CapacitySpec, PRECISION, REPEATS};
use crate::scenario::load::{Executor, LoadOverrides};
use crate::store::{Reference, Store};
use crate::unit;
use crate::verdict;

/// From one load to the next on the way up.
const FACTOR: f64 = 1.5;
/// Nothing beyond this many times the first load is tried, if nobody says where to end.
const MOST_TIMES: f64 = 1000.0;
/// Loads beyond the capacity that show how the system breaks, as multiples of it.
const BEYOND: [f64; 2] = [1.5, 2.0];

pub(super) fn capacity(command: &Command, path: &Path) -> Result<Exit> {
    let scenario = world::scenario(&command.scenario)?;
    let spec = spec(command, &scenario)?;
    let profile = only_or_named(command.profile.as_deref(), scenario.profiles.keys(), "profile")?;
    let mut choices = choices(&scenario, &spec.load, &command.common)?;
    if let Some(run_time) = command.common.overrides.run_time().or(spec.run_time) {
        choices.load =
            choices.load.with(&LoadOverrides { run_time: Some(run_time), ..LoadOverrides::default() })?;
    }
    let (own, is_whole) = own_load(&choices)?;
    let from = spec.from.unwrap_or(own);
    let limits = Limits {
        from,
        to: spec.to.unwrap_or(from * MOST_TIMES),
        factor: FACTOR,
        precision: spec.precision,
        repeats: spec.repeats,
        is_whole,
    };
    let plan = Plan::single(&scenario, &profile, &at(&choices, from)?)?;
    if command.common.dry_run {
        let first = plan.to_string();
        let objective: Vec<String> = spec.objective.iter().map(ToString::to_string).collect();
        let text = format!("{first}then more, while {}", objective.join(" and "));
        output::result(&text)?;
        return Ok(Exit::Done);
    }
    let onlookers = Onlookers::of(&command.common, path)?;
    let mut workshop = Workshop::of(&command.common, path);
    workshop.label.get_or_insert_with(|| "capacity".to_owned());
    let session = Session::new(&scenario, workshop, command.common.shown, None, &plan, &onlookers)?;
    let mut tries = Tries {
        scenario: &scenario,
        profile: &profile,
        choices: &choices,
        spec: &spec,
        path,
        session,
        made: Vec::new(),
    };
    let concluded = tries.search(limits, !command.no_beyond).and_then(|result| {
        let exit = match &result {
            None => Exit::Interrupted,
            Some(result) => report_found(result, command, &tries, path)?,
        };
        Ok(Concluded { exit, reported: Vec::new() })
    });
    onlookers.conclude(concluded)
}

/// Writes down what was found.
fn report_found(result: &Capacity, command: &Command, tries: &Tries<'_>, path: &Path) -> Result<Exit> {
    let Tries { scenario, profile, choices, spec, .. } = tries;
    let (_, is_whole) = own_load(choices)?;
    let subject = Subject {
        scenario: scenario.name.clone(),
        profile: (*profile).to_owned(),
        objective: spec.objective.iter().map(ToString::to_string).collect(),
        load_text: choices.load.text(),
        load_unit: if is_whole { "users" } else { "per second" },
        run_time_s: choices.load.run_time().map_or(0.0, |t| t.as_secs_f64()),
        precision: spec.precision,
        repeats: spec.repeats,
    };
    write(&subject, result, command, path)?;
    Ok(if result.found.is_some() { Exit::Done } else { Exit::Refuted })
}

/// The runs of a search.
struct Tries<'a> {
    scenario: &'a Arc<Scenario>,
    profile: &'a str,
    choices: &'a Choices,
    spec: &'a CapacitySpec,
    path: &'a Path,
    session: Session,
    made: Vec<Try>,
}

impl Tries<'_> {
    /// Searches, and looks beyond what was found if that is wanted; none if the user ended it.
    fn search(&mut self, limits: Limits, beyond: bool) -> Result<Option<Capacity>> {
        let mut search = Search::new(limits);
        while let Some(load) = search.next_load() {
            let Some(met) = self.make(load)? else { return Ok(None) };
            search.note(load, met);
        }
        if let Some(found) = search.found().filter(|_| beyond) {
            for times in BEYOND {
                let load = if limits.is_whole { (found * times).round() } else { found * times };
                if load <= limits.to && self.make(load)?.is_none() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Capacity::of(search.found(), search.missed(), &self.made)))
    }

    /// Tries a load; whether the objective was met, or none if the user ended it.
    fn make(&mut self, load: f64) -> Result<Option<bool>> {
        let plan = Plan::single(self.scenario, self.profile, &at(self.choices, load)?)?;
        let Some(planned) = plan.runs.first() else { return Ok(None) };
        let carried = self.session.carry_out(planned)?;
        if carried.state != RunState::Done {
            return Ok(None);
        }
        let store = Store::open(self.path)?;
        let run = evidence::measured(&store, store.run(&Reference::Run(carried.run))?)?;
        let made = verdict::objective::tried(&run, load, &self.spec.objective);
        let met = made.broken.is_empty();
        let words = match made.broken.first() {
            None => "met".to_owned(),
            Some(broken) => format!("missed: {} ({})", broken.condition, broken.seen),
        };
        self.session.note(&format!("{}: {words}", unit::plain(load)));
        self.made.push(made);
        Ok(Some(met))
    }
}

/// The choices with another rate, or another number of users.
fn at(choices: &Choices, load: f64) -> Result<Choices> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "users of a load; saturates")]
    let overrides = match choices.load.executor {
        Executor::Closed { .. } => LoadOverrides { users: Some(load as u32), ..LoadOverrides::default() },
        _ => LoadOverrides { rate: Some(load), ..LoadOverrides::default() },
    };
    Ok(Choices { load: choices.load.with(&overrides)?, ..choices.clone() })
}

/// The load's own rate or users, and whether that is a whole number.
fn own_load(choices: &Choices) -> Result<(f64, bool)> {
    match choices.load.executor {
        Executor::Closed { users, .. } => Ok((users.into(), true)),
        Executor::Open { rate, .. } => Ok((rate, false)),
        Executor::Shared { .. } => {
            let text = format!("load `{}` has neither a rate nor lasting users to raise", choices.load_name);
            Err(UsageError(text).into())
        }
    }
}

/// The scenario's search with the flags' values in it.
fn spec(command: &Command, scenario: &Scenario) -> Result<CapacitySpec> {
    let own = scenario.capacity.as_ref();
    let objective: Vec<Expression> = match &command.objective[..] {
        [] => own.map(|spec| spec.objective.clone()).unwrap_or_default(),
        given => given.iter().map(|text| scenario.condition(text)).collect::<Result<_, _>>()?,
    };
    if objective.is_empty() {
        let text = "what has to be kept to? say --objective 'run.p99 <= 50' (ms), or write [capacity] into the scenario";
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

impl super::arguments::Overrides {
    fn run_time(&self) -> Option<Duration> {
        self.of_load().run_time
    }
}
