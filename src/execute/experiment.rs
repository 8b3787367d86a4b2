//! Experiments: all arms in interleaved rounds until the claims are decided, or rounds or budget are spent.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::progress::Audience;
use super::rounds::{Rounds, longest, set_by};
use super::session::{Session, SessionOptions};
use super::setting::{ExecuteError, ResumeError};
use crate::assess::{AssessError, experiment as assess, subject};
use crate::plan::{Choices, Plan};
use crate::run::{ExperimentId, Judged, RunState};
use crate::scenario::lasting::Lasting;
use crate::scenario::overrides::LoadOverrides;
use crate::scenario::{ExperimentSpec, Scenario};
use crate::store::{Ending, ExperimentFacts, NewExperiment, Store, StoreError};
use crate::unit;
use crate::verdict::pilot;

pub use super::rounds::StopRules;

/// Which experiment is to be carried out.
#[derive(Clone, Debug)]
pub enum Start {
    /// A new one.
    New(ExperimentSpec),
    /// The rest of one that was cut short: `e3`, or `latest`.
    Resume(String),
}

/// What the command line asks for beyond the scenario.
#[derive(Clone, Debug)]
pub struct ExperimentFlags {
    /// The target's base URL in place of the scenario's and the profiles'.
    pub base_url: Option<String>,
    /// Values in place of the load's own.
    pub load: LoadOverrides,
    /// Random seed; one that is resumed keeps its own.
    pub seed: u64,
    /// Whether one that is resumed is to have no pilot; a new one's is in its specification.
    pub no_pilot: bool,
    /// The command line, for the store.
    pub command: String,
}

/// An experiment, ready to be carried out.
#[derive(Clone, Debug)]
pub struct Experiment {
    scenario: Arc<Scenario>,
    /// As the store is told of it.
    facts: NewExperiment,
    budget: Option<Duration>,
    /// The one that it is the rest of.
    resumed: Option<ExperimentId>,
    plan: Plan,
    /// Why no pilot is made, though runs may be too short for what is claimed.
    no_pilot: Option<&'static str>,
}

impl Experiment {
    /// Plans one.
    ///
    /// # Errors
    /// If the scenario lacks something, a flag changes nothing, or the experiment cannot be resumed.
    pub fn new(
        scenario: &Arc<Scenario>,
        start: Start,
        flags: ExperimentFlags,
        store: &Path,
    ) -> Result<Self, ExecuteError> {
        let (spec, resumed) = match start {
            Start::New(spec) => (spec, None),
            Start::Resume(name) => {
                let facts = unfinished(&name, &Store::open(store)?)?;
                let spec = spec_of(&facts, scenario)?;
                (
                    ExperimentSpec { pilot: if flags.no_pilot { Some(false) } else { spec.pilot }, ..spec },
                    Some(facts),
                )
            }
        };
        let choices = Choices {
            base_url: flags.base_url,
            load_name: spec.load.clone(),
            load: scenario.load(&spec.load)?.with(&flags.load)?,
            seed: resumed.as_ref().map_or(flags.seed, |facts| facts.planned.seed),
        };
        let mut plan = Plan::experiment(scenario, &spec, spec.rounds, &choices)?;
        match resumed.as_ref().and_then(|facts| facts.pilot.as_ref()) {
            Some(pilot) => {
                if let (Some(run_time), Some(facts)) = (set_by(pilot), &resumed) {
                    let stated = choices.load.run_time();
                    let stated = stated.map_or_else(|| took_in_pilot(facts.id, &spec, store), Ok)?;
                    plan.make_last(run_time, stated);
                }
            }
            None if has_pilot(&spec, scenario) => plan = plan.with_pilot(scenario, &spec, &choices)?,
            None => {}
        }
        let is_silent = resumed.is_some() || spec.pilot.is_some() || !may_need_more(&spec, scenario);
        let no_pilot = fixed(&spec, scenario).filter(|_| !is_silent);
        let (resumed, facts) = match resumed {
            Some(facts) => (Some(facts.id), facts.planned),
            None => (None, new_experiment(scenario, &spec, choices.seed, flags.command)),
        };
        Ok(Self { scenario: Arc::clone(scenario), facts, budget: spec.budget, resumed, plan, no_pilot })
    }

    /// Its runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Carries it out, and says why it stopped.
    ///
    /// # Errors
    /// If it cannot begin. What goes wrong later is the second of the pair: the experiment then has a number, and what was
    /// measured is stored.
    pub fn carry_out(
        &self,
        rules: StopRules,
        store: &Path,
        mut options: SessionOptions,
    ) -> Result<(ExperimentId, Result<Ending, ExecuteError>), ExecuteError> {
        let (id, done) = self.begin(store, &mut options.audience)?;
        if let Some(why) = self.no_pilot {
            options.audience.note(&format!(
                "no pilot: runs cannot be made longer, for {why}; `--pilot` tells whether they suffice, and how many rounds claims take"
            ));
        }
        let mut session = Session::new(&self.scenario, store, options, Some(id))?;
        let rules = StopRules { budget: rules.budget.or(self.budget), ..rules };
        let ending = match Rounds::new(id, self.plan.clone(), store, rules, done).carry_out(&mut session) {
            // Between two runs there is nothing to store of one.
            Err(ExecuteError::Interrupted) => Ok(Ending::Interrupted),
            other => other,
        };
        Store::open(store)?.end_experiment(id, Some(*ending.as_ref().unwrap_or(&Ending::Failed)))?;
        Ok((id, ending))
    }

