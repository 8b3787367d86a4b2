//! The report of a search for CI systems: JUnit XML and Markdown.

use super::{ArmReport, CapacityReport};
use crate::capacity::GoalResult;
use crate::report::junit::{self, Case, CaseResult, Suite};
use crate::report::markdown;

/// As JUnit XML: a test case for each result, which passes if a load meets the goal, and one for each claim.
///
/// # Errors
/// If it cannot be written, which memory rules out.
pub fn junit(report: &CapacityReport) -> std::io::Result<String> {
    let results = report.results().map(|(arm, goal)| case(report, arm, goal));
    let claims = report.claim_rows();
    let cases = results.chain(claims.iter().map(junit::case)).collect();
    let mut properties = vec![
        ("load", report.setting()),
        ("command", report.command.clone()),
        ("loadproof", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    properties.extend(report.goals().into_iter().map(|goal| ("goal", goal)));
    Suite { name: format!("capacity of {}", report.searched.scenario), properties, cases }.render()
}

fn case(report: &CapacityReport, arm: &ArmReport, goal: &GoalResult) -> Case {
    let name = if goal.goal.is_empty() { String::new() } else { format!(", {}", goal.goal) };
    let sentences = report.of_result(arm, goal);
    let is_void = goal.is_of_generator || arm.not_held.is_some();
    let (result, state) = match goal.lower_bound {
        _ if is_void => (CaseResult::Error, "invalid"),
        Some(_) => (CaseResult::Passed, "found"),
        None => (CaseResult::Failure, "missed"),
    };
    Case {
        name: format!("capacity of {}{name}", arm.profile),
        result,
        state,
        message: sentences.first().cloned().unwrap_or_default(),
        text: sentences.join("\n"),
    }
}

/// In Markdown.
pub fn markdown(report: &CapacityReport) -> String {
    let escape = markdown::escape;
    let mut parts = vec![format!(
        "### Capacity of {}: {}",
        escape(&report.searched.scenario),
        escape(&report.profiles())
    )];
    parts.push(format!("{}\n\n{}", escape(&report.setting()), escape(&report.goals().join("; "))));
    let claims = report.claim_rows();
    if !claims.is_empty() {
        parts.push(markdown::claim_table(&claims));
        parts.push(markdown::open_reasons(&claims));
    }
    let line = |sentence: &String| format!("- {}", escape(sentence));
    parts.push(report.sentences().iter().map(line).collect::<Vec<_>>().join("\n"));
    for arm in &report.arms {
        let mut table = format!(
            "| Load, {} | Achieved, /s | p50 | p99 | Not ok | Met | Missed first |\n|---:|---:|---:|---:|---:|---|---|",
            report.unit()
        );
        for row in report.rows(arm) {
            table.push_str(&format!("\n| {} |", row.map(|cell| escape(&cell)).join(" | ")));
        }
        let profile = escape(&arm.profile);
        parts.push(format!("<details><summary>Loads of {profile}</summary>\n\n{table}\n\n</details>"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}
