//! From runs in the store to their judgement and to reports in every form.

use std::sync::Arc;

use super::context::ReportContext;
use super::error::AssessError;
use super::experiment;
use super::runs::{all_with_checksums, with_checksum};
use crate::baseline::Baseline;
use crate::report::model::GridSection;
use crate::report::totals::Totals;
use crate::report::{Of, html, json, junit, markdown, model};
use crate::run::{Arm, ExperimentId, Judged, MeasuredRun, Metric, RunId, RunState};
use crate::store::{Reference, Store};
use crate::summary::grid::{self, Grid};
use crate::summary::metrics::followed_of;
use crate::summary::{ArmSummary, Comparison, compare, summarise};
use crate::verdict::audit::{Check, Grade};
use crate::verdict::{self, Judgement, Options};

/// What some runs come to, with a report for each treatment.
pub struct Assessment {
    /// Whether the runs can be trusted, and what was decided of each claim.
    pub judgement: Judgement,
    /// One report for each treatment; one in all of a single run.
    pub reports: Vec<ProfileReport>,
    /// The tuning matrix that the arms are cells of; none of other runs.
    pub grid: Option<GridSection>,
    /// What a single run that is complete is followed by over releases; empty of anything else.
    pub followed: Vec<Metric>,
}

impl Assessment {
    /// The page about one treatment; about the first if none is named.
    ///
    /// # Errors
    /// If there is no such treatment, or its page cannot be rendered.
    pub fn page(&self, profile: Option<&str>) -> Result<String, AssessError> {
        let is_wanted = |report: &&ProfileReport| profile.is_none_or(|profile| profile == report.profile);
        let report = self.reports.iter().find(is_wanted);
        report.ok_or_else(|| AssessError::NoTreatment(profile.unwrap_or_default().to_owned()))?.html()
    }
}

/// A report about one profile, ready to be written in any form.
pub struct ProfileReport {
    /// What its files are called.
    pub name: String,
    /// The profile that it is about.
    pub profile: String,
    /// What it says.
    pub model: model::Report,
    /// What was decided about its runs.
    pub judgement: Judgement,
    metrics: Metrics,
}

enum Metrics {
    Run(Box<ArmSummary>),
    Comparison(Box<Comparison>, Option<Arc<Grid>>),
}

impl ProfileReport {
    /// As a page of HTML.
    ///
    /// # Errors
    /// If it cannot be rendered.
    pub fn html(&self) -> Result<String, AssessError> {
        Ok(html::render(&self.model)?)
    }

    /// As JSON.
    ///
    /// # Errors
    /// If it cannot be rendered.
    pub fn json(&self) -> Result<String, AssessError> {
        Ok(match &self.metrics {
            Metrics::Run(summary) => json::run(summary, &self.judgement, &self.model)?,
            Metrics::Comparison(comparison, grid) => {
                json::comparison(comparison, &self.judgement, grid.as_deref(), &self.model)?
            }
        })
    }

    /// As JUnit XML.
    ///
    /// # Errors
    /// If it cannot be rendered.
    pub fn junit(&self) -> Result<String, AssessError> {
        junit::render(&self.model).map_err(AssessError::JUnit)
    }

    /// In a few lines; none of an experiment, or of a run without requests.
    pub fn totals(&self) -> Option<Totals> {
        match &self.metrics {
            Metrics::Run(summary) => Totals::of(summary),
            Metrics::Comparison(..) => None,
        }
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        markdown::render(&self.model)
    }
}

/// A run or an experiment.
///
/// # Errors
/// As [`of_run`] and [`of_experiment`].
pub fn of(judged: Judged, store: &Store, context: &ReportContext) -> Result<Assessment, AssessError> {
    match judged {
        Judged::Run(run) => of_run(run, store, context),
        Judged::Experiment(id) => of_experiment(id, store, context),
    }
}

