//! Experiments: all arms in interleaved rounds until the claims are decided, or rounds or budget are spent.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::progress::Audience;
use super::session::{Session, SessionOptions};
use super::setting::{ExecuteError, ResumeError};
use crate::assess::{experiment as assess, subject};
use crate::plan::{Choices, Plan};
use crate::run::{ExperimentId, Judged, MeasuredRun, RunState};
use crate::scenario::load::LoadOverrides;
use crate::scenario::{ExperimentSpec, Scenario};
use crate::store::{Ending, ExperimentFacts, NewExperiment, Store, StoreError};
use crate::unit;
use crate::verdict::{Judgement, Verdict, looks};

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
}

/// When to stop before all rounds are made.
#[derive(Clone, Copy, Debug)]
pub struct StopRules {
    /// No round begins that would end after this time, going by the longest so far; the scenario's own budget if none.
    pub budget: Option<Duration>,
    /// Whether claims are decided in spite of an audit that says `INVALID`.
    pub allow_invalid: bool,
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
                (spec_of(&facts, scenario)?, Some(facts))
            }
        };
        let choices = Choices {
            base_url: flags.base_url,
            load_name: spec.load.clone(),
            load: scenario.load(&spec.load)?.with(&flags.load)?,
            seed: resumed.as_ref().map_or(flags.seed, |facts| facts.planned.seed),
        };
        let plan = Plan::experiment(scenario, &spec, spec.rounds, &choices)?;
        let (resumed, facts) = match resumed {
            Some(facts) => (Some(facts.id), facts.planned),
            None => (None, new_experiment(scenario, &spec, choices.seed, flags.command)),
        };
        Ok(Self { scenario: Arc::clone(scenario), facts, budget: spec.budget, resumed, plan })
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
        let mut session = Session::new(&self.scenario, store, options, Some(id))?;
        let rules = StopRules { budget: rules.budget.or(self.budget), ..rules };
        let rounds = Rounds { id, plan: &self.plan, store, rules };
        let ending = rounds.carry_out(&mut session, done);
        Store::open(store)?.end_experiment(id, Some(*ending.as_ref().unwrap_or(&Ending::Failed)))?;
        Ok((id, ending))
    }

    /// Notes in the store that it begins, or goes on: its number, and how many rounds are complete.
    fn begin(&self, store: &Path, audience: &mut Audience) -> Result<(ExperimentId, u32), ExecuteError> {
        let store = Store::open(store)?;
        let Some(id) = self.resumed else {
            return Ok((store.begin_experiment(&self.facts)?, 0));
        };
        let done = self.rounds_done(id, &store, audience)?;
        store.end_experiment(id, None)?;
        Ok((id, done))
    }

    /// How many rounds are complete, if the same work is asked for now as then.
    fn rounds_done(
        &self,
        id: ExperimentId,
        store: &Store,
        audience: &mut Audience,
    ) -> Result<u32, ExecuteError> {
        let runs = match store.experiment(id) {
            Ok(runs) => runs,
            // It was ended before its first run.
            Err(StoreError::NoExperiment(_)) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let now = self.plan.runs.first().map(|r| self.scenario.fingerprint(&r.load));
        if runs.iter().any(|r| Some(&r.start.fingerprint) != now.as_ref()) {
            return Err(ResumeError::OtherWork { id, command: self.facts.command.clone() }.into());
        }
        let is_complete = |round: u32| {
            self.plan.round(round).all(|planned| {
                runs.iter().any(|r| {
                    r.start.round == Some(round)
                        && r.start.profile == planned.profile
                        && r.end.state == RunState::Done
                })
            })
        };
        let done = (1..=self.plan.rounds).take_while(|round| is_complete(*round)).count();
        let done = u32::try_from(done).unwrap_or(u32::MAX);
        let (count, all) = (unit::count(done.into()), self.plan.rounds);
        audience.note(&format!("experiment e{id}: {count} of {all} rounds are done"));
        Ok(done)
    }
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
            id: facts.id,
            found: planned.scenario.clone(),
            given: scenario.name.clone(),
        });
    }
    Ok(ExperimentSpec {
        baseline: planned.baseline.clone(),
        treatments: planned.treatments.clone(),
        load: planned.load.clone(),
        rounds: planned.rounds,
        budget: scenario.experiment.as_ref().and_then(|e| e.budget),
    })
}

