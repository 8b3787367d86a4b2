//! Verdicts and audits as they are kept in the store, for SQL and for trends.

use super::error::AssessError;
use crate::run::{Judged, Metric};
use crate::store::{CheckRow, Store, VerdictRow};
use crate::verdict::Judgement;
use crate::verdict::audit::{Check, RunAudit};

/// Writes verdicts and audit into the store.
///
/// # Errors
/// If it cannot be written.
pub fn keep(store: &mut Store, of: Judged, judgement: &Judgement) -> Result<(), AssessError> {
    let verdicts: Vec<VerdictRow> = judgement
        .claims
        .iter()
        .map(|decided| VerdictRow {
            profile: decided.profile.clone(),
            title: decided.claim.title.clone(),
            formula: decided.formula.clone(),
            gates: decided.claim.gates,
            verdict: decided.verdict.word(),
            word: decided.word,
            reason: decided.reason.clone(),
            estimate: decided.estimate,
            low: decided.low,
            high: decided.high,
            alpha: decided.alpha,
            values: decided.values.clone(),
        })
        .collect();
    let checks: Vec<CheckRow> = judgement.audit.runs.iter().flat_map(checks).collect();
    Ok(store.keep_verdicts(of, &verdicts, &checks)?)
}

/// Keeps what a single run is followed by over releases, so that a trend need not read its samples.
///
/// # Errors
/// If the store cannot be written.
pub fn keep_followed(store: &mut Store, of: Judged, followed: &[Metric]) -> Result<(), AssessError> {
    match of {
        Judged::Run(run) if !followed.is_empty() => Ok(store.keep_metrics(run, followed)?),
        _ => Ok(()),
    }
}

/// The checks of a run, as rows of the store.
pub(super) fn checks(audit: &RunAudit) -> Vec<CheckRow> {
    let row = |check: &Check| CheckRow {
        run: audit.run,
        name: check.name.to_string(),
        grade: check.grade.word(),
        text: check.text.clone(),
    };
    audit.checks.iter().map(row).collect()
}
