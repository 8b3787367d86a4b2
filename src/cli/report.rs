//! `loadproof report`, and the reports that other commands end with: audit, verdicts, figures.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::arguments::{Outputs, Report};
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::subject::{Subject, subject};
use super::{output, qualified};
use crate::report::model::ClaimRow;
use crate::report::{Meta, html, json, junit, markdown, model, text};
use crate::run::{Arm, ExperimentId, RunFacts, RunId};
use crate::stats::arm::{self, MeasuredRun};
use crate::stats::compare::{Comparison, compare};
use crate::store::{CheckRow, Ending, Judged, Reference, Store, VerdictRow};
use crate::verdict::{self, Judgement, Options, Verdict};

pub(super) fn report(command: &Report, path: &Path) -> Result<Exit> {
    let mut store = Store::open(path)?;
    let subjects = command.subjects.iter().map(|name| subject(name, &store)).collect::<Result<Vec<_>>>()?;
    let mut reported = Vec::new();
    for (name, subject) in command.subjects.iter().zip(subjects) {
        let outputs = command.outputs.of_one(command.subjects.len(), name);
        reported.push(match subject {
            Subject::Run(run) => of_run(run, &mut store, &outputs)?,
            Subject::Experiment(id) => of_experiment(id, &mut store, &outputs)?,
        });
    }
    together(&reported, &command.outputs)
}

/// What a report came to.
pub(super) struct Reported {
    /// What it is about, in a word or two.
    of: String,
    verdict: Option<Verdict>,
    claims: Vec<ClaimRow>,
}

/// The exit code of some reports; of several also their gating claims in one table.
pub(super) fn together(reported: &[Reported], outputs: &Outputs) -> Result<Exit> {
    if reported.len() > 1 && !outputs.json {
        let claims: Vec<_> = reported.iter().map(|r| (r.of.clone(), r.claims.clone())).collect();
        output::result(&format!("\n{}", text::headline(&claims)))?;
    }
    Ok(Exit::of_verdict(reported.iter().filter_map(|r| r.verdict).max()))
}

/// Reports a single run, with the claims that speak of one run.
pub(super) fn of_run(run: RunId, store: &mut Store, outputs: &Outputs) -> Result<Reported> {
    let facts = store.run(&Reference::Run(run))?;
    let measured = measured(store, facts)?;
    let options = Options { allow_invalid: outputs.allow_invalid, ..Options::default() };
    let judgement = verdict::of_run(&measured, &options);
    keep(store, Judged::Run(run), &judgement)?;
    let summary =
        arm::summarise(measured.facts.arm.unwrap_or(Arm::Treatment), std::slice::from_ref(&measured))?;
    let meta = meta(store, vec![measured.facts.command.clone()]);
    let model = model::run(&summary, &measured.reasons, &judgement, &meta);
    let document = || json::run(&summary, &measured.reasons, &judgement);
    write(&model, document, store, &format!("run-{run}"), outputs)?;
    let of = format!("run {run} {}", measured.facts.scenario);
    Ok(Reported { of, verdict: judgement.overall(), claims: model.judged.claims })
}

/// Reports an experiment: its arms over all rounds.
pub(super) fn of_experiment(id: ExperimentId, store: &mut Store, outputs: &Outputs) -> Result<Reported> {
    let facts = store.experiment_facts(id)?;
    let runs = load(store, store.experiment(id)?)?;
    if let Some(missing) =
        [Arm::Baseline, Arm::Treatment].into_iter().find(|a| !runs.iter().any(|r| r.facts.arm == Some(*a)))
    {
        let text = format!("experiment e{id} has no run of the {} yet: nothing to compare", missing.word());
        return Err(UsageError(text).into());
    }
    let options = Options {
        most_rounds: usize::try_from(facts.planned.rounds).unwrap_or(usize::MAX),
        was_planned_end: facts.ended.is_some_and(Ending::was_planned),
        allow_invalid: outputs.allow_invalid,
        ..Options::default()
    };
    let judgement = verdict::of_rounds(&runs, &options);
    keep(store, Judged::Experiment(id), &judgement)?;
    let claims = of_arms(store, &runs, &judgement, &format!("experiment-{id}"), outputs)?;
    let of = format!("e{id} {}", facts.planned.scenario);
    Ok(Reported { of, verdict: judgement.overall(), claims })
}

/// Judges an experiment so far, for the look that decides whether it goes on.
pub(super) fn judge_so_far(id: ExperimentId, store: &Store, allow_invalid: bool) -> Result<Judgement> {
    let most_rounds = usize::try_from(store.experiment_facts(id)?.planned.rounds).unwrap_or(usize::MAX);
    let runs = load(store, store.experiment(id)?)?;
    Ok(verdict::of_rounds(&runs, &Options { most_rounds, allow_invalid, ..Options::default() }))
}

