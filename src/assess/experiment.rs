//! The evidence of an experiment, complete or under way: which of its runs count, what its looks have spent, and what was
//! made again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::ReportContext;
use super::error::AssessError;
use super::{qualification, runs};
use crate::run::{ExperimentId, MeasuredRun, Repetition, RunFacts, RunState, Seal};
use crate::store::{Ending, ExperimentFacts, LookRow, Store};
use crate::summary::grid;
use crate::verdict::audit;
use crate::verdict::floor::Floor;
use crate::verdict::lateness;
use crate::verdict::{self, Conduct, Judgement, Ledger, Look, Occasion, Options, Repeats};

/// The runs of an experiment that are evidence, in order of time: without its pilot and without attempts at rounds that
/// were given up. Of a round that was begun twice (a resumed experiment) the newest complete run of each arm counts.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn evidence(id: ExperimentId, store: &Store) -> Result<Vec<RunFacts>, AssessError> {
    let repeats = Repeats(store.repetitions(id)?);
    let mut runs = store.experiment(id)?;
    runs.retain(|run| !repeats.gave_up(run.id, run.start.round));
    let mut newest = BTreeMap::new();
    for run in runs.iter().filter(|run| run.end.state == RunState::Done) {
        newest.insert((run.start.round, run.start.profile.clone()), run.id);
    }
    runs.retain(|run| {
        let place = (run.start.round, run.start.profile.clone());
        run.end.state != RunState::Done || newest.get(&place) == Some(&run.id)
    });
    Ok(runs)
}

/// What the looks of an experiment have spent so far.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn ledger(id: ExperimentId, store: &Store) -> Result<Ledger, AssessError> {
    Ok(ledger_of(&store.experiment_facts(id)?, store)?)
}

fn ledger_of(facts: &ExperimentFacts, store: &Store) -> Result<Ledger, crate::store::StoreError> {
    let rounds = usize::try_from(facts.planned.rounds).unwrap_or(usize::MAX);
    let ledger = if facts.planned.is_exact { Ledger::exactly(rounds) } else { Ledger::new(rounds) };
    let looks = store.looks(facts.id)?.into_iter().map(|look| Look {
        rounds: usize::try_from(look.rounds).unwrap_or(usize::MAX),
        alpha: look.alpha,
        occasion: Occasion::of(&look.occasion),
    });
    Ok(ledger.with_looks(looks.collect()))
}

/// How often a look is entered anew because another process has entered one meanwhile.
const TRIES: u32 = 10;

/// Enters a look at so many complete rounds, at which verdicts may be shown. What was entered before, or is too little
/// for a verdict, costs nothing.
///
/// # Errors
/// If the store cannot be read or written.
pub fn enter_look(
    id: ExperimentId,
    rounds: usize,
    occasion: Occasion,
    store: &Store,
) -> Result<Ledger, AssessError> {
    let mut before = ledger(id, store)?;
    for _ in 0..TRIES {
        let (after, alpha) = before.look(rounds, occasion);
        if after == before {
            break;
        }
        // Shown, and not kept: whoever is shown it elsewhere spends the same again.
        if store.is_read_only() {
            return Ok(after);
        }
        let known = u32::try_from(before.looks().len()).unwrap_or(u32::MAX);
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        if store.add_look(id, known, &LookRow { rounds, alpha, occasion: occasion.word().to_owned() })? {
            return Ok(after);
        }
        before = ledger(id, store)?;
    }
    Ok(before)
}

/// What is known of an experiment besides its runs.
pub(super) struct Circumstances {
    facts: ExperimentFacts,
    ledger: Ledger,
    repeats: Repeats,
    seal: Seal,
}

impl Circumstances {
    pub(super) fn of(id: ExperimentId, store: &Store) -> Result<Self, AssessError> {
        let facts = store.experiment_facts(id)?;
        let ledger = ledger_of(&facts, store)?;
        let repeats = Repeats(store.repetitions(id)?);
        Ok(Self { facts, ledger, repeats, seal: store.experiment_seal(id)? })
    }

    /// Judges the runs that are evidence.
    pub(super) fn judge(
        &self,
        runs: &[Arc<MeasuredRun>],
        allow_invalid: bool,
        floor: Option<Floor>,
    ) -> Judgement {
        let options = Options {
            look: Some((self.ledger.clone(), self.occasion())),
            repeats: self.repeats.clone(),
            allow_invalid,
            floor,
            seal: self.seal.clone(),
            ..Options::default()
        };
        let conduct = Conduct {
            planned_rounds: self.ledger.planned_rounds(),
            is_fixed: self.ledger.is_fixed(),
            looks: self.ledger.looks().to_vec(),
            repeats: self.repeats.clone(),
            pilot: self.facts.pilot.as_ref().map(|pilot| pilot.text.clone()),
        };
        Judgement { conduct: Some(conduct), ..verdict::of_rounds(runs, &options) }
    }