    /// Notes in the store that it begins, or goes on: its number, and which rounds are complete.
    fn begin(
        &self,
        store: &Path,
        audience: &mut Audience,
    ) -> Result<(ExperimentId, BTreeSet<u32>), ExecuteError> {
        let store = Store::open(store)?;
        let Some(id) = self.resumed else {
            return Ok((store.begin_experiment(&self.facts)?, BTreeSet::new()));
        };
        let done = self.rounds_done(id, &store, audience)?;
        store.end_experiment(id, None)?;
        Ok((id, done))
    }

    /// Which rounds are complete, if the same work is asked for now as then.
    fn rounds_done(
        &self,
        id: ExperimentId,
        store: &Store,
        audience: &mut Audience,
    ) -> Result<BTreeSet<u32>, ExecuteError> {
        let runs = match assess::evidence(id, store) {
            Ok(runs) => runs,
            // It was ended before its first run.
            Err(AssessError::Store(StoreError::NoExperiment(_))) => return Ok(BTreeSet::new()),
            Err(error) => return Err(error.into()),
        };
        let now = self.plan.runs.last().map(|r| self.scenario.fingerprint(&r.stated_load, &r.faults));
        if runs.iter().any(|r| Some(&r.start.fingerprint) != now.as_ref()) {
            return Err(ResumeError::OtherWork {
                what: format!("experiment e{id}"),
                command: self.facts.command.clone(),
            }
            .into());
        }
        let is_complete = |round: &u32| {
            self.plan.round(*round).all(|planned| {
                runs.iter().any(|r| {
                    r.start.round == Some(*round)
                        && r.start.profile == planned.profile
                        && r.end.state == RunState::Done
                })
            })
        };
        let done: BTreeSet<u32> = (1..=self.plan.rounds).filter(is_complete).collect();
        let (count, all) = (unit::count(done.len() as u64), self.plan.rounds);
        audience.note(&format!("experiment e{id}: {count} of {all} rounds are done"));
        Ok(done)
    }
}

/// Whether a pilot goes before the rounds: as the scenario or a flag says, or where the number of rounds is open and
/// something that is claimed may need longer runs than stated.
fn has_pilot(spec: &ExperimentSpec, scenario: &Scenario) -> bool {
    spec.pilot.unwrap_or_else(|| may_need_more(spec, scenario) && fixed(spec, scenario).is_none())
}

/// Whether runs may have to be longer than stated for what is claimed, and rounds are still open.
fn may_need_more(spec: &ExperimentSpec, scenario: &Scenario) -> bool {
    !spec.has_fixed_rounds() && pilot::is_useful(&scenario.claims, &spec.load)
}

/// Why no pilot can make the runs of an experiment longer; none if one can.
fn fixed(spec: &ExperimentSpec, scenario: &Scenario) -> Option<&'static str> {
    let load = scenario.loads.get(&spec.load)?;
    match load.lasting(&scenario.faults_under(&spec.load, &spec.baseline)) {
        Lasting::Fixed(why) => Some(why),
        _ => None,
    }
}

/// How long the load took in the pilot of an experiment: in its last whole round, if it was begun again.
fn took_in_pilot(id: ExperimentId, spec: &ExperimentSpec, store: &Path) -> Result<Duration, ExecuteError> {
    let runs = Store::open(store)?.pilot(id)?;
    let done = runs.iter().rev().filter(|run| run.end.state == RunState::Done);
    Ok(longest(done.take(1 + spec.treatments.len())))
}

/// An experiment as the store is told of it.
pub(super) fn new_experiment(
    scenario: &Scenario,
    spec: &ExperimentSpec,
    seed: u64,
    command: String,
) -> NewExperiment {
    NewExperiment {
        scenario: scenario.name.clone(),
        baseline: spec.baseline.clone(),
        treatments: spec.treatments.clone(),
        load: spec.load.clone(),
        rounds: spec.rounds,
        is_exact: spec.is_exact,
        seed,
        command,
    }
}

/// The experiment to go on with.
fn unfinished(name: &str, store: &Store) -> Result<ExperimentFacts, ExecuteError> {
    let id = if name == "latest" {
        store.latest_experiment()?.ok_or(ResumeError::NoExperiment)?
    } else {
        match subject::subject(name, store)? {
            Judged::Experiment(id) => id,
            Judged::Run(_) => return Err(ResumeError::NotAnExperiment(name.to_owned()).into()),
        }
    };
    let facts = store.experiment_facts(id)?;
    if matches!(facts.ended, Some(Ending::Rounds | Ending::Decided)) {
        return Err(ResumeError::Complete(id).into());
    }
    Ok(facts)
}

/// What a stored experiment was to be.
fn spec_of(facts: &ExperimentFacts, scenario: &Scenario) -> Result<ExperimentSpec, ResumeError> {
    let planned = &facts.planned;
    if planned.scenario != scenario.name {
        return Err(ResumeError::OtherScenario {
            what: format!("experiment e{}", facts.id),
            found: planned.scenario.clone(),
            given: scenario.name.clone(),
        });
    }
    Ok(ExperimentSpec {
        baseline: planned.baseline.clone(),
        treatments: planned.treatments.clone(),
        load: planned.load.clone(),
        rounds: planned.rounds,
        is_exact: planned.is_exact,
        pilot: scenario.experiment.as_ref().and_then(|e| e.pilot),
        budget: scenario.experiment.as_ref().and_then(|e| e.budget),
    })
}