/// A single run, with the claims that speak of one run.
///
/// # Errors
/// If the store does not have them, or they cannot be read.
pub fn of_run(run: RunId, store: &Store, context: &ReportContext) -> Result<Assessment, AssessError> {
    let measured = with_checksum(store, context.claimed(store.run(&Reference::Run(run))?))?;
    let options = Options {
        allow_invalid: context.allow_invalid,
        allow_failures: context.allow_failures,
        ..Options::default()
    };
    let judgement = verdict::of_run(&measured, &options);
    let arm = measured.facts.start.arm.unwrap_or(Arm::Treatment);
    let summary = Box::new(summarise(arm, std::slice::from_ref(&measured))?);
    let followed = match measured.facts.end.state {
        RunState::Done => followed_of(&measured, &summary.summaries, summary.total.as_ref()),
        _ => Vec::new(),
    };
    let made = ProfileReport {
        name: context.named(format!("run-{run}")),
        profile: measured.facts.start.profile.clone(),
        model: model::run(&summary, &judgement, context.about(Of::Run { run })),
        judgement: judgement.clone(),
        metrics: Metrics::Run(summary),
    };
    Ok(Assessment { judgement, reports: vec![made], grid: None, followed })
}

/// The arms of an experiment, over all its rounds.
///
/// # Errors
/// If the store does not have them, or they cannot be read.
pub fn of_experiment(
    id: ExperimentId,
    store: &Store,
    context: &ReportContext,
) -> Result<Assessment, AssessError> {
    let runs = experiment::evidence(id, store)?.into_iter().map(|run| context.claimed(run)).collect();
    let runs = all_with_checksums(store, runs)?;
    if let Some(missing) = [Arm::Baseline, Arm::Treatment]
        .into_iter()
        .find(|a| !runs.iter().any(|r| r.facts.start.arm == Some(*a)))
    {
        return Err(match runs.iter().map(|run| &run.facts).find(|facts| facts.end.is_aborted()) {
            Some(aborted) => AssessError::Aborted {
                experiment: id,
                arm: missing,
                run: aborted.id,
                note: aborted.end.note.clone(),
            },
            None => AssessError::NoArm { experiment: id, arm: missing },
        });
    }
    let judgement = experiment::judge(id, &runs, context, store)?;
    let of = |treatment: &str| Of::Experiment { experiment: id, treatment: treatment.to_owned() };
    of_arms(&runs, judgement, &context.named(format!("experiment-{id}")), context, of)
}

/// Two runs as the arms of one round; what is claimed is what the treatment's scenario claims.
///
/// # Errors
/// If the store does not have them, or they cannot be read.
pub fn of_two_runs(
    baseline: RunId,
    treatment: RunId,
    store: &Store,
    context: &ReportContext,
) -> Result<Assessment, AssessError> {
    let find = |run: RunId| Ok::<_, AssessError>(context.claimed(store.run(&Reference::Run(run))?));
    let mut facts = [find(baseline)?, find(treatment)?];
    for (run, arm) in facts.iter_mut().zip([Arm::Baseline, Arm::Treatment]) {
        (run.start.arm, run.start.round) = (Some(arm), Some(1));
    }
    let [first, second] = &mut facts;
    first.start.claims.clone_from(&second.start.claims);
    let runs = all_with_checksums(store, facts.into())?;
    let options =
        Options { allow_invalid: context.allow_invalid, floor: context.floor.clone(), ..Options::default() };
    let judgement = verdict::of_rounds(&runs, &options);
    let name = context.named(format!("compare-{baseline}-{treatment}"));
    of_arms(&runs, judgement, &name, context, |_| Of::Runs { baseline, treatment })
}

