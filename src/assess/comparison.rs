//! Comparisons of runs that were not made as one experiment.

use super::assessment::{self, Assessment};
use super::context::ReportContext;
use super::error::AssessError;
use super::{saved, subject};
use crate::run::{Arm, RunFacts, RunId};
use crate::store::Store;

/// Two named runs as baseline and treatment. `allow_different_work`: though their workloads differ.
///
/// # Errors
/// If there are no such runs, or they did different work.
pub fn of_named(
    baseline: &str,
    treatment: &str,
    allow_different_work: bool,
    store: &Store,
    context: &ReportContext,
) -> Result<Assessment, AssessError> {
    let (baseline, treatment) = (subject::run(baseline, store)?, subject::run(treatment, store)?);
    refuse_different_work(&baseline, &treatment, allow_different_work)?;
    assessment::of_two_runs(baseline.id, treatment.id, store, context)
}

/// Later runs, compared with a saved baseline; the newest run if none is named.
///
/// # Errors
/// If there is no such baseline or run, or they did different work.
pub fn with_saved(
    baseline: &saved::Named<'_>,
    names: &[String],
    allow_different_work: bool,
    store: &Store,
    context: &ReportContext,
) -> Result<Assessment, AssessError> {
    let saved = saved::load(baseline)?;
    let runs = subject::runs(names, "latest", Arm::Treatment, store)?;
    for run in &runs {
        refuse_different_work(&saved.rebuild().runs[0].facts, run, allow_different_work)?;
    }
    let runs: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    assessment::of_saved(baseline.name, &saved, &runs, store, context)
}

fn refuse_different_work(
    baseline: &RunFacts,
    treatment: &RunFacts,
    allow_different_work: bool,
) -> Result<(), AssessError> {
    if allow_different_work || baseline.start.fingerprint == treatment.start.fingerprint {
        return Ok(());
    }
    let in_words = |run: &RunFacts| {
        format!("run {} ({}, load {}: {})", run.id, run.start.scenario, run.start.load, run.start.load_text)
    };
    Err(AssessError::DifferentWork { baseline: in_words(baseline), treatment: in_words(treatment) })
}
