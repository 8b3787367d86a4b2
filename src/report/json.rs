//! Reports for machines: the numbers, unrounded; times in µs, those of claims in ms. `schema` names
//! the form, which `docs/JSON.md` describes; it changes only with a new number.

use serde_json::json;

use super::model::Report;
use crate::summary::grid::Grid;
use crate::summary::{ArmSummary, Comparison};
use crate::verdict::Judgement;

/// A comparison as `loadproof.compare/2`. `grid`: the tuning matrix that its arms are cells of. `page`: what its page says.
///
/// # Errors
/// If it cannot be written as JSON, which its types rule out.
pub fn comparison(
    comparison: &Comparison,
    judgement: &Judgement,
    grid: Option<&Grid>,
    page: &Report,
) -> Result<String, serde_json::Error> {
    let mut report = json!({
        "schema": "loadproof.compare/2",
        "verdict": judgement.overall(),
        "word": judgement.word(),
        "judgement": judgement,
        "comparison": comparison,
        "page": page,
    });
    if let Some(grid) = grid {
        report["grid"] = serde_json::to_value(grid)?;
    }
    serde_json::to_string_pretty(&report)
}

/// A run as `loadproof.run/2`. `page`: what its page says.
///
/// # Errors
/// If it cannot be written as JSON, which its types rule out.
pub fn run(summary: &ArmSummary, judgement: &Judgement, page: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&json!({
        "schema": "loadproof.run/2",
        "verdict": judgement.overall(),
        "word": judgement.word(),
        "judgement": judgement,
        "run": summary,
        "reasons": summary.reasons,
        "page": page,
    }))
}
