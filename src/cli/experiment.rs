//! `loadproof experiment`: all arms in interleaved rounds until the claims are decided, or rounds or
//! budget are spent; then their comparison.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::arguments::{Experiment, Outputs};
use super::command_line::command_line;
use super::evidence;
use super::exit::{Exit, UsageError};
use super::onlookers::{Concluded, Onlookers};
use super::report::{self, Reported};
use super::run::{Session, Workshop, choices};
use super::subject::subject;
use super::{output, world};
use crate::plan::{Choices, Plan};
use crate::run::{ExperimentId, Judged, RunState};
use crate::scenario::{ExperimentSpec, MOST_ROUNDS, Scenario};
use crate::store::{Ending, ExperimentFacts, NewExperiment, Store};
use crate::unit;
use crate::verdict::{Verdict, looks};

pub(super) fn experiment(command: &Experiment, path: &Path) -> Result<Exit> {
    // All of them are read before any begins: a mistake in the last should not cost the first.
    let scenarios =
        command.scenarios.iter().map(|file| world::scenario(file)).collect::<Result<Vec<_>, _>>()?;
    if command.resume.is_some() && scenarios.len() > 1 {
        return Err(UsageError("--resume goes on with one experiment: name one scenario".to_owned()).into());
    }
    let onlookers = Onlookers::of(&command.common, path)?;
    let concluded = all(command, &scenarios, path, &onlookers);
    onlookers.conclude(concluded)
}

/// An experiment of each scenario, one after another.
fn all(
    command: &Experiment,
    scenarios: &[Arc<Scenario>],
    path: &Path,
    onlookers: &Onlookers,
) -> Result<Concluded> {
    let mut reported = Vec::new();
    for scenario in scenarios {
        let outputs = command.common.outputs.of_one(scenarios.len(), &scenario.name);
        match one(command, scenario, path, &outputs, onlookers)? {
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
    command: &Experiment,
    scenario: &Arc<Scenario>,
    path: &Path,
    outputs: &Outputs,
    onlookers: &Onlookers,
) -> Result<Ended> {
    let resumed = command.resume.as_deref().map(|name| resumed(name, &Store::open(path)?)).transpose()?;
    let spec = match &resumed {
        Some(facts) => spec_of(facts, scenario)?,
        None => spec(command, scenario.experiment.as_ref())?,
    };
    let mut choices = choices(scenario, &spec.load, &command.common)?;
    if let Some(facts) = &resumed {
        choices.seed = facts.planned.seed;
    }
    let plan = Plan::experiment(scenario, &spec, spec.rounds, &choices)?;
    if command.common.dry_run {
        output::result(&plan.to_string())?;
        return Ok(Ended::Planned);
    }
    let store = Store::open(path)?;
    let done = resumed.as_ref().map_or(Ok(0), |facts| rounds_done(facts, &plan, scenario, &store))?;
    let id = match &resumed {
        Some(facts) => {
            store.end_experiment(facts.id, None)?;
            facts.id
        }
        None => store.begin_experiment(&new_experiment(scenario, &spec, &choices))?,
    };
    drop(store);
    let workshop = Workshop::of(&command.common, path);
    let mut session = Session::new(scenario, workshop, command.common.shown, Some(id), &plan, onlookers)?;
    let rounds = Rounds {
        id,
        onlookers,
        plan: &plan,
        path,
        budget: command.budget.or(spec.budget),
        allow_invalid: outputs.allow_invalid,
    };
    let ending = rounds.carry_out(&mut session, done);
    let mut store = Store::open(path)?;
    store.end_experiment(id, Some(*ending.as_ref().unwrap_or(&Ending::Failed)))?;
    let reported = report::of_experiment(id, &mut store, outputs);
    match ending? {
        // An experiment that was cut short may hold too little to report; that is no failure.
        Ending::Interrupted => {
            anstream::eprintln!(
                "interrupted; go on with: loadproof experiment {} --resume e{id}",
                scenario.file
            );
            Ok(Ended::Interrupted(reported.ok()))
        }
        _ => reported.map(Ended::Reported),
    }
}

/// The rounds of an experiment.
struct Rounds<'a> {
    id: ExperimentId,
    onlookers: &'a Onlookers,
    plan: &'a Plan,
    path: &'a Path,
    budget: Option<Duration>,
    allow_invalid: bool,
}

impl Rounds<'_> {
    /// Carries out the rounds after `done`, and says why it stopped.
    fn carry_out(&self, session: &mut Session, done: u32) -> Result<Ending> {
        let begun = Instant::now();
        let mut longest = Duration::ZERO;
        for round in done + 1..=self.plan.rounds {
            if self.budget.is_some_and(|budget| round > done + 1 && begun.elapsed() + longest > budget) {
                session.note("the budget has no room for another round");
                return Ok(Ending::Budget);
            }
            let round_begun = Instant::now();
            for planned in self.plan.round(round) {
                match session.carry_out(planned)?.state {
                    RunState::Done => {}
                    RunState::Interrupted => return Ok(Ending::Interrupted),
                    _ => return Ok(Ending::Failed),
                }
            }
            longest = longest.max(round_begun.elapsed());
            if self.may_stop(session, round)? {
                return Ok(Ending::Decided);
            }
        }
        Ok(Ending::Rounds)
    }

    /// Looks at the claims where the plan of looks allows it; at every round, whether the arms were
    /// what they should be: more rounds of a switch that does nothing decide nothing.
    fn may_stop(&self, session: &mut Session, round: u32) -> Result<bool> {
        let rounds = usize::try_from(round).unwrap_or(usize::MAX);
        if round == self.plan.rounds {
            return Ok(false);
        }
        let store = Store::open(self.path)?;
        if !evidence::is_held(self.id, round, &store)? {
            session.note("a manipulation check was not held: no further round can help");
            return Ok(true);
        }
        let is_look = looks::may_stop(rounds, self.plan.rounds as usize);
        if !is_look && !self.onlookers.are_there() {
            return Ok(false);
        }
        let judgement = evidence::judge_so_far(self.id, &store, self.allow_invalid)?;
        self.onlookers.tell_claims(&judgement);
        if !is_look || judgement.overall().is_none() {
            return Ok(false);
        }
        let open =
            judgement.claims.iter().filter(|c| c.claim.gates && c.verdict == Verdict::Undecided).count();
        session.note(&format!(
            "look after {round} rounds: {}",
            if open == 0 {
                "every claim is decided".to_owned()
            } else {
                format!("{open} claims are undecided")
            }
        ));
        Ok(open == 0)
    }
}

