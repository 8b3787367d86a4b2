//! The report of a search for the terminal.

use comfy_table::{CellAlignment, Table, presets};

use super::words::error_modes;
use super::{ArmReport, CapacityReport};
use crate::report::text::claim_lines;

/// For the terminal.
pub fn text(report: &CapacityReport) -> String {
    let bold = anstyle::Style::new().bold();
    let mut parts = vec![format!(
        "{bold}capacity of {}{bold:#} · {} · {} · {}",
        report.searched.scenario,
        report.profiles(),
        report.setting(),
        report.id
    )];
    let goals: Vec<String> = report.goals().into_iter().map(|goal| format!("  {goal}")).collect();
    parts.push(goals.join("\n"));
    let rows = report.claim_rows();
    if !rows.is_empty() {
        parts.push(claim_lines(&rows));
    }
    let sentences: Vec<String> = report.sentences().into_iter().map(|s| format!("  {s}")).collect();
    parts.push(sentences.join("\n"));
    for arm in &report.arms {
        parts.push(table(report, arm));
        let reasons = error_modes(arm);
        if !reasons.is_empty() {
            parts.push(format!("  Failures at the highest load:\n{}", reasons.join("\n")));
        }
    }
    parts.join("\n\n")
}

fn table(report: &CapacityReport, arm: &ArmReport) -> String {
    let load = format!("load, {}", report.unit());
    let header = [load.as_str(), "achieved, /s", "p50", "p99", "not ok", "met", "missed first"];
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(header.map(|word| format!("  {word}")));
    for row in report.rows(arm) {
        table.add_row(row.map(|cell| format!("  {cell}")));
    }
    for column in table.column_iter_mut().take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let name = if report.arms.len() > 1 { format!("  {}\n", arm.profile) } else { String::new() };
    format!("{name}{}", table.trim_fmt())
}
