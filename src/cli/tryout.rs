//! `loadproof try`: every journey once, and each exchange of it on the terminal.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::arguments::{PageFlags, ProgressStyle, Shown, TryOut};
use super::choices::only_or_named;
use super::exit::Exit;
use super::viewers::Viewers;
use super::{output, world};
use crate::execute::session::Session;
use crate::execute::tryout::{Tried, TriedStep};
use crate::export::har;
use crate::plan::{Choices, Plan};
use crate::sample::{Kind, Message};
use crate::scenario::Scenario;
use crate::scenario::load::{Executor, Load};
use crate::{unit, utc};

/// The name of the load under which journeys are tried.
const LOAD: &str = "try";

pub(super) fn try_out(command: &TryOut, store: &Path) -> Result<Exit> {
    let scenario = world::scenario_with(&command.scenario, &command.vars.vars)?;
    let profile = only_or_named(command.profile.as_deref(), scenario.profiles.keys(), "profile")?;
    let scenario = Arc::into_inner(scenario).context("the scenario is in use")?;
    let scenario = Arc::new(scenario.with_a_class_per_journey(command.journey.as_deref())?);
    let started_ms = utc::now_ms();
    let tried = tried(&scenario, &profile, command, store)?;
    let pages = tried.iter().map(|one| {
        let exchanges = one.steps.iter().filter_map(|step| step.exchange.as_ref());
        har::Page { title: &one.journey, exchanges: exchanges.collect() }
    });
    let archive = har::archive(&pages.collect::<Vec<_>>(), started_ms);
    if let Some(path) = &command.har {
        output::file(path, &archive)?;
    }
    output::result(&if command.json { archive } else { text(&tried, usize::from(command.bodies)) })?;
    Ok(if tried.iter().all(Tried::went_well) { Exit::Done } else { Exit::Refuted })
}

fn tried(scenario: &Arc<Scenario>, profile: &str, command: &TryOut, store: &Path) -> Result<Vec<Tried>> {
    let executor = Executor::Shared { iterations: 1, concurrency: 1, over: None };
    let choices = Choices {
        base_url: command.base_url.clone(),
        load_name: LOAD.to_owned(),
        load: Load::of(executor, vec![0], Duration::ZERO),
        seed: command.seed,
    };
    let plan = Plan::single(scenario, profile, &choices)?;
    let planned = plan.runs.first().context("the plan has no run")?;
    let shown = Shown { progress: ProgressStyle::Auto, progress_interval: Duration::from_secs(10) };
    let viewers = Viewers::follow(&PageFlags::default(), shown, store)?;
    let mut session = Session::new(scenario, store, viewers.plain_session(shown, &plan), None)?;
    Ok(session.try_out(planned)?)
}

fn text(tried: &[Tried], most_body: usize) -> String {
    let mut parts: Vec<String> = tried.iter().map(|one| journey(one, most_body)).collect();
    let well = tried.iter().filter(|one| one.went_well()).count();
    parts.push(format!("{well} of {} went as expected", unit::counted(tried.len() as u64, "journey")));
    parts.join("\n\n")
}

fn journey(tried: &Tried, most_body: usize) -> String {
    let by = if tried.user_class.is_empty() { String::new() } else { format!(" · {}", tried.user_class) };
    let mut text = format!("{}{by}", tried.journey);
    if tried.steps.is_empty() {
        text.push_str("\n  no step was performed");
    }
    for step in &tried.steps {
        text.push_str(&format!("\n\n{}", self::step(step, most_body)));
    }
    text
}

fn step(step: &TriedStep, most_body: usize) -> String {
    let took = unit::time(step.took_us as f64);
    let ended = if step.outcome.is_answered() && step.reason.is_empty() {
        step.outcome.word().to_owned()
    } else {
        format!("{}: {}", step.outcome.word().to_uppercase(), step.reason)
    };
    let Some(exchange) = &step.exchange else {
        let what = match step.subject.kind {
            Kind::Request => step.subject.endpoint.clone(),
            kind => format!("{} `{}`", kind.word(), step.subject.endpoint),
        };
        return format!("  {what} · {took} · {ended}");
    };
    let status = exchange.answer.as_ref().map_or("no answer", |answer| answer.start.as_str());
    let mut text = format!("  {} · {status} · {took} · {ended}", exchange.request.start);
    text.push_str(&message(&exchange.request, '>', most_body));
    for hop in &exchange.redirects {
        text.push_str(&format!("\n    … {hop}"));
    }
    if let Some(answer) = &exchange.answer {
        text.push_str(&message(answer, '<', most_body));
    }
    for (name, value) in &exchange.extracted {
        text.push_str(&format!("\n    = {name}: {}", cut(value, most_body)));
    }
    text
}

/// Headers and body, a mark before each line as curl's.
fn message(message: &Message, mark: char, most_body: usize) -> String {
    let mut text = String::new();
    for (name, value) in &message.headers {
        text.push_str(&format!("\n    {mark} {name}: {value}"));
    }
    if message.body_bytes == 0 || most_body == 0 {
        return text;
    }
    text.push_str(&format!("\n    {mark}"));
    let body = cut(&message.body, most_body);
    for line in body.lines() {
        text.push_str(&format!("\n    {mark} {line}"));
    }
    if body.len() < message.body.len() || message.is_cut {
        text.push_str(&format!("\n    {mark} … {} bytes in all", unit::count(message.body_bytes)));
    }
    text
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
