//! `loadproof report`, and the reports that other commands end with: audit, verdicts, metrics.

use std::path::Path;

use anyhow::Result;

use super::arguments::{Outputs, Report};
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::{found, output, world};
use crate::assess::subject::subject;
use crate::assess::{AssessError, Assessment, ProfileReport, ReportContext, assessment, kept, verdicts};
use crate::report::kept::{self as render, Kept};
use crate::report::model::{ClaimRow, Headline};
use crate::report::totals::Totals;
use crate::report::{LateClaims, model, text};
use crate::run::{ExperimentId, Judged, RunId};
use crate::store::{Reference, Store};
use crate::verdict::Verdict;

pub(super) fn report(command: &Report, path: &Path) -> Result<Exit> {
    let mut store = Store::open_existing(path)?;
    if let [name] = &command.subjects[..]
        && let Some(id) = found::named(name)
    {
        if command.claims.is_some() {
            let text = "--claims judges runs and experiments; a capacity search keeps its own claims";
            return Err(UsageError(text.to_owned()).into());
        }
        return found::report(id, &store, &command.outputs);
    }
    let subjects =
        command.subjects.iter().map(|name| subject(name, &store)).collect::<Result<Vec<_>, AssessError>>()?;
    if let [subject] = &subjects[..]
        && let Some(kept) = kept::of(*subject, &store)?
    {
        return without_samples(&kept, command);
    }
    let claims = command.claims.as_deref().map(late_claims).transpose()?;
    let mut reported = Vec::new();
    for (name, subject) in command.subjects.iter().zip(subjects) {
        let outputs = command.outputs.of_one(command.subjects.len(), name);
        reported.push(match subject {
            Judged::Run(run) => of_run_by(claims.clone(), run, &mut store, &outputs)?,
            Judged::Experiment(id) => of_experiment_by(claims.clone(), id, &mut store, &outputs)?,
        });
    }
    together(&reported, &command.outputs)
}

/// Shows what is left of something whose samples were pruned. Whatever was decided of it, it is undecided now.
fn without_samples(kept: &Kept, command: &Report) -> Result<Exit> {
    let Outputs { html, junit, markdown, json, .. } = &command.outputs;
    if command.claims.is_some() || html.is_some() || junit.is_some() || markdown.is_some() {
        let text = format!(
            "the samples of {} were pruned: there is nothing to judge by other claims, or to make a page or a file for CI of\n  \
             hint: `loadproof store attach FILE` reads them back from an archive",
            kept.of
        );
        return Err(UsageError(text).into());
    }
    output::result(&if *json { render::json(kept)? } else { render::text(kept) })?;
    Ok(Exit::Undecided)
}

/// The claims of a scenario file, for runs that were made with others.
pub(super) fn late_claims(path: &Path) -> Result<LateClaims> {
    let scenario = world::scenario(path)?;
    if scenario.claims.is_empty() {
        return Err(UsageError(format!("`{}` has no claims to judge by", path.display())).into());
    }
    Ok(LateClaims { file: path.display().to_string(), claims: scenario.claims.clone() })
}

/// What a report came to.
pub(super) struct Reported {
    /// What it is about, in a word or two.
    of: String,
    /// By what names it can be had again: `3`, `e1`, or `e1:after` for each of several treatments.
    pub(super) subjects: Vec<String>,
    /// What its gating claims come to, for the exit code.
    pub(super) verdict: Option<Verdict>,
    /// `3 of 4 claims supported.`
    pub(super) sentence: String,
    /// The answer that its page begins with; of several treatments the worst one's, none without a report.
    pub(super) headline: Option<Headline>,
    claims: Vec<ClaimRow>,
    /// A single run in a few lines.
    pub(super) totals: Option<Totals>,
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
    of_run_by(None, run, store, outputs)
}

fn of_run_by(
    claims: Option<LateClaims>,
    run: RunId,
    store: &mut Store,
    outputs: &Outputs,
) -> Result<Reported> {
    let assessment = assessed(claims, Judged::Run(run), store, outputs)?;
    let scenario = store.run(&Reference::Run(run))?.start.scenario;
    reported(&assessment, format!("run {run} {scenario}"), run.to_string(), store, outputs)
}