/// The rounds of an experiment.
struct Rounds<'a> {
    id: ExperimentId,
    plan: &'a Plan,
    /// The store's file.
    store: &'a Path,
    rules: StopRules,
}

impl Rounds<'_> {
    /// Carries out the rounds after `done`, and says why it stopped.
    fn carry_out(&self, session: &mut Session, done: u32) -> Result<Ending, ExecuteError> {
        let begun = Instant::now();
        let (mut longest, mut repetitions) = (Duration::ZERO, 0);
        for round in done + 1..=self.plan.rounds {
            let has_room = |budget| round == done + 1 || begun.elapsed() + longest <= budget;
            if !self.rules.budget.is_none_or(has_room) {
                session.audience().note("the budget does not allow another round");
                return Ok(Ending::Budget);
            }
            let runs = loop {
                let round_begun = Instant::now();
                if let Some(ending) = self.one(session, round)? {
                    return Ok(ending);
                }
                longest = longest.max(round_begun.elapsed());
                let runs = assess::round(self.id, round, &Store::open(self.store)?)?;
                let disturbance = assess::disturbance(&runs).filter(|_| !self.rules.allow_invalid);
                let Some(reason) = disturbance else { break runs };
                if repetitions >= self.plan.rounds {
                    session.audience().note(&format!("{reason}; as many rounds were repeated as there are"));
                    break runs;
                }
                repetitions += 1;
                session.audience().note(&format!("{reason}; round {round} is repeated"));
            };
            if round < self.plan.rounds && self.may_stop(session.audience(), round, &runs)? {
                return Ok(Ending::Decided);
            }
        }
        Ok(Ending::Rounds)
    }

    /// Carries out the runs of a round; the experiment's ending if one of them ended it.
    fn one(&self, session: &mut Session, round: u32) -> Result<Option<Ending>, ExecuteError> {
        for planned in self.plan.round(round) {
            match session.carry_out(planned)?.state {
                RunState::Done if session.is_interrupted() => return Ok(Some(Ending::Interrupted)),
                RunState::Done => {}
                RunState::Interrupted => return Ok(Some(Ending::Interrupted)),
                _ => return Ok(Some(Ending::Failed)),
            }
        }
        Ok(None)
    }

    /// Looks at the claims where the plan of looks allows it; at every round, whether the arms were
    /// what they should be: more rounds of a switch that does nothing decide nothing.
    fn may_stop(
        &self,
        audience: &mut Audience,
        round: u32,
        runs: &[Arc<MeasuredRun>],
    ) -> Result<bool, ExecuteError> {
        if !assess::manipulation_checks_hold(runs) {
            audience.note("a manipulation check failed: further rounds cannot help");
            return Ok(true);
        }
        let rounds = usize::try_from(round).unwrap_or(usize::MAX);
        let is_look = looks::may_stop(rounds, self.plan.rounds as usize);
        if !is_look && !audience.want_claims() {
            return Ok(false);
        }
        let judgement = assess::judge_so_far(self.id, &Store::open(self.store)?, self.rules.allow_invalid)?;
        audience.claims(&judgement);
        if !is_look || judgement.overall().is_none() {
            return Ok(false);
        }
        let open = undecided(&judgement);
        let found = match open {
            0 => "every claim is decided".to_owned(),
            open => format!("{open} claims are undecided"),
        };
        audience.note(&format!("look after {round} rounds: {found}"));
        Ok(open == 0)
    }
}

/// How many gating claims are undecided.
fn undecided(judgement: &Judgement) -> usize {
    judgement.claims.iter().filter(|c| c.claim.gates && c.verdict == Verdict::Undecided).count()
}
