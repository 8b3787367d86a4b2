//! `loadproof trend`: metrics over releases.

use std::path::Path;

use anyhow::Result;

use super::arguments::{Trend, TrendCommand};
use super::exit::{Exit, UsageError};
use super::output;
use crate::assess::trend::{scenario_name, series};
use crate::export::{exchange, trend as csv};
use crate::report::trend as render;
use crate::store::{Reference, Store};
use crate::trend::{Series, Standing};

pub(super) fn trend(command: &Trend, path: &Path) -> Result<Exit> {
    let mut store = Store::open_existing(path)?;
    if let Some(TrendCommand::Accept { run, why }) = &command.command {
        return accept(run, why, &mut store);
    }
    let scenario = scenario_name(command.scenario.as_deref().unwrap_or_default(), &store)?;
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

/// Accepts the level of a run's release.
fn accept(run: &str, why: &str, store: &mut Store) -> Result<Exit> {
    let run = store.run(&run.parse::<Reference>()?)?.id;
    store.accept(run, why)?;
    output::result(&format!("accepted the level of run {run}: {why}"))?;
    Ok(Exit::Done)
}

/// Otava's files hold one system under one load.
fn several(series: &[Series]) -> UsageError {
    let mut names: Vec<String> =
        series.iter().map(|one| format!("--load {} --profile {}", one.load, one.profile)).collect();
    names.dedup();
    UsageError(format!("--otava takes one load and one profile; choose: {}", names.join(", ")))
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
    let is_regression = series.iter().any(|one| matches!(one.newest, Standing::Regression { .. }));
    let is_suspect = series.iter().any(|one| matches!(one.newest, Standing::Suspect { .. }));
    match (is_regression, is_suspect) {
        (true, _) => Exit::Refuted,
        (false, true) => Exit::Undecided,
        (false, false) => Exit::Done,
    }
}