fn new_experiment(scenario: &Scenario, spec: &ExperimentSpec, choices: &Choices) -> NewExperiment {
    NewExperiment {
        scenario: scenario.name.clone(),
        baseline: spec.baseline.clone(),
        treatments: spec.treatments.clone(),
        load: spec.load.clone(),
        rounds: spec.rounds,
        seed: choices.seed,
        command: command_line(),
    }
}

/// The scenario's experiment with the flags' values in it.
fn spec(command: &Experiment, of_scenario: Option<&ExperimentSpec>) -> Result<ExperimentSpec> {
    let missing =
        |name: &str| UsageError(format!("the scenario has no [experiment]: name the {name} with --{name}"));
    let value = |flag: &Option<String>, own: Option<&String>, name: &str| {
        flag.clone().or_else(|| own.cloned()).ok_or_else(|| missing(name))
    };
    let (baseline, treatments) = match &command.profiles[..] {
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
        budget: of_scenario.and_then(|s| s.budget),
    })
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

/// The experiment to go on with: `e3`, or the newest one.
fn resumed(name: &str, store: &Store) -> Result<ExperimentFacts> {
    let id = if name == "latest" {
        store
            .latest_experiment()?
            .ok_or_else(|| UsageError("the store has no experiment to resume".to_owned()))?
    } else {
        match subject(name, store)? {
            Judged::Experiment(id) => id,
            Judged::Run(_) => {
                return Err(
                    UsageError(format!("`{name}` is not a valid experiment: expected e.g. `e1`")).into()
                );
            }
        }
    };
    let facts = store.experiment_facts(id)?;
    if matches!(facts.ended, Some(Ending::Rounds | Ending::Decided)) {
        let text = format!(
            "experiment e{id} is complete: going on after a look at its result would not be honest; run a new one"
        );
        return Err(UsageError(text).into());
    }
    Ok(facts)
}

fn spec_of(facts: &ExperimentFacts, scenario: &Scenario) -> Result<ExperimentSpec> {
    let planned = &facts.planned;
    if planned.scenario != scenario.name {
        let text = format!(
            "experiment e{} is of scenario `{}`, this is `{}`",
            facts.id, planned.scenario, scenario.name
        );
        return Err(UsageError(text).into());
    }
    Ok(ExperimentSpec {
        baseline: planned.baseline.clone(),
        treatments: planned.treatments.clone(),
        load: planned.load.clone(),
        rounds: planned.rounds,
        budget: scenario.experiment.as_ref().and_then(|e| e.budget),
    })
}

/// How many rounds of an experiment are complete, if the same work is asked for now as then.
fn rounds_done(facts: &ExperimentFacts, plan: &Plan, scenario: &Scenario, store: &Store) -> Result<u32> {
    let runs = match store.experiment(facts.id) {
        Ok(runs) => runs,
        // It was ended before its first run.
        Err(crate::store::StoreError::NoExperiment(_)) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let now = plan.runs.first().map(|r| scenario.fingerprint(&r.load));
    if runs.iter().any(|r| Some(&r.fingerprint) != now.as_ref()) {
        let text = format!(
            "experiment e{} did other work than this scenario and these flags ask for now; run a new one\n  hint: it was begun with: {}",
            facts.id, facts.planned.command
        );
        return Err(UsageError(text).into());
    }
    let is_complete = |round: u32| {
        plan.round(round).all(|planned| {
            runs.iter()
                .any(|r| r.round == Some(round) && r.profile == planned.profile && r.state == RunState::Done)
        })
    };
    let done = (1..=plan.rounds).take_while(|round| is_complete(*round)).count();
    let done = u32::try_from(done).unwrap_or(u32::MAX);
    anstream::eprintln!(
        "experiment e{}: {} of {} rounds are done",
        facts.id,
        unit::count(done.into()),
        plan.rounds
    );
    Ok(done)
}
