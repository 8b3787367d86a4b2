//! Searches for capacity: a load is raised until a goal is missed, narrowed down to where, and confirmed. Of two profiles
//! the trials are interleaved, so that drift of the machine falls on both alike.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::session::{Session, SessionOptions};
use super::setting::ExecuteError;
use super::unfinished::UnfinishedSearch;
use crate::assess::capacity as assess;
use crate::capacity::{
    Broken, Goal, Limits, Planned, Purpose, Search, Searched, Step, Terms, Trial, planned,
};
use crate::plan::{self, Choices, Plan};
use crate::run::{Arm, CapacityEnding, CapacityId, RunState};
use crate::scenario::Scenario;
use crate::scenario::capacity::{CapacitySpec, GoalSpec};
use crate::store::{NewCapacitySearch, Store, TrialRow};
use crate::unit;
use crate::verdict::{TOTAL_ALPHA, capacities};

/// From one load to the next on the way up.
const FACTOR: f64 = 1.5;
/// Nothing beyond this many times the first load is tried, if nobody says where to end.
const MOST_TIMES: f64 = 1000.0;
/// Trials of a profile at one load that are made again because something outside of the system disturbed them; further ones
/// count as misses: a load at which loadproof is always late is its own limit.
const MOST_DISTURBED: usize = 2;
/// Loads beyond the capacity that show how the system breaks, as multiples of it.
const BEYOND: [f64; 2] = [1.5, 2.0];

/// A search, ready to be carried out.
#[derive(Clone, Debug)]
pub struct CapacitySearch {
    scenario: Arc<Scenario>,
    choices: Choices,
    searched: Searched,
    planned: Planned,
    budget: Option<Duration>,
    plan: Plan,
    /// The one that it is the rest of.
    resumed: Option<UnfinishedSearch>,
}

impl CapacitySearch {
    /// Plans one of these profiles (the baseline first where there are two): the load of `choices` is raised.
    ///
    /// # Errors
    /// If the scenario has no such profile, the load has nothing to raise, or cannot be raised so far.
    pub fn new(
        scenario: &Arc<Scenario>,
        profiles: Vec<String>,
        choices: Choices,
        spec: &CapacitySpec,
        deployment: Option<&str>,
    ) -> Result<Self, ExecuteError> {
        let (own, unit) =
            choices.load.level().ok_or_else(|| ExecuteError::NothingToRaise(choices.load_name.clone()))?;
        let trial_s = choices.load.run_time().map_or(0.0, |time| time.as_secs_f64());
        let from = spec.from.unwrap_or(own);
        let claims: Vec<_> = scenario
            .claims
            .iter()
            .filter(|claim| claim.is_about_capacity(&choices.load_name, deployment))
            .cloned()
            .collect();
        let shares = profiles.len().max(1) * capacities::goals_claimed(&claims).max(1);
        let terms = Terms {
            goals: spec.goals.iter().map(|goal| of_spec(goal, trial_s)).collect(),
            limits: Limits { from, to: most(&choices, from, spec.to)?, factor: FACTOR, unit },
            trial_s,
            alpha: TOTAL_ALPHA / shares as f64,
        };
        let planned = planned(&terms);
        let plan = first_runs(scenario, &profiles, &choices, from)?;
        let searched = Searched {
            scenario: scenario.name.clone(),
            profiles,
            load: choices.load_name.clone(),
            load_text: choices.load.text(),
            terms,
            most_trials: planned.most,
            budget_s: spec.budget.map(|budget| budget.as_secs_f64()),
            claims,
        };
        let (scenario, budget) = (Arc::clone(scenario), spec.budget);
        Ok(Self { scenario, choices, searched, planned, budget, plan, resumed: None })
    }

    /// Plans the rest of one that was cut short: it goes by what is stored, and has as much time as `budget` says.
    ///
    /// # Errors
    /// If scenario and choices ask for other work than its trials did.
    pub fn resumed(
        scenario: &Arc<Scenario>,
        unfinished: UnfinishedSearch,
        choices: Choices,
        budget: Option<Duration>,
        store: &Store,
    ) -> Result<Self, ExecuteError> {
        unfinished.check_work(scenario, &choices, store)?;
        let searched = unfinished.searched().clone();
        let choices = Choices { seed: unfinished.seed(), ..choices };
        let planned = planned(&searched.terms);
        let plan = first_runs(scenario, &searched.profiles, &choices, searched.terms.limits.from)?;
        let scenario = Arc::clone(scenario);
        Ok(Self { scenario, choices, searched, planned, budget, plan, resumed: Some(unfinished) })
    }