/// Reports an experiment: its arms over all rounds.
pub(super) fn of_experiment(id: ExperimentId, store: &mut Store, outputs: &Outputs) -> Result<Reported> {
    of_experiment_by(None, id, store, outputs)
}

fn of_experiment_by(
    claims: Option<LateClaims>,
    id: ExperimentId,
    store: &mut Store,
    outputs: &Outputs,
) -> Result<Reported> {
    let assessment = assessed(claims, Judged::Experiment(id), store, outputs)?;
    let scenario = store.experiment_facts(id)?.planned.scenario;
    reported(&assessment, format!("e{id} {scenario}"), format!("e{id}"), store, outputs)
}

/// Assesses a run or an experiment, and writes its verdicts down if they are by its own claims.
fn assessed(
    claims: Option<LateClaims>,
    of: Judged,
    store: &mut Store,
    outputs: &Outputs,
) -> Result<Assessment> {
    let is_by_own = claims.is_none();
    let context = ReportContext {
        allow_failures: outputs.allow_failures,
        claims,
        ..ReportContext::now(store, &command_line(), outputs.allow_invalid)
    };
    let assessment = assessment::of(of, store, &context)?;
    if is_by_own {
        verdicts::keep(store, of, &assessment.judgement)?;
        verdicts::keep_followed(store, of, &assessment.followed)?;
    }
    Ok(assessment)
}

fn reported(
    assessment: &Assessment,
    of: String,
    subject: String,
    store: &Store,
    outputs: &Outputs,
) -> Result<Reported> {
    write_all(assessment, store, outputs)?;
    let worst = assessment.reports.iter().max_by_key(|made| made.judgement.overall());
    Ok(Reported {
        of,
        subjects: match &assessment.reports[..] {
            [_] => vec![subject],
            several => several.iter().map(|made| format!("{subject}:{}", made.profile)).collect(),
        },
        verdict: assessment.judgement.consequence(false),
        sentence: model::sentence(&assessment.judgement),
        headline: worst.map(|made| made.model.headline.clone()),
        claims: assessment.reports.iter().flat_map(|made| made.model.judged.claims.clone()).collect(),
        totals: assessment.reports.first().and_then(ProfileReport::totals),
    })
}

/// Writes the reports of an assessment, one page for each treatment.
pub(super) fn write_all(assessment: &Assessment, store: &Store, outputs: &Outputs) -> Result<()> {
    for made in &assessment.reports {
        match assessment.reports.len() {
            1 => write(made, store, outputs, assessment.grid.is_some())?,
            _ => write(made, store, &outputs.named(&made.profile), assessment.grid.is_some())?,
        }
    }
    if let (Some(grid), Some(first), false) = (&assessment.grid, assessment.reports.first(), outputs.json) {
        // Cells are compared with each other rather than one by one.
        let claims = assessment.reports.iter();
        let claims: Vec<_> =
            claims.map(|made| (made.profile.clone(), made.model.judged.claims.clone())).collect();
        output::result(&format!("\n{}", text::matrix(grid, &first.model, &claims)))?;
    }
    Ok(())
}

/// Writes a report in all the forms that are wanted.
/// `is_cell`: of a grid, which is printed once for all.
fn write(made: &ProfileReport, store: &Store, outputs: &Outputs, is_cell: bool) -> Result<()> {
    if let Some(path) = &outputs.junit {
        output::file(path, &made.junit()?)?;
    }
    if let Some(path) = &outputs.markdown {
        output::markdown(path, &made.markdown())?;
    }
    let page = output::report_path(outputs.html.as_ref(), store.path(), &made.name);
    if outputs.json {
        if outputs.html.is_some() {
            output::file(&page, &made.html()?)?;
        }
        return output::result(&made.json()?);
    }
    output::file(&page, &made.html()?)?;
    if is_cell {
        return output::result(&format!("  report  {}", page.display()));
    }
    output::result(&format!("{}\n\n  report  {}", text::render(&made.model), page.display()))
}
