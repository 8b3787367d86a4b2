//! Reports for machines: the numbers, unrounded. `schema` names the form; it changes only with a
//! new number.

use serde_json::json;

use crate::stats::compare::{ArmSummary, Comparison};

/// A comparison as `loadproof.compare/1`.
///
/// # Errors
/// If it cannot be written as JSON, which its types rule out.
pub fn comparison(comparison: &Comparison) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&json!({ "schema": "loadproof.compare/1", "comparison": comparison }))
}

/// A run as `loadproof.run/1`. `reasons`: `(outcome, endpoint, reason, count)`.
///
/// # Errors
/// If it cannot be written as JSON, which its types rule out.
pub fn run(
    summary: &ArmSummary,
    reasons: &[(String, String, String, u64)],
) -> Result<String, serde_json::Error> {
    let reasons: Vec<_> = reasons
        .iter()
        .map(|(outcome, endpoint, reason, count)| {
            json!({ "outcome": outcome, "endpoint": endpoint, "reason": reason, "count": count })
        })
        .collect();
    serde_json::to_string_pretty(&json!({ "schema": "loadproof.run/1", "run": summary, "reasons": reasons }))
}