    /// The first runs; which ones follow depends on what they come to.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What it may take, in a sentence.
    pub fn cost(&self, beyond: bool) -> String {
        let arms = u32::try_from(self.searched.profiles.len()).unwrap_or(1);
        let stored = self.resumed.as_ref().map_or(String::new(), |unfinished| {
            format!("{} trials of {} are stored; in all ", unfinished.trials().len(), unfinished.id())
        });
        let more = if beyond { u32::try_from(BEYOND.len()).unwrap_or(0) } else { 0 };
        let [usual, most] = [self.planned.usual, self.planned.most].map(|trials| (trials + more) * arms);
        let trial_s = self.searched.terms.trial_s;
        let time = |trials: u32| unit::span(f64::from(trials) * trial_s);
        let budget = self.budget.map_or(String::new(), |budget| {
            format!("; no trial begins that would end after {}", unit::span(budget.as_secs_f64()))
        });
        format!(
            "{stored}about {usual} trials of {} ({} of load), at most {most} ({}){budget}",
            unit::span(trial_s),
            time(usual),
            time(most)
        )
    }

    /// Searches, looks `beyond` what was found if that is wanted, and says how it ended.
    ///
    /// # Errors
    /// If it cannot begin. What goes wrong later is the second of the pair: the search then has a number, and what was
    /// measured is stored.
    pub fn carry_out(
        &self,
        beyond: bool,
        store: &Path,
        options: SessionOptions,
    ) -> Result<(CapacityId, Result<CapacityEnding, ExecuteError>), ExecuteError> {
        let new = NewCapacitySearch {
            scenario: self.searched.scenario.clone(),
            profiles: self.searched.profiles.clone(),
            load: self.searched.load.clone(),
            seed: self.choices.seed,
            command: options.command.clone(),
            subject: serde_json::to_string(&self.searched).map_err(crate::assess::AssessError::from)?,
        };
        let session = Session::new(&self.scenario, store, options, None)?;
        let id = match &self.resumed {
            Some(unfinished) => {
                Store::open(store)?.end_capacity(unfinished.id(), None)?;
                unfinished.id()
            }
            None => Store::open(store)?.begin_capacity(&new)?,
        };
        let ending = match Trials::new(self, id, store, session).carry_out(beyond) {
            // Between two runs there is nothing to store of one.
            Err(ExecuteError::Interrupted) => Ok(CapacityEnding::Interrupted),
            other => other,
        };
        Store::open(store)?.end_capacity(id, Some(*ending.as_ref().unwrap_or(&CapacityEnding::Failed)))?;
        Ok((id, ending))
    }
}

/// The first trial of each profile.
fn first_runs(
    scenario: &Scenario,
    profiles: &[String],
    choices: &Choices,
    from: f64,
) -> Result<Plan, ExecuteError> {
    let first = at(choices, from, choices.seed)?;
    let mut plan = Plan { runs: Vec::new(), rounds: 0 };
    for profile in profiles {
        plan.runs.extend(Plan::single(scenario, profile, &first)?.runs);
    }
    Ok(plan)
}

fn of_spec(goal: &GoalSpec, trial_s: f64) -> Goal {
    Goal {
        name: goal.name.clone(),
        objective: goal.objective.clone(),
        duration_sum_s: goal.duration_sum.seconds(trial_s),
        exceed_ratio: goal.exceed_ratio,
        width: goal.width,
    }
}

/// The trials of a search.
struct Trials<'a> {
    search: &'a CapacitySearch,
    id: CapacityId,
    /// The store's file.
    store: &'a Path,
    session: Session,
    arms: Vec<Tried>,
    begun: Instant,
    /// The longest trial so far, with everything around it.
    longest: Duration,
}

/// A profile, and what was tried of it.
struct Tried {
    profile: String,
    /// What it is in a comparison of two.
    arm: Option<Arm>,
    search: Search,
    /// The trials that count, in order of time.
    trials: Vec<Trial>,
    made: u32,
    /// Loads of trials that were made again.
    disturbed: Vec<f64>,
    /// Loads of trials that looked beyond the capacity.
    beyond: Vec<f64>,
}

impl Tried {
    /// Takes a trial of the search's beginning over: what is tried next follows from it as if it had just been made.
    fn replay(&mut self, trial: &TrialRow) {
        self.made += 1;
        if trial.purpose == Purpose::Disturbed.word() {
            return self.disturbed.push(trial.load);
        }
        if trial.purpose == Purpose::Beyond.word() {
            self.beyond.push(trial.load);
        }
        self.search.note(trial.load, trial.missed.iter().map(|goal| !goal.is_empty()).collect());
    }

