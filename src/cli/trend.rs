//! `loadproof trend` and `loadproof note`: figures over releases, and what people know of runs.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::arguments::{Note, Trend};
use super::exit::{Exit, UsageError};
use super::{evidence, output};
use crate::export::{exchange, trend as csv};
use crate::report::trend as render;
use crate::run::RunFacts;
use crate::stats::figures;
use crate::store::{Reference, Store};
use crate::trend::{self, Series, State};

pub(super) fn trend(command: &Trend, path: &Path) -> Result<Exit> {
    let mut store = Store::open(path)?;
    let scenario = scenario_name(&command.scenario, &store)?;
    let mut series = series(&scenario, &mut store)?;
    series.retain(|one| is_wanted(one, command));
    if let Some(csv) = &command.csv {
        output::file(csv, &csv::csv(&series))?;
    }
    if let Some(otava) = &command.otava {
        let text = exchange::otava(&series).ok_or_else(|| several(&series))?;
        output::file(otava, &text)?;
    }
    let page = output::report_path(command.html.as_ref(), store.path(), &format!("trend-{scenario}"));
    if command.json {
        if command.html.is_some() {
            output::file(&page, &render::html(&scenario, &series)?)?;
        }
        output::result(&render::json(&scenario, &series)?)?;
    } else {
        output::file(&page, &render::html(&scenario, &series)?)?;
        let text = render::text(&scenario, &series);
        output::result(&format!("{text}\n\n  report  {}", page.display()))?;
    }
    Ok(exit(&series))
}

/// All that a scenario's runs came to, over releases.
fn series(scenario: &str, store: &mut Store) -> Result<Vec<Series>> {
    complete(store, scenario)?;
    let runs: Vec<RunFacts> = store.runs()?.into_iter().filter(|run| run.scenario == scenario).collect();
    let notes: Vec<_> = store.notes()?.into_iter().map(|note| (note.run, note.text)).collect();
    Ok(trend::series(&runs, &store.figures(scenario)?, &notes, &[]))
}

/// The page about a scenario over releases.
pub(super) fn page(scenario: &str, store: &mut Store) -> Result<String> {
    let scenario = scenario_name(scenario, store)?;
    Ok(render::html(&scenario, &series(&scenario, store)?)?)
}

pub(super) fn note(command: &Note, path: &Path) -> Result<Exit> {
    let mut store = Store::open(path)?;
    let reference: Reference = command.run.parse()?;
    let run = store.run(&reference)?.id;
    store.annotate(run, &command.text)?;
    output::result(&format!("noted of run {run}: {}", command.text))?;
    Ok(Exit::Done)
}

/// The scenario that is meant: by its name, or by a file that runs were made with.
fn scenario_name(given: &str, store: &Store) -> Result<String> {
    let runs = store.runs()?;
    if let Some(run) = runs.iter().find(|run| run.scenario == given || run.scenario_file == given) {
        return Ok(run.scenario.clone());
    }
    let mut known: Vec<&str> = runs.iter().map(|run| run.scenario.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
    Err(UsageError(format!("the store has no run of scenario `{given}`; it has: {known}")).into())
}

/// Otava's files hold one system under one load.
fn several(series: &[Series]) -> UsageError {
    let mut names: Vec<String> =
        series.iter().map(|one| format!("--load {} --profile {}", one.load, one.profile)).collect();
    names.dedup();
    UsageError(format!("--otava takes one load and one profile; choose: {}", names.join(", ")))
}

/// Works out the figures of runs that have none yet, and keeps them.
fn complete(store: &mut Store, scenario: &str) -> Result<()> {
    for id in store.runs_without_figures(scenario)? {
        let facts = store.run(&Reference::Run(id))?;
        let measured = Arc::unwrap_or_clone(evidence::measured(store, facts)?);
        store.keep_figures(id, &figures::figures(&measured)?)?;
    }
    Ok(())
}

fn is_wanted(one: &Series, command: &Trend) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let about = command.about.as_ref().is_none_or(|part| one.subject.title().contains(part.as_str()));
    is(&command.load, &one.load)
        && is(&command.profile, &one.profile)
        && is(&command.metric, &one.metric)
        && about
}

/// The worst of all series.
fn exit(series: &[Series]) -> Exit {
    let is_regression = series.iter().any(|one| matches!(one.newest, State::Regression { .. }));
    let is_suspect = series.iter().any(|one| matches!(one.newest, State::Suspect { .. }));
    match (is_regression, is_suspect) {
        (true, _) => Exit::Refuted,
        (false, true) => Exit::Undecided,
        (false, false) => Exit::Done,
    }
}
