//! Searches for capacity, from the store: what the trials come to, and what that says of the claims.

use super::error::AssessError;
use super::runs;
use crate::capacity::{Capacity, Purpose, Searched, Terms, Trial, compared};
use crate::claim::Side;
use crate::report::capacity::{ArmReport, CapacityReport};
use crate::run::{CapacityId, RunId, Seal};
use crate::store::{Store, TrialRow};
use crate::verdict::{TOTAL_ALPHA, capacities, objective};

/// A stored run at a load, held against the goals of its search and the trials `before` it.
///
/// # Errors
/// If there is no such run, or the store cannot be read.
pub fn tried(
    run: RunId,
    load: f64,
    terms: &Terms,
    before: &[Trial],
    store: &Store,
) -> Result<Trial, AssessError> {
    let trial = objective::tried(&runs::measured_by_id(store, run)?, load, &terms.goals);
    Ok(compared(trial, before, terms.trial_s))
}

/// Everything that is reported of a search: worked out from the samples of its trials.
///
/// # Errors
/// If there is no such search, or the store cannot be read.
pub fn report(id: CapacityId, store: &Store) -> Result<CapacityReport, AssessError> {
    let facts = store.capacity(id)?;
    let searched: Searched = serde_json::from_str(&facts.planned.subject)?;
    let mut arms = Vec::new();
    let changed = store.capacity_seal(id)?;
    for profile in &searched.profiles {
        let rows = facts.trials.iter().filter(|row| row.profile == *profile);
        let is_disturbed = |row: &&TrialRow| row.purpose == Purpose::Disturbed.word();
        let disturbed = rows.clone().filter(is_disturbed).count();
        let changed = breach(&changed, rows.clone(), store)?;
        let mut trials: Vec<Trial> = Vec::new();
        for row in rows.filter(|row| !is_disturbed(row)) {
            trials.push(tried(row.run, row.load, &searched.terms, &trials, store)?);
        }
        let capacity = Capacity::of(&searched.terms, &trials);
        arms.push(ArmReport {
            profile: profile.clone(),
            not_held: changed.or_else(|| not_held(&capacity, &trials)),
            trials: trials.len(),
            disturbed,
            capacity,
        });
    }
    let sides = match arms.len() {
        1 => vec![None],
        _ => vec![Some(Side::Baseline), Some(Side::Treatment)],
    };
    let found: Vec<_> = arms.iter().zip(sides).map(|(arm, side)| found(arm, side)).collect();
    let claims = capacities::decide(&searched.claims, &found, TOTAL_ALPHA);
    Ok(CapacityReport {
        id,
        started_at: facts.started_at,
        command: facts.planned.command,
        ended: facts.ended,
        searched,
        arms,
        claims,
    })
}

fn found(arm: &ArmReport, side: Option<Side>) -> capacities::Searched<'_> {
    capacities::Searched {
        side,
        profile: &arm.profile,
        capacity: &arm.capacity,
        not_held: arm.not_held.as_deref(),
    }
}

/// What was changed of a search, or of the runs of some of its trials, after it was stored.
fn breach<'a>(
    search: &Seal,
    trials: impl Iterator<Item = &'a TrialRow>,
    store: &Store,
) -> Result<Option<String>, AssessError> {
    let mut changed = search.changed().to_vec();
    for trial in trials {
        changed.extend(store.seal(trial.run, true)?.changed().iter().cloned());
    }
    Ok(Seal::Broken { changed }.breach())
}

/// What had to be seen at a bound, and was not: at other loads nothing follows from it.
fn not_held(capacity: &Capacity, trials: &[Trial]) -> Option<String> {
    let is_bound = |load: f64| {
        capacity.goals.iter().any(|goal| goal.lower_bound == Some(load) || goal.upper_bound == Some(load))
    };
    trials.iter().filter(|trial| is_bound(trial.load)).find_map(|trial| trial.not_held.first().cloned())
}