    /// Whether a trial is to be made again, because of what disturbed it.
    fn is_given_up(&mut self, trial: &Trial) -> bool {
        let before = self.disturbed.iter().filter(|load| **load == trial.load).count();
        let is_given_up = trial.disturbance.is_some() && before < MOST_DISTURBED;
        if is_given_up {
            self.disturbed.push(trial.load);
        }
        is_given_up
    }
}

impl<'a> Trials<'a> {
    fn new(search: &'a CapacitySearch, id: CapacityId, store: &'a Path, session: Session) -> Self {
        let profiles = &search.searched.profiles;
        let role = |place: usize| match (profiles.len(), place) {
            (1, _) => None,
            (_, 0) => Some(Arm::Baseline),
            _ => Some(Arm::Treatment),
        };
        let arm = |(place, profile): (usize, &String)| Tried {
            profile: profile.clone(),
            arm: role(place),
            search: Search::new(search.searched.terms.clone()),
            trials: Vec::new(),
            made: 0,
            disturbed: Vec::new(),
            beyond: Vec::new(),
        };
        let mut arms: Vec<Tried> = profiles.iter().enumerate().map(arm).collect();
        for trial in search.resumed.iter().flat_map(UnfinishedSearch::trials) {
            if let Some(arm) = arms.iter_mut().find(|arm| arm.profile == trial.profile) {
                arm.replay(trial);
            }
        }
        Self { search, id, store, session, arms, begun: Instant::now(), longest: Duration::ZERO }
    }

    /// Works out what the trials of a resumed search came to: those to come are compared with them.
    fn remember(&mut self) -> Result<(), ExecuteError> {
        let search = self.search;
        let counts = |row: &&TrialRow| row.purpose != Purpose::Disturbed.word();
        for row in search.resumed.iter().flat_map(UnfinishedSearch::trials).filter(counts) {
            let Some(arm) = self.arms.iter_mut().find(|arm| arm.profile == row.profile) else { continue };
            let store = Store::open(self.store)?;
            arm.trials.push(assess::tried(row.run, row.load, &search.searched.terms, &arm.trials, &store)?);
        }
        Ok(())
    }

    /// The next trial of each profile that has one, in an order drawn by the seed, until none has.
    fn carry_out(&mut self, beyond: bool) -> Result<CapacityEnding, ExecuteError> {
        self.remember()?;
        let made = self.arms.iter().map(|arm| arm.made as usize).max().unwrap_or(0);
        for order in plan::orders(self.arms.len(), self.search.choices.seed).skip(made) {
            let steps = self.steps(&order);
            if steps.is_empty() {
                break;
            }
            for (arm, step) in steps {
                if self.left(arm) > 0 && !self.make(arm, step)? {
                    return Ok(CapacityEnding::Interrupted);
                }
            }
        }
        let is_over = self.arms.iter().all(|arm| arm.search.next(u32::MAX).is_none());
        if !is_over {
            self.session.audience().note(match self.search.budget {
                Some(_) => "the budget does not allow another trial",
                None => "the search has made as many trials as it may",
            });
            return Ok(CapacityEnding::Budget);
        }
        if beyond && !self.look_beyond()? {
            return Ok(CapacityEnding::Interrupted);
        }
        Ok(CapacityEnding::Found)
    }

    /// What to try next. While one profile is narrowed down the other waits, so that both are confirmed side by side.
    fn steps(&self, order: &[usize]) -> Vec<(usize, Step)> {
        let steps: Vec<(usize, Step)> = order
            .iter()
            .filter_map(|arm| Some((*arm, self.arms[*arm].search.next(self.left(*arm))?)))
            .collect();
        let is_search = |(_, step): &(usize, Step)| step.purpose == Purpose::Search;
        if steps.iter().any(is_search) { steps.into_iter().filter(is_search).collect() } else { steps }
    }

    /// Trials that a profile may still make.
    fn left(&self, arm: usize) -> u32 {
        let by_number = self.search.planned.most.saturating_sub(self.arms[arm].made);
        let arms = u32::try_from(self.arms.len()).unwrap_or(u32::MAX);
        match self.search.budget {
            // The first trial is always made: how long one takes is not known before.
            Some(budget) if !self.longest.is_zero() => {
                let time = budget.saturating_sub(self.begun.elapsed()).as_secs_f64();
                let trials = time / self.longest.as_secs_f64();
                // One trial that still fits is made, whoever's turn it is.
                let share = if trials >= 1.0 { (trials / f64::from(arms)).max(1.0) } else { 0.0 };
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
                let by_time = share as u32;
                by_number.min(by_time)
            }
            _ => by_number,
        }
    }

