//! An experiment that is under way, as far as it has come.

use std::collections::BTreeMap;

use super::error::AssessError;
use super::runs;
use crate::run::{ExperimentId, RunFacts};
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
    Ok(verdict::of_rounds(&runs, &Options { most_rounds, allow_invalid, ..Options::default() }))
}

/// Whether all manipulation checks of a round hold.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn manipulation_checks_hold(id: ExperimentId, round: u32, store: &Store) -> Result<bool, AssessError> {
    let of_round = store
        .experiment(id)?
        .into_iter()
        .filter(|r| r.start.round == Some(round) && !r.start.must_hold.is_empty());
    let runs = runs::all_measured(store, of_round.collect())?;
    Ok(verdict::held(&runs).iter().all(|h| h.holds))
}

/// Why a round may not be used, if the reason comes from outside: the machine that makes the load had no time for it, or
/// its clock was set. Such a round is repeated; whatever the system under test did is evidence.
///
/// # Errors
/// If there is no such experiment, or the store cannot be read.
pub fn disturbance(id: ExperimentId, round: u32, store: &Store) -> Result<Option<String>, AssessError> {
    let mut newest: BTreeMap<String, RunFacts> = BTreeMap::new();
    for run in store.experiment(id)? {
        if run.start.round == Some(round) {
            newest.insert(run.start.profile.clone(), run);
        }
    }
    for run in newest.into_values() {
        let audit = audit::of_run(&*runs::measured(store, run)?);
        if let Some(check) = audit.disturbance() {
            return Ok(Some(format!("run {} is INVALID: {}: {}", audit.run, check.name, check.text)));
        }
    }
    Ok(None)
}
