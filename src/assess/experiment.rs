//! An experiment that is under way, as far as it has come.

use super::error::AssessError;
use super::runs;
use crate::run::ExperimentId;
use crate::store::Store;
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
