//! Metrics of a scenario over releases.

use super::error::AssessError;
use super::runs;
use crate::report::trend as render;
use crate::run::RunFacts;
use crate::store::Store;
use crate::trend::{self, Series};

/// All that a scenario's runs came to, over releases. `scenario`: its name.
///
/// # Errors
/// If the store cannot be read or written.
pub fn series(scenario: &str, store: &mut Store) -> Result<Vec<Series>, AssessError> {
    complete(store, scenario)?;
    let runs: Vec<RunFacts> =
        store.runs()?.into_iter().filter(|run| run.start.scenario == scenario).collect();
    let notes: Vec<_> = store.notes()?.into_iter().map(|note| (note.run, note.text)).collect();
    Ok(trend::series(&runs, &store.metrics(scenario)?, &notes, &store.accepted()?))
}

/// The page about a scenario over releases. `given`: its name or file.
///
/// # Errors
/// If the store has no run of it, or cannot be read or written.
pub fn page(given: &str, store: &mut Store) -> Result<String, AssessError> {
    let scenario = scenario_name(given, store)?;
    Ok(render::html(&scenario, &series(&scenario, store)?)?)
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

/// Works out the metrics of runs that have none yet, and keeps them.
fn complete(store: &mut Store, scenario: &str) -> Result<(), AssessError> {
    for id in store.runs_without_metrics(scenario)? {
        store.keep_metrics(id, &runs::metrics(store, id)?)?;
    }
    Ok(())
}
