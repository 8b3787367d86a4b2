//! The rounds of an experiment: its pilot, its rounds and those that are made again, and the looks that may end it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::pilot::{self, Means};
use super::session::Session;
use super::setting::ExecuteError;
use crate::assess::{experiment as assess, runs};
use crate::plan::{PILOT, Plan};
use crate::run::{ExperimentId, MeasuredRun, PilotResult, RunFacts, RunState};
use crate::scenario::lasting::Lasting;
use crate::store::{Ending, Store};
use crate::verdict::pilot::Stated;
use crate::verdict::{self, Judgement, Repeats, Verdict};

/// When to stop before all rounds are made.
#[derive(Clone, Copy, Debug)]
pub struct StopRules {
    /// No round begins that would end after this time, going by the longest so far; the scenario's own budget if none.
    pub budget: Option<Duration>,
    /// Whether claims are decided in spite of an audit that says `INVALID`.
    pub allow_invalid: bool,
}

/// The rounds of an experiment that is carried out.
pub(super) struct Rounds<'a> {
    pub(super) id: ExperimentId,
    pub(super) plan: Plan,
    /// The store's file.
    pub(super) store: &'a Path,
    pub(super) rules: StopRules,
    /// Rounds that are complete.
    pub(super) done: BTreeSet<u32>,
    clock: Spent,
}

/// What time was spent on.
struct Spent {
    begun: Instant,
    /// The longest round so far.
    longest: Duration,
    /// Whether a round was made, besides the pilot.
    has_round: bool,
}

