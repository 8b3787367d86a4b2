//! `loadproof report`, and the reports that other commands end with.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::arguments::Report;
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::output;
use crate::report::{Meta, html, json, model, text};
use crate::run::{Arm, ExperimentId, RunFacts, RunId};
use crate::stats::arm::{self, MeasuredRun};
use crate::stats::compare::{Comparison, compare};
use crate::store::{Reference, Store};

pub(super) fn report(command: &Report, path: &Path) -> Result<Exit> {
    let store = Store::open(path)?;
    let html = command.output.as_ref();
    match subject(&command.subject, &store)? {
        Subject::Run(run) => of_run(run, path, html, command.json)?,
        Subject::Experiment(id) => of_experiment(id, path, html, command.json)?,
    }
    Ok(Exit::Done)
}

/// What a report is about.
enum Subject {
    Run(RunId),
    Experiment(ExperimentId),
}

/// `e1` is an experiment; anything else names a run.
fn subject(text: &str, store: &Store) -> Result<Subject> {
    if let Some(number) = text.strip_prefix('e').and_then(|n| n.parse().ok()) {
        return Ok(Subject::Experiment(ExperimentId(number)));
    }
    let reference: Reference = text.parse()?;
    Ok(Subject::Run(store.run(&reference)?.id))
}

/// Reports a single run.
pub(super) fn of_run(run: RunId, path: &Path, html_path: Option<&PathBuf>, as_json: bool) -> Result<()> {
    let store = Store::open(path)?;
    let facts = store.run(&Reference::Run(run))?;
    let summary = arm::summarise(facts.arm.unwrap_or(Arm::Treatment), &[measured(&store, facts)?])?;
    let reasons = store.reasons(run)?;
    if as_json {
        return output::result(&json::run(&summary, &reasons)?);
    }
    let model = model::run(&summary, &reasons, &meta(&store, vec![summary.runs[0].command.clone()]));
    let file = output::report_path(html_path, path, &format!("run-{run}"));
    output::file(&file, &html::render(&model)?)?;
    output::result(&format!("{}\n\n  report  {}", text::render(&model), file.display()))
}

/// Reports an experiment: its arms over all rounds.
pub(super) fn of_experiment(
    id: ExperimentId,
    path: &Path,
    html_path: Option<&PathBuf>,
    as_json: bool,
) -> Result<()> {
    let store = Store::open(path)?;
    let runs = store.experiment(id)?;
    let of = |arm: Arm| runs.iter().filter(|r| r.arm == Some(arm)).cloned().collect::<Vec<_>>();
    let arms = [(Arm::Baseline, of(Arm::Baseline)), (Arm::Treatment, of(Arm::Treatment))];
    if let Some((missing, _)) = arms.iter().find(|(_, runs)| runs.is_empty()) {
        let text = format!("experiment e{id} has no run of the {} yet: nothing to compare", missing.word());
        return Err(UsageError(text).into());
    }
    of_arms(&store, arms, &format!("experiment-{id}"), html_path, as_json)
}

/// Reports two arms side by side.
pub(super) fn of_arms(
    store: &Store,
    arms: [(Arm, Vec<RunFacts>); 2],
    name: &str,
    html_path: Option<&PathBuf>,
    as_json: bool,
) -> Result<()> {
    let comparison = comparison(store, arms)?;
    if as_json {
        return output::result(&json::comparison(&comparison)?);
    }
    let model = model::comparison(&comparison, &meta(store, reproduce(&comparison)));
    let file = output::report_path(html_path, store.path(), name);
    output::file(&file, &html::render(&model)?)?;
    output::result(&format!("{}\n\n  report  {}", text::render(&model), file.display()))
}

fn comparison(store: &Store, arms: [(Arm, Vec<RunFacts>); 2]) -> Result<Comparison> {
    let mut summaries = Vec::with_capacity(arms.len());
    for (arm, runs) in arms {
        let runs: Vec<MeasuredRun> =
            runs.into_iter().map(|facts| measured(store, facts)).collect::<Result<_>>()?;
        summaries.push(arm::summarise(arm, &runs)?);
    }
    let treatment = summaries.pop().expect("there are two arms");
    let baseline = summaries.pop().expect("there are two arms");
    Ok(compare(baseline, treatment))
}

fn measured(store: &Store, facts: RunFacts) -> Result<MeasuredRun> {
    let (samples, signals) = (store.samples(facts.id)?, store.signals(facts.id)?);
    Ok(MeasuredRun { facts, samples, signals })
}

/// The commands that make the same comparison again: each once, with the seeds that were drawn.
fn reproduce(comparison: &Comparison) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for run in comparison.baseline.runs.iter().chain(&comparison.treatment.runs) {
        let mut command = run.command.clone();
        if run.experiment.is_none() && !command.contains("--seed") {
            command.push_str(&format!(" --seed {}", run.seed));
        }
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    let own = command_line();
    if comparison.baseline.runs[0].experiment.is_none() && !commands.contains(&own) {
        commands.push(own);
    }
    commands
}

fn meta(store: &Store, reproduce: Vec<String>) -> Meta {
    Meta {
        generated_at: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        store: store.path().display().to_string(),
        reproduce,
    }
}
