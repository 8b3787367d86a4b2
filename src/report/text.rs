//! Reports for the terminal: aligned tables, readable without colour.

use comfy_table::{CellAlignment, Table, presets};

use super::model::{QuantileCell, Report, SubjectRow, SubjectSection};

/// A report for the terminal, with ANSI styles that the writer may strip.
pub fn render(report: &Report) -> String {
    let arms: Vec<&str> = report.arms.iter().map(|a| a.name.as_str()).collect();
    let bold = anstyle::Style::new().bold();
    let mut parts =
        vec![format!("{bold}{}{bold:#} · {} · {}", report.title, arms.join(" against "), report.subtitle)];
    if !report.finding.is_empty() {
        parts.push(report.finding.iter().map(|s| format!("  {s}")).collect::<Vec<_>>().join("\n"));
    }
    if !report.warnings.is_empty() {
        let yellow = anstyle::AnsiColor::Yellow.on_default();
        let lines = report.warnings.iter().map(|w| format!("  {yellow}warning{yellow:#}  {w}"));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    for section in &report.sections {
        parts.push(counts_table(section, &arms));
        parts.push(times_table(section, &arms));
    }
    if !report.signals.is_empty() {
        parts.push(signals_table(report, &arms));
    }
    if !report.failures.is_empty() {
        parts.push(failures_table(report));
    }
    parts.join("\n\n")
}

/// A table without lines whose columns from the second on are numbers.
fn table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(header);
    table
}

fn finish(mut table: Table, texts: usize) -> String {
    for column in table.column_iter_mut().skip(texts) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string().lines().map(|line| format!("  {}", line.trim_end())).collect::<Vec<_>>().join("\n")
}

fn heading(section: &str, what: &str, table: &str) -> String {
    format!("{section}: {what}\n{table}")
}

/// Samples by outcome, a line per subject and arm.
fn counts_table(section: &SubjectSection, arms: &[&str]) -> String {
    let header = ["", "arm", "samples", "ok", "rejected", "failed", "error", "dropped", "rate, /s"];
    let mut table = table(header.map(str::to_owned).to_vec());
    for row in &section.rows {
        for (place, (arm, counts)) in arms.iter().zip(&row.arms).enumerate() {
            let Some(c) = counts else { continue };
            let name = if place == 0 { title(row) } else { String::new() };
            table.add_row([
                name.as_str(),
                arm,
                &c.total,
                &c.ok,
                &c.rejected,
                &c.failed,
                &c.error,
                &c.dropped,
                &c.rate,
            ]);
        }
    }
    heading(section.heading, "samples by outcome", &finish(table, 2))
}

/// Quantiles, a line per subject and quantile; service times where they differ from response times.
fn times_table(section: &SubjectSection, arms: &[&str]) -> String {
    let mut header = vec![String::new(), String::new(), String::new()];
    header.extend(arms.iter().map(|arm| format!("{arm}, {}", section.unit)));
    if arms.len() > 1 {
        header.extend(["change".to_owned(), "ratio".to_owned()]);
    }
    let mut table = table(header);
    for row in &section.rows {
        let what = if section.has_service { "response" } else { "latency" };
        add_times(&mut table, &title(row), what, &row.response);
        if row.service_differs {
            add_times(&mut table, "", "service", &row.service);
        }
    }
    let what = if section.has_service {
        "response time, and service time where it differs much (* fewer than ten samples beyond)"
    } else {
        "effect latency (* fewer than ten samples beyond)"
    };
    heading(section.heading, what, &finish(table, 3))
}

fn add_times(table: &mut Table, name: &str, what: &str, cells: &[QuantileCell]) {
    for (place, cell) in cells.iter().enumerate() {
        let first = place == 0;
        let mut row = vec![
            if first { name.to_owned() } else { String::new() },
            if first { what.to_owned() } else { String::new() },
            cell.name.clone(),
        ];
        row.extend(cell.values.iter().cloned());
        if cell.values.len() > 1 {
            row.extend([cell.change.clone(), cell.ratio.clone()]);
        }
        table.add_row(row);
    }
}

fn signals_table(report: &Report, arms: &[&str]) -> String {
    let header = ["", "unit", "arm", "min", "mean", "max", "last"];
    let mut table = table(header.map(str::to_owned).to_vec());
    for row in &report.signals {
        for (place, (arm, cells)) in arms.iter().zip(&row.arms).enumerate() {
            let (name, unit) = if place == 0 { (row.name.as_str(), row.unit.as_str()) } else { ("", "") };
            match cells {
                Some(c) => table.add_row([name, unit, arm, &c.min, &c.mean, &c.max, &c.last]),
                None => table.add_row([name, unit, arm, "never seen", "", "", ""]),
            };
        }
    }
    heading("Signals", "over the run", &finish(table, 3))
}

fn failures_table(report: &Report) -> String {
    let mut table = table(["outcome", "endpoint", "reason", "count"].map(str::to_owned).to_vec());
    for row in &report.failures {
        table.add_row([&row.outcome, &row.endpoint, &row.reason, &row.count]);
    }
    heading("Failures", "by reason", &finish(table, 3))
}

/// `POST /orders [production]`
fn title(row: &SubjectRow) -> String {
    if row.traffic_class.is_empty() {
        row.name.clone()
    } else {
        format!("{} [{}]", row.name, row.traffic_class)
    }
}
