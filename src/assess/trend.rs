//! Metrics of a scenario over releases.

use super::error::AssessError;
use super::{runs, verdicts};
use crate::report::trend as render;
use crate::run::{RunFacts, RunId};
use crate::store::Store;
use crate::summary::metrics;
use crate::trend::{self, Doubt, Known, Trend};
use crate::verdict::audit::{self, Grade};

/// All that a scenario's runs came to, over releases. `scenario`: its name.
///
/// # Errors
/// If the store cannot be read or written.
pub fn trend(scenario: &str, store: &mut Store) -> Result<Trend, AssessError> {
    complete_all(store, scenario)?;
    let runs: Vec<RunFacts> =
        store.runs()?.into_iter().filter(|run| run.start.scenario == scenario).collect();
    let notes: Vec<_> = store.notes()?.into_iter().map(|note| (note.run, note.text)).collect();
    Ok(trend::trend(&Known {
        runs: &runs,
        metrics: &store.metrics(scenario)?,
        doubts: &doubts(store, scenario)?,
        notes: &notes,
        accepted: &store.accepted()?,
    }))
}

/// The runs whose audit says INVALID, with the first reason.
fn doubts(store: &Store, scenario: &str) -> Result<Vec<Doubt>, AssessError> {
    let mut doubts: Vec<Doubt> = Vec::new();
    for (run, name, text) in store.checks_of_grade(scenario, Grade::Invalid.word())? {
        let is_of_machine = audit::blames_machine(&name);
        match doubts.last_mut().filter(|doubt| doubt.run == run) {
            Some(doubt) => doubt.is_of_machine |= is_of_machine,
            None => doubts.push(Doubt { run, why: format!("{name}: {text}"), is_of_machine }),
        }
    }
    Ok(doubts)
}

/// The page about a scenario over releases. `given`: its name or file.
///
/// # Errors
/// If the store has no run of it, or cannot be read or written.
pub fn page(given: &str, store: &mut Store) -> Result<String, AssessError> {
    let scenario = scenario_name(given, store)?;
    Ok(render::html(&scenario, &trend(&scenario, store)?)?)
}

/// The scenario that is meant: by its name, or by a file that runs were made with.
///
/// # Errors
/// If the store has no run of it.
pub fn scenario_name(given: &str, store: &Store) -> Result<String, AssessError> {
    let runs = store.runs()?;
    if let Some(run) = runs.iter().find(|run| run.start.scenario == given || run.start.scenario_file == given)
    {
        return Ok(run.start.scenario.clone());
    }
    let mut known: Vec<&str> = runs.iter().map(|run| run.start.scenario.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    Err(AssessError::NoScenario { given: given.to_owned(), known })
}

/// Works out the metrics and the audit of a scenario's runs that have none yet, and keeps them.
fn complete_all(store: &mut Store, scenario: &str) -> Result<(), AssessError> {
    for id in store.runs_without_metrics(scenario)? {
        keep(store, id)?;
    }
    Ok(())
}

/// Works out the metrics and the audit of a run, if it is followed by them and has none yet, and keeps them.
pub(super) fn complete(store: &mut Store, run: &RunFacts) -> Result<(), AssessError> {
    if store.runs_without_metrics(&run.start.scenario)?.contains(&run.id) {
        keep(store, run.id)
    } else {
        Ok(())
    }
}

fn keep(store: &mut Store, id: RunId) -> Result<(), AssessError> {
    let run = runs::measured_by_id(store, id)?;
    store.keep_metrics(id, &metrics::followed(&run)?)?;
    store.keep_first_checks(&verdicts::checks(&audit::of_run(&run)))?;
    Ok(())
}