    /// Why it is looked at, if not since that was planned.
    fn occasion(&self) -> Occasion {
        match self.facts.ended {
            Some(Ending::Rounds | Ending::Decided | Ending::Invalid) => Occasion::Planned,
            Some(Ending::Budget) => Occasion::BudgetEnd,
            Some(Ending::Interrupted) => Occasion::Interruption,
            Some(Ending::Failed) | None => Occasion::Report,
        }
    }
}

/// Judges an experiment for whoever is shown its verdicts, and enters that as a look.
pub(super) fn judge(
    id: ExperimentId,
    runs: &[Arc<MeasuredRun>],
    context: &ReportContext,
    store: &Store,
) -> Result<Judgement, AssessError> {
    let known = Circumstances::of(id, store)?;
    let judgement = known.judge(runs, context.allow_invalid, context.floor.clone());
    let occasion =
        if known.ledger.is_planned(judgement.rounds) { Occasion::Planned } else { known.occasion() };
    let looks = enter_look(id, judgement.rounds, occasion, store)?.looks().to_vec();
    let conduct = judgement.conduct.map(|conduct| Conduct { looks, ..conduct });
    Ok(Judgement { conduct, ..judgement })
}

/// Judges the rounds that there are, without showing anybody: no look is entered.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn judge_so_far(id: ExperimentId, store: &Store, allow_invalid: bool) -> Result<Judgement, AssessError> {
    let runs = runs::all_measured(store, evidence(id, store)?)?;
    let floor = qualification::floor(store.path());
    Ok(Circumstances::of(id, store)?.judge(&runs, allow_invalid, floor))
}

/// The runs of a round that are evidence, whole.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn round(id: ExperimentId, round: u32, store: &Store) -> Result<Vec<Arc<MeasuredRun>>, AssessError> {
    let of_round = evidence(id, store)?.into_iter().filter(|run| run.start.round == Some(round));
    runs::all_measured(store, of_round.collect())
}

/// What a screening round has left of a grid.
pub struct Screened {
    /// How many cells the grid has.
    pub cells: usize,
    /// The profiles of those that are left, the baseline among them.
    pub left: Vec<String>,
}

/// What a screening round has left, without showing anybody: no look is entered. None if it holds no run of every cell.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn screened(id: ExperimentId, store: &Store) -> Result<Option<Screened>, AssessError> {
    let grid = grid::of_runs(&runs::all_measured(store, evidence(id, store)?)?)?;
    Ok(grid.map(|grid| Screened {
        cells: grid.cells.len(),
        left: grid::survivors(&grid.cells).into_iter().map(|cell| cell.profile.clone()).collect(),
    }))
}

/// Whether all manipulation checks of a round hold.
pub fn manipulation_checks_hold(round: &[Arc<MeasuredRun>]) -> bool {
    verdict::held(round).iter().all(|held| held.holds)
}

/// Why a run may not be used, if the reason comes from outside: the machine that makes the load had no time for it, or
/// its clock was set. Whatever the system under test did is evidence.
pub fn disturbance(run: &MeasuredRun) -> Option<String> {
    let audit = audit::of_run(run);
    let check = audit::disturbance(&audit.checks)?;
    Some(format!("{}: {}", check.name, check.text))
}

/// The runs for whose sake a round should be made again: those that were disturbed from outside, unless that is mere
/// lateness which could not move a gating claim across its bound.
pub fn disturbed(round: &[Arc<MeasuredRun>]) -> Vec<Repetition> {
    let is_harmless = || lateness::is_all(round) && !lateness::could_move_a_claim(round);
    let last_run = round.iter().map(|run| run.facts.id).max().unwrap_or_default();
    let found: Vec<Repetition> = round
        .iter()
        .filter_map(|run| {
            Some(Repetition {
                round: run.facts.start.round?,
                last_run,
                run: run.facts.id,
                profile: run.facts.start.profile.clone(),
                reason: disturbance(run)?,
            })
        })
        .collect();
    if found.is_empty() || is_harmless() { Vec::new() } else { found }
}
