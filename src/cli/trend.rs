//! `loadproof trend`: metrics over releases.

use std::path::Path;

use anyhow::Result;

use super::arguments::{Trend, TrendCommand};
use super::exit::{Exit, UsageError};
use super::output;
use crate::assess::trend::{scenario_name, trend as of_scenario};
use crate::export::{exchange, trend as csv};
use crate::report::trend as render;
use crate::store::{Reference, Store};
use crate::trend::{LeftOut, Series, Standing, Trend as Found};
use crate::unit;

pub(super) fn trend(command: &Trend, path: &Path) -> Result<Exit> {
    let mut store = Store::open_existing(path)?;
    if let Some(TrendCommand::Accept { run, why }) = &command.command {
        return accept(run, why, &mut store);
    }
    let scenario = scenario_name(command.scenario.as_deref().unwrap_or_default(), &store)?;
    let unread = store.runs_without_metrics(&scenario)?.len();
    if unread > 0 {
        let runs = if unread == 1 { "run" } else { "runs" };
        output::say(&format!(
            "reading the samples of {} {runs} whose metrics are not stored yet; they are stored from now on",
            unit::count(unread as u64)
        ));
    }
    let mut found = of_scenario(&scenario, &mut store)?;
    found.series.retain(|one| is_wanted(one, command));
    found.left_out.retain(|left| is_of_wanted(left, command));
    if let Some(csv) = &command.csv {
        output::file(csv, &csv::csv(&found.series))?;
    }
    if let Some(otava) = &command.otava {
        let text = exchange::otava(&found.series).ok_or_else(|| several(&found.series))?;
        output::file(otava, &text)?;
    }
    let page = output::report_path(command.html.as_ref(), store.path(), &format!("trend-{scenario}"));
    if command.json {
        if command.html.is_some() {
            output::file(&page, &render::html(&scenario, &found)?)?;
        }
        output::result(&render::json(&scenario, &found)?)?;
    } else {
        output::file(&page, &render::html(&scenario, &found)?)?;
        let text = render::text(&scenario, &found);
        output::result(&format!("{text}\n\n  report  {}", page.display()))?;
    }
    Ok(exit(&found))
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
    let about = command.about.as_ref().is_none_or(|part| one.subject.title().contains(part.as_str()));
    is(command.load.as_ref(), &one.load)
        && is(command.profile.as_ref(), &one.profile)
        && is(command.metric.as_ref(), &one.metric)
        && about
}

fn is_of_wanted(left: &LeftOut, command: &Trend) -> bool {
    is(command.load.as_ref(), &left.load) && is(command.profile.as_ref(), &left.profile)
}

fn is(wanted: Option<&String>, found: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}

/// The worst of all series. That a newest release is left out, or has no value in a series, comes after a regression:
/// nothing is known of it.
fn exit(found: &Found) -> Exit {
    let is = |wanted: fn(&Standing) -> bool| found.series.iter().any(|one| wanted(&one.newest));
    if is(|newest| matches!(newest, Standing::Regression { .. })) {
        Exit::Refuted
    } else if found.left_out.iter().any(|left| left.is_newest)
        || found.series.iter().any(|one| found.is_unknown(one))
    {
        Exit::Invalid
    } else if is(|newest| matches!(newest, Standing::Suspect { .. })) {
        Exit::Undecided
    } else {
        Exit::Done
    }
}