/// Whether the arms of a round were seen to be what they should be.
pub(super) fn is_held(id: ExperimentId, round: u32, store: &Store) -> Result<bool> {
    let of_round =
        store.experiment(id)?.into_iter().filter(|r| r.round == Some(round) && !r.must_hold.is_empty());
    let runs = load(store, of_round.collect())?;
    Ok(verdict::held(&runs).iter().all(|h| h.holds))
}

/// Reports a baseline beside each of its treatments, one page each; the claims of all.
pub(super) fn of_arms(
    store: &Store,
    runs: &[Arc<MeasuredRun>],
    judgement: &Judgement,
    name: &str,
    outputs: &Outputs,
) -> Result<Vec<ClaimRow>> {
    let mut claims = Vec::new();
    let of = |arm: Arm| runs.iter().filter(move |r| r.facts.arm == Some(arm));
    let baseline: Vec<Arc<MeasuredRun>> = of(Arm::Baseline).cloned().collect();
    let mut profiles: Vec<&str> = Vec::new();
    for run in of(Arm::Treatment) {
        if !profiles.contains(&run.facts.profile.as_str()) {
            profiles.push(&run.facts.profile);
        }
    }
    for profile in &profiles {
        let treatment: Vec<Arc<MeasuredRun>> =
            of(Arm::Treatment).filter(|r| r.facts.profile == *profile).cloned().collect();
        let comparison =
            compare(arm::summarise(Arm::Baseline, &baseline)?, arm::summarise(Arm::Treatment, &treatment)?);
        let of_profile = judgement.of_profile(profile);
        let model = model::comparison(&comparison, &of_profile, &meta(store, reproduce(&comparison)));
        let document = || json::comparison(&comparison, &of_profile);
        let (name, outputs) = match profiles.len() {
            1 => (name.to_owned(), outputs.clone()),
            _ => (format!("{name}-{profile}"), outputs.named(profile)),
        };
        write(&model, document, store, &name, &outputs)?;
        claims.extend(model.judged.claims);
    }
    Ok(claims)
}

/// Writes a report in all the forms that are wanted.
fn write(
    model: &model::Report,
    document: impl FnOnce() -> Result<String, serde_json::Error>,
    store: &Store,
    name: &str,
    outputs: &Outputs,
) -> Result<()> {
    if let Some(path) = &outputs.junit {
        output::file(path, &junit::render(model)?)?;
    }
    if let Some(path) = &outputs.markdown {
        output::markdown(path, &markdown::render(model))?;
    }
    let page = output::report_path(outputs.html.as_ref(), store.path(), name);
    if outputs.json {
        if outputs.html.is_some() {
            output::file(&page, &html::render(model)?)?;
        }
        return output::result(&document()?);
    }
    output::file(&page, &html::render(model)?)?;
    output::result(&format!("{}\n\n  report  {}", text::render(model), page.display()))
}

/// Reads the runs whole.
pub(super) fn load(store: &Store, runs: Vec<RunFacts>) -> Result<Vec<Arc<MeasuredRun>>> {
    runs.into_iter().map(|facts| measured(store, facts)).collect()
}

/// Reads a run whole.
pub(super) fn measured(store: &Store, facts: RunFacts) -> Result<Arc<MeasuredRun>> {
    let (samples, signals) = (store.samples(facts.id)?, store.signals(facts.id)?);
    let (reasons, slowest) = (store.reasons(facts.id)?, store.slowest(facts.id)?);
    Ok(Arc::new(MeasuredRun { facts, samples, signals, reasons, slowest }))
}

/// Writes verdicts and audit down, for SQL and for trends.
fn keep(store: &mut Store, of: Judged, judgement: &Judgement) -> Result<()> {
    let verdicts: Vec<VerdictRow> = judgement
        .claims
        .iter()
        .map(|decided| VerdictRow {
            profile: decided.profile.clone(),
            title: decided.claim.title.clone(),
            formula: decided.formula.clone(),
            gates: decided.claim.gates,
            verdict: decided.verdict.word(),
            reason: decided.reason.clone(),
            estimate: decided.estimate,
            low: decided.low,
            high: decided.high,
            alpha: decided.alpha,
            values: decided.values.clone(),
        })
        .collect();
    let checks: Vec<CheckRow> = judgement
        .audit
        .runs
        .iter()
        .flat_map(|run| {
            run.checks.iter().map(|check| CheckRow {
                run: run.run,
                name: check.name.to_string(),
                grade: check.grade.word(),
                text: check.text.clone(),
            })
        })
        .collect();
    Ok(store.keep_verdicts(of, &verdicts, &checks)?)
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
        qualification: qualified::last(store.path())
            .map(|q| format!("{} ({}, {})", q.text(), q.machine, q.made_at)),
    }
}
