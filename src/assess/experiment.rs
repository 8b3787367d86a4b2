//! An experiment that is under way, as far as it has come.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::AssessError;
use super::{qualification, runs};
use crate::run::{ExperimentId, MeasuredRun, RunFacts};
use crate::store::Store;
use crate::verdict::audit;
use crate::verdict::{self, Judgement, Options};

/// Judges the rounds that there are, for the look that decides whether the experiment goes on.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn judge_so_far(id: ExperimentId, store: &Store, allow_invalid: bool) -> Result<Judgement, AssessError> {
    let most_rounds = usize::try_from(store.experiment_facts(id)?.planned.rounds).unwrap_or(usize::MAX);
    let runs = runs::all_measured(store, store.experiment(id)?)?;
    let floor = qualification::floor(store.path());
    Ok(verdict::of_rounds(&runs, &Options { most_rounds, allow_invalid, floor, ..Options::default() }))
}

/// The runs of a round, whole. Of a round that was repeated they are the newest of each profile.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn round(id: ExperimentId, round: u32, store: &Store) -> Result<Vec<Arc<MeasuredRun>>, AssessError> {
    let mut newest: BTreeMap<String, RunFacts> = BTreeMap::new();
    for run in store.experiment(id)?.into_iter().filter(|run| run.start.round == Some(round)) {
        newest.insert(run.start.profile.clone(), run);
    }
    runs::all_measured(store, newest.into_values().collect())
}

/// Whether all manipulation checks of a round hold.
pub fn manipulation_checks_hold(round: &[Arc<MeasuredRun>]) -> bool {
    verdict::held(round).iter().all(|held| held.holds)
}

/// Why a round may not be used, if the reason comes from outside: the machine that makes the load had no time for it, or
/// its clock was set. Such a round is repeated; whatever the system under test did is evidence.
pub fn disturbance(round: &[Arc<MeasuredRun>]) -> Option<String> {
    round.iter().find_map(|run| {
        let audit = audit::of_run(run);
        let check = audit::disturbance(&audit.checks)?;
        Some(format!("run {} is INVALID: {}: {}", audit.run, check.name, check.text))
    })
}