/// How a round ended.
enum Made {
    /// All of its runs are complete.
    Complete(Vec<Arc<MeasuredRun>>),
    /// A run ended the experiment.
    Ended(Ending),
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        id: ExperimentId,
        plan: Plan,
        store: &'a Path,
        rules: StopRules,
        done: BTreeSet<u32>,
    ) -> Self {
        let clock = Spent { begun: Instant::now(), longest: Duration::ZERO, has_round: false };
        Self { id, plan, store, rules, done, clock }
    }

    /// Carries out the rounds that are not done, and says why it stopped.
    pub(super) fn carry_out(&mut self, session: &mut Session) -> Result<Ending, ExecuteError> {
        self.give_up_disturbed(session)?;
        if self.done.is_empty()
            && let Some(ending) = self.pilot(session)?
        {
            return Ok(ending);
        }
        while let Some(round) = (1..=self.plan.rounds).find(|round| !self.done.contains(round)) {
            if !self.has_room() {
                session.audience().note("the budget does not allow another round");
                return Ok(Ending::Budget);
            }
            let begun = Instant::now();
            let runs = match self.one(session, round)? {
                Made::Complete(runs) => runs,
                Made::Ended(ending) => return Ok(ending),
            };
            self.clock.longest = self.clock.longest.max(begun.elapsed());
            self.clock.has_round = true;
            if self.is_given_up(session, round, &runs)? {
                continue;
            }
            self.done.insert(round);
            if let Some(ending) = self.look(session, &runs)? {
                return Ok(ending);
            }
        }
        Ok(Ending::Rounds)
    }

    /// Whether the budget has room for a round that takes as long as the longest so far; the first has it always.
    fn has_room(&self) -> bool {
        let ends = || self.clock.begun.elapsed() + self.clock.longest;
        self.rules.budget.is_none_or(|budget| !self.clock.has_round || ends() <= budget)
    }

    /// The pilot round, if one is planned: the run time of the others follows from it.
    fn pilot(&mut self, session: &mut Session) -> Result<Option<Ending>, ExecuteError> {
        let Some(first) = self.plan.round(PILOT).next().cloned() else { return Ok(None) };
        let (lasting, load) = (first.load.lasting(&first.faults), first.load);
        session
            .audience()
            .note("pilot: one run of each arm, excluded from the evidence, to see how long runs have to be");
        let begun = Instant::now();
        let runs = match self.one(session, PILOT)? {
            Made::Complete(runs) => runs,
            Made::Ended(ending) => return Ok(Some(ending)),
        };
        let took = begun.elapsed();
        self.clock.longest = took;
        let stated = load.run_time().unwrap_or_else(|| longest(runs.iter().map(|run| &run.facts)));
        let hold = match &lasting {
            Lasting::Hold { name, .. } => name.as_str(),
            _ => "",
        };
        let fixed_s = lasting.fixed_s(stated, load.ramp());
        let seconds = Stated { run_time_s: stated.as_secs_f64(), fixed_s, hold };
        let store = Store::open(self.store)?;
        let means = Means {
            stated,
            lasting: &lasting,
            arms: u32::try_from(runs.len()).unwrap_or(u32::MAX),
            took,
            ledger: &assess::ledger(self.id, &store)?,
            left: self.rules.budget.map(|budget| budget.saturating_sub(self.clock.begun.elapsed())),
        };
        let result = if assess::manipulation_checks_hold(&runs) {
            pilot::result(&verdict::pilot::of(&runs, seconds), &means)
        } else {
            // The first round will say so; until then no time is spent on longer runs.
            PilotResult {
                run_time_us: None,
                text: "A manipulation check failed: runs stay as stated.".to_owned(),
            }
        };
        store.keep_pilot(self.id, &result)?;
        session.audience().note(&format!("pilot: {}", result.text));
        if let Some(run_time) = set_by(&result) {
            self.plan.make_last(run_time, stated);
            self.clock.longest = took + run_time.saturating_sub(stated) * means.arms;
        }
        Ok(None)
    }

    /// Carries out the runs of a round. A run that something from outside has disturbed is said to be invalid at once.
    fn one(&self, session: &mut Session, round: u32) -> Result<Made, ExecuteError> {
        let mut made = Vec::new();
        for planned in self.plan.round(round) {
            let carried = session.carry_out(planned)?;
            match carried.state {
                RunState::Done if session.is_interrupted() => return Ok(Made::Ended(Ending::Interrupted)),
                RunState::Done => {}
                RunState::Interrupted => return Ok(Made::Ended(Ending::Interrupted)),
                _ => return Ok(Made::Ended(Ending::Failed)),
            }
            let run = runs::measured_by_id(&Store::open(self.store)?, carried.run)?;
            if let Some(reason) = assess::disturbance(&run) {
                session.audience().note(&format!("run {} is INVALID: {reason}", carried.run));
            }
            made.push(run);
        }
        Ok(Made::Complete(made))
    }

    /// Of an experiment that is continued, the complete rounds that were disturbed are to be made again, too.
    fn give_up_disturbed(&mut self, session: &mut Session) -> Result<(), ExecuteError> {
        for round in self.done.clone() {
            let runs = assess::round(self.id, round, &Store::open(self.store)?)?;
            if self.is_given_up(session, round, &runs)? {
                self.done.remove(&round);
            }
        }
        Ok(())
    }

    /// Whether a complete round is to be made again, because something outside of the system has disturbed it; then it
    /// is written down as given up. At most as many rounds are made again as there are.
    fn is_given_up(
        &self,
        session: &mut Session,
        round: u32,
        runs: &[Arc<MeasuredRun>],
    ) -> Result<bool, ExecuteError> {
        let disturbed = if self.rules.allow_invalid { Vec::new() } else { assess::disturbed(runs) };
        let Some(first) = disturbed.first() else { return Ok(false) };
        let what = format!("round {round} was disturbed (run {}: {})", first.run, first.reason);
        let mut store = Store::open(self.store)?;
        let before = Repeats(store.repetitions(self.id)?).count();
        if before >= usize::try_from(self.plan.rounds).unwrap_or(usize::MAX) {
            let note = format!("{what}; it is not repeated, since as many were repeated as are planned");
            session.audience().note(&note);
            return Ok(false);
        }
        store.add_repetitions(self.id, &disturbed)?;
        session.audience().note(&format!("{what}; it is repeated"));
        Ok(true)
    }

    /// Looks at the claims where that is planned, and says how the experiment ends if it does; at every round, whether
    /// the arms were what they should be: more rounds of a switch that does nothing decide nothing.
    fn look(&self, session: &mut Session, runs: &[Arc<MeasuredRun>]) -> Result<Option<Ending>, ExecuteError> {
        let audience = session.audience();
        let rounds = self.done.len();
        if rounds >= usize::try_from(self.plan.rounds).unwrap_or(usize::MAX) {
            return Ok(None);
        }
        if !assess::manipulation_checks_hold(runs) {
            audience.note("a manipulation check failed: further rounds cannot help");
            return Ok(Some(Ending::Invalid));
        }
        let store = Store::open(self.store)?;
        let is_planned = assess::ledger(self.id, &store)?.is_planned(rounds);
        // What is shown between two looks could end the experiment, and is not paid for.
        let is_shown = rounds < verdict::LEAST_ROUNDS && audience.want_claims();
        if !is_planned && !is_shown {
            return Ok(None);
        }
        let judgement = assess::judge_so_far(self.id, &store, self.rules.allow_invalid)?;
        audience.claims(&judgement);
        if !is_planned || judgement.overall().is_none() {
            return Ok(None);
        }
        assess::enter_look(self.id, rounds, verdict::Occasion::Planned, &store)?;
        let (found, ending) = match [Verdict::Undecided, Verdict::Invalid]
            .map(|verdict| gating(&judgement, verdict))
        {
            [0, 0] => ("every claim is decided".to_owned(), Some(Ending::Decided)),
            [0, invalid] => {
                (format!("{} invalid, and the others are decided", claims(invalid)), Some(Ending::Invalid))
            }
            [undecided, _] => (format!("{} undecided", claims(undecided)), None),
        };
        audience.note(&format!("look after {rounds} rounds: {found}"));
        Ok(ending)
    }
}

/// The run time that a pilot has set, if it has.
pub(super) fn set_by(pilot: &PilotResult) -> Option<Duration> {
    pilot.run_time_us.and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros)
}

/// How long the load of the longest of these runs took.
pub(super) fn longest<'a>(runs: impl Iterator<Item = &'a RunFacts>) -> Duration {
    Duration::from_secs_f64(runs.map(RunFacts::load_s).fold(0.0, f64::max))
}

/// How many gating claims have a verdict.
fn gating(judgement: &Judgement, verdict: Verdict) -> usize {
    judgement.claims.iter().filter(|c| c.claim.gates && c.verdict == verdict).count()
}

fn claims(count: usize) -> String {
    if count == 1 { "1 claim is".to_owned() } else { format!("{count} claims are") }
}