    /// Looks at loads beyond the highest capacity of each profile; false if the user ended it.
    fn look_beyond(&mut self) -> Result<bool, ExecuteError> {
        let limits = self.search.searched.terms.limits;
        for times in BEYOND {
            for arm in 0..self.arms.len() {
                let goals = 0..self.search.searched.terms.goals.len();
                let bounds = goals.filter_map(|goal| self.arms[arm].search.bounds(goal).lower);
                let Some(found) = bounds.max_by(f64::total_cmp) else { continue };
                let load = if limits.unit.is_whole() { (found * times).round() } else { found * times };
                let step = Step { load, purpose: Purpose::Beyond };
                let fits =
                    self.search.budget.is_none_or(|budget| self.begun.elapsed() + self.longest <= budget);
                let is_made = self.arms[arm].beyond.contains(&load);
                if load <= limits.to && fits && !is_made && !self.make(arm, step)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Makes a trial; false if the user ended it.
    fn make(&mut self, place: usize, step: Step) -> Result<bool, ExecuteError> {
        let CapacitySearch { scenario, choices, searched, .. } = self.search;
        let begun = Instant::now();
        let arm = &mut self.arms[place];
        arm.made += 1;
        // Trials of the same number draw the same in both profiles, and other trials draw anew: the same draws again would
        // confirm nothing.
        let seed = plan::round_seed(choices.seed, arm.made);
        let mut plan = Plan::single(scenario, &arm.profile, &at(choices, step.load, seed)?)?;
        let Some(planned) = plan.runs.first_mut() else { return Ok(false) };
        planned.arm = arm.arm.or(planned.arm);
        let carried = self.session.carry_out(planned)?;
        if carried.state != RunState::Done || self.session.is_interrupted() {
            return Ok(false);
        }
        let store = Store::open(self.store)?;
        let trial = assess::tried(carried.run, step.load, &searched.terms, &arm.trials, &store)?;
        let is_given_up = arm.is_given_up(&trial);
        let purpose = if is_given_up { Purpose::Disturbed } else { step.purpose };
        store.add_trial(self.id, &row(&trial, &arm.profile, purpose))?;
        self.longest = self.longest.max(begun.elapsed());
        let profile = if searched.profiles.len() > 1 { format!("{}: ", arm.profile) } else { String::new() };
        let load = format!("{} {}", unit::plain(step.load), searched.terms.limits.unit.text());
        let came_to = match &trial.disturbance {
            Some(disturbance) if is_given_up => format!("disturbed and repeated ({disturbance})"),
            _ => came_to(&trial, &searched.terms.goals),
        };
        self.session.audience().note(&format!("{profile}{load}: {came_to}"));
        if !is_given_up {
            let arm = &mut self.arms[place];
            arm.search.note(step.load, trial.missed.iter().map(|goal| !goal.is_empty()).collect());
            arm.trials.push(trial);
        }
        Ok(true)
    }
}

fn row(trial: &Trial, profile: &str, purpose: Purpose) -> TrialRow {
    let conditions = |goal: &Vec<Broken>| goal.iter().map(|broken| broken.condition.clone()).collect();
    TrialRow {
        run: trial.run,
        profile: profile.to_owned(),
        load: trial.load,
        purpose: purpose.word().to_owned(),
        missed: trial.missed.iter().map(conditions).collect(),
    }
}

/// Of each goal, whether a trial met it.
fn came_to(trial: &Trial, goals: &[Goal]) -> String {
    let of = |(goal, missed): (&Goal, &Vec<Broken>)| {
        let name = if goal.name.is_empty() { String::new() } else { format!("{}: ", goal.name) };
        match missed.first() {
            None => format!("{name}met"),
            Some(broken) => format!("{name}missed: {} ({})", broken.condition, broken.seen),
        }
    };
    goals.iter().zip(&trial.missed).map(of).collect::<Vec<_>>().join("; ")
}

/// The choices at another level, with another seed.
fn at(choices: &Choices, level: f64, seed: u64) -> Result<Choices, ExecuteError> {
    Ok(Choices { load: choices.load.at_level(level)?, seed, ..choices.clone() })
}

/// The highest level that may be tried: what is asked for, or what one machine can make.
fn most(choices: &Choices, from: f64, wanted: Option<f64>) -> Result<f64, ExecuteError> {
    if let Some(wanted) = wanted {
        choices.load.at_level(wanted)?;
        return Ok(wanted.max(from));
    }
    let mut most = from * MOST_TIMES;
    while most > from && choices.load.at_level(most).is_err() {
        most = (most / 2.0).max(from);
    }
    Ok(most)
}
