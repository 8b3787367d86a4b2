//! What a store holds that may be evidence for a sign-off.

use std::collections::BTreeMap;

use super::error::AssessError;
use crate::report::signoff::About;
use crate::run::{ExperimentId, Judged, RunFacts, RunState};
use crate::signoff::{self, Candidate, Choice, Release, Rules};
use crate::store::{Ending, Store};

/// The evidence that is chosen for each requirement.
pub(super) fn choices<'a>(rules: &Rules, release: &Release, candidates: &'a [Candidate]) -> Vec<Choice<'a>> {
    rules.require.iter().map(|requirement| signoff::choose(requirement, rules, release, candidates)).collect()
}

/// The release that is signed off.
pub(super) fn release(about: &About) -> Release {
    Release { version: about.version.clone(), commit: about.commit.clone(), at_unix_s: about.at_unix_s }
}

/// Everything in the store that may be evidence, the newest first. What is still under way is not.
pub(super) fn all(store: &Store) -> Result<Vec<Candidate>, AssessError> {
    let mut experiments: BTreeMap<ExperimentId, Vec<RunFacts>> = BTreeMap::new();
    let mut candidates = Vec::new();
    for run in store.runs()?.into_iter().rev() {
        match run.start.experiment {
            Some(id) => experiments.entry(id).or_default().push(run),
            None if run.end.state == RunState::Running => {}
            None => {
                let has_ended = run.end.state == RunState::Done;
                candidates.push(Candidate { of: Judged::Run(run.id), has_ended, runs: vec![run] });
            }
        }
    }
    experiments.retain(|_, runs| !runs.iter().any(|run| run.end.state == RunState::Running));
    for (id, runs) in experiments {
        let has_ended = store.experiment_facts(id)?.ended.is_some_and(Ending::is_complete);
        candidates.push(Candidate { of: Judged::Experiment(id), has_ended, runs });
    }
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.runs[0].id));
    Ok(candidates)
}