/// Later runs compared with a saved baseline: the first with its first run, and so on.
///
/// # Errors
/// If the store does not have them, or they cannot be read.
pub fn of_saved(
    name: &str,
    baseline: &Baseline,
    runs: &[RunId],
    store: &Store,
    context: &ReportContext,
) -> Result<Assessment, AssessError> {
    let rebuilt = baseline.rebuild();
    let mut later = Vec::new();
    for (round, run) in (1..).zip(runs) {
        let mut facts = context.claimed(store.run(&Reference::Run(*run))?);
        (facts.start.arm, facts.start.round) = (Some(Arm::Treatment), Some(round));
        later.push(facts);
    }
    // What is claimed is what the later scenario claims.
    let claims = later.last().map_or_else(Vec::new, |run| run.start.claims.clone());
    // A run that was saved in spite of its audit is no reference, whatever is asked for.
    let is_reference = baseline.runs.iter().all(|run| run.audit.grade != Grade::Invalid);
    let options = Options {
        allow_invalid: context.allow_invalid && is_reference,
        floor: context.floor.clone(),
        saved_audits: rebuilt.audits,
        ..Options::default()
    };
    let mut all = rebuilt.runs;
    all.extend(all_with_checksums(store, later)?);
    let options = Options { only_indicates: not_rounds(&all), ..options };
    let mut judgement = verdict::of_rounds_with(&all, &claims, &options);
    judgement.add_check(Check {
        name: "saved baseline".into(),
        grade: Grade::Warn,
        text: format!(
            "`{name}` of {}: times within 0.1 %, without their order; claims from p99 up stay undecided",
            baseline.saved_at
        ),
    });
    let of = |treatment: &str| Of::Saved {
        baseline: name.to_owned(),
        runs: runs.to_vec(),
        treatment: treatment.to_owned(),
    };
    of_arms(&all, judgement, &context.named(format!("compare-{name}")), context, of)
}

/// Sessions, on different days, that either side needs before runs that were not made in rounds are more than an
/// indication.
const LEAST_SESSIONS: usize = 3;

/// Why later runs beside earlier ones only indicate: what changed between the sessions falls on one side. Where every run
/// is a session of its own, and either side holds enough of them, sessions are what varies.
fn not_rounds(runs: &[Arc<MeasuredRun>]) -> Option<String> {
    let are_sessions = |is_baseline: bool| {
        let of_side = runs.iter().filter(|run| (run.facts.start.arm == Some(Arm::Baseline)) == is_baseline);
        let mut days: Vec<&str> =
            of_side.map(|run| run.facts.start.started_at.get(..10).unwrap_or_default()).collect();
        let all = days.len();
        days.sort_unstable();
        days.dedup();
        days.len() == all && all >= LEAST_SESSIONS
    };
    let text =
        "the runs were not made in interleaved rounds, so what changed in between looks like an effect";
    (!(are_sessions(true) && are_sessions(false))).then(|| text.to_owned())
}

/// A baseline and each of its treatments, one report each.
fn of_arms(
    runs: &[Arc<MeasuredRun>],
    judgement: Judgement,
    name: &str,
    context: &ReportContext,
    of: impl Fn(&str) -> Of,
) -> Result<Assessment, AssessError> {
    let of_arm = |arm: Arm| runs.iter().filter(move |r| r.facts.start.arm == Some(arm));
    let baseline: Vec<Arc<MeasuredRun>> = of_arm(Arm::Baseline).cloned().collect();
    let mut profiles: Vec<&str> = Vec::new();
    for run in of_arm(Arm::Treatment) {
        if !profiles.contains(&run.facts.start.profile.as_str()) {
            profiles.push(&run.facts.start.profile);
        }
    }
    let grid = grid::of_runs(runs)?.map(Arc::new);
    let section = grid.as_deref().map(model::grid_section);
    let report = |profile: &&str| -> Result<ProfileReport, AssessError> {
        let treatment: Vec<Arc<MeasuredRun>> =
            of_arm(Arm::Treatment).filter(|r| r.facts.start.profile == **profile).cloned().collect();
        let comparison = compare::of_runs(&baseline, &treatment)?;
        let judgement = judgement.of_profile(profile);
        let mut model = model::comparison(&comparison, &judgement, context.about(of(profile)));
        model.grid.clone_from(&section);
        Ok(ProfileReport {
            name: if profiles.len() == 1 { name.to_owned() } else { format!("{name}-{profile}") },
            profile: (*profile).to_owned(),
            model,
            judgement,
            metrics: Metrics::Comparison(Box::new(comparison), grid.clone()),
        })
    };
    let reports = profiles.iter().map(report).collect::<Result<_, AssessError>>()?;
    Ok(Assessment { judgement, reports, grid: section, followed: Vec::new() })
}
