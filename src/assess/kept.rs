//! What is left of runs whose samples were pruned.

use super::error::AssessError;
use super::runs;
use crate::report::kept::{Kept, KeptRun, KeptVerdict};
use crate::run::{Judged, RunFacts};
use crate::store::{Reference, Store};
use crate::summary::histograms::{by_subject, of_all_requests};
use crate::utc;

/// What is left of a run or an experiment; none if all of its samples are there.
///
/// # Errors
/// If there is no such thing, or the store cannot be read.
pub fn of(judged: Judged, store: &Store) -> Result<Option<Kept>, AssessError> {
    let (runs, of, name) = match judged {
        Judged::Run(run) => (vec![store.run(&Reference::Run(run))?], format!("run {run}"), run.to_string()),
        Judged::Experiment(id) => (store.experiment(id)?, format!("experiment e{id}"), format!("e{id}")),
    };
    if runs.iter().all(|run| run.pruned_unix_us.is_none()) {
        return Ok(None);
    }
    let decided = store.decided(judged)?.into_iter().map(|row| KeptVerdict {
        profile: row.profile,
        title: row.title,
        formula: row.formula,
        gates: row.gates,
        word: row.word,
        reason: row.reason,
        decided_at: row.decided_unix_us.map(|us| utc::to_minute(us / 1_000_000)),
    });
    let verdicts = decided.collect();
    let runs = runs.into_iter().map(|run| of_run(run, store)).collect::<Result<_, _>>()?;
    Ok(Some(Kept { of, name, runs, verdicts }))
}

fn of_run(run: RunFacts, store: &Store) -> Result<KeptRun, AssessError> {
    let histograms = runs::histograms(store, &run)?;
    let mut times: Vec<_> = of_all_requests(&histograms)?.into_iter().collect();
    times.extend(by_subject(&histograms)?);
    Ok(KeptRun {
        run: run.id,
        breach: store.breach_of_pruned(run.id)?,
        doubts: store
            .doubts(run.id)?
            .into_iter()
            .map(|(name, grade, text)| format!("{grade} {name}: {text}"))
            .collect(),
        scenario: run.start.scenario,
        profile: run.start.profile,
        started_at: run.start.started_at,
        pruned_at: run.pruned_unix_us.map(|us| utc::to_minute(us / 1_000_000)),
        samples: run.samples,
        times,
    })
}
