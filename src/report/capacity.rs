//! The report of a search for capacity: terminal, JSON, HTML.

use comfy_table::{CellAlignment, Table, presets};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::chart::curve::{self, LoadCurve};
use super::html::{self, HtmlError};
use super::model::{Line, Scale};
use crate::capacity::{Broken, Capacity, Point};
use crate::unit;

/// What was searched.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subject {
    /// The scenario's name.
    pub scenario: String,
    /// The profile's name.
    pub profile: String,
    /// What had to be kept to.
    pub objective: Vec<String>,
    /// The load in words, at its own rate.
    pub load_text: String,
    /// `per second` or `users`.
    pub load_unit: &'static str,
    /// How long each try lasted, s.
    pub run_time_s: f64,
    /// How near the search was to come.
    pub precision: f64,
    /// Tries of which most decided.
    pub repeats: u32,
}

/// For the terminal.
pub fn text(subject: &Subject, result: &Capacity) -> String {
    let bold = anstyle::Style::new().bold();
    let mut parts = vec![format!(
        "{bold}capacity of {}{bold:#} · {} · {}",
        subject.scenario,
        subject.profile,
        setting(subject)
    )];
    let lines: Vec<String> = sentences(subject, result).into_iter().map(|s| format!("  {s}")).collect();
    parts.push(lines.join("\n"));
    let header = ["load", "achieved, /s", "p50", "p99", "not ok", "met", "missed first"];
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(header.map(|word| format!("  {word}")));
    for point in &result.curve.points {
        table.add_row(row(point).map(|cell| format!("  {cell}")));
    }
    for column in table.column_iter_mut().take(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    parts.push(table.trim_fmt());
    let reasons = error_modes(result);
    if !reasons.is_empty() {
        parts.push(format!("  Failures beyond the capacity:\n{}", reasons.join("\n")));
    }
    parts.join("\n\n")
}

/// As JSON, schema `loadproof.capacity/1`.
///
/// # Errors
/// Never, but for a fault of the serializer.
pub fn json(subject: &Subject, result: &Capacity) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&serde_json::json!({
        "schema": "loadproof.capacity/1",
        "subject": subject,
        "capacity": result,
    }))
}

/// As a page.
///
/// # Errors
/// If the template is faulty.
pub fn html(subject: &Subject, result: &Capacity) -> Result<String, HtmlError> {
    let points = &result.curve.points;
    let line = |name: &str, arm, of: fn(&Point) -> f64| Line {
        name: name.to_owned(),
        arm,
        points: points.iter().map(|p| (p.load, of(p))).filter(|p| p.1.is_finite()).collect(),
    };
    let times = [line("p50", 0, |p| p.p50_ms * 1000.0), line("p99", 1, |p| p.p99_ms * 1000.0)];
    let achieved = [line("ok", 1, |p| p.achieved_per_s)];
    let sentences = sentences(subject, result);
    let finding = sentences.first().cloned().unwrap_or_default();
    let draw = |id, title, scale, lines: &[Line]| {
        html::drawing(curve::draw(&LoadCurve { id, title, finding: &finding, scale, lines }))
    };
    let x = format!("by load, {}", subject.load_unit);
    let charts = [
        ("Response time", format!("log scale, {x}"), draw("c-time", "Response time", Scale::Time, &times)),
        (
            "Successful requests",
            format!("per second, {x}"),
            draw("c-rate", "Successful requests", Scale::Amount, &achieved),
        ),
    ];
    let rows: Vec<[String; 7]> = points.iter().map(row).collect();
    html::page(
        "capacity.html",
        context! {
            subject => Value::from(Serde(subject)),
            setting => setting(subject),
            sentences,
            charts => Value::from(Serde(&charts)),
            rows,
            modes => error_modes(result),
            found => result.found.map(|load| shown(load, subject)),
            tool_version => env!("CARGO_PKG_VERSION"),
        },
        &html::REPORT,
    )
}

fn setting(subject: &Subject) -> String {
    format!(
        "objective {} · {} per attempt, majority of {}, precision {}",
        subject.objective.join(" and "),
        unit::span(subject.run_time_s),
        subject.repeats,
        unit::share(subject.precision)
    )
}

fn shown(load: f64, subject: &Subject) -> String {
    format!("{} {}", unit::significant(load), subject.load_unit)
}

/// What was found, in sentences.
fn sentences(subject: &Subject, result: &Capacity) -> Vec<String> {
    let mut sentences = Vec::new();
    match (result.found, result.missed) {
        (Some(found), Some(missed)) => sentences.push(format!(
            "Capacity: {}. The objective is missed at {}.",
            shown(found, subject),
            shown(missed, subject)
        )),
        (Some(found), None) => sentences.push(format!(
            "Capacity: at least {}, the highest load of the search; no limit was found.",
            shown(found, subject)
        )),
        (None, _) => sentences.push("No load meets the objective.".to_owned()),
    }
    if let Some(first) = result.broke_first.first() {
        sentences.push(format!("First condition missed: {}.", broken(first)));
    }
    if result.is_of_generator() {
        sentences.push(
            "This is the limit of loadproof on this machine, not of the system: give it dedicated cores."
                .to_owned(),
        );
    }
    if let Some(knee) = result.knee {
        sentences.push(format!(
            "Knee: {}, where throughput per response time is greatest; above it, response times grow faster than throughput.",
            shown(knee, subject)
        ));
    }
    sentences
}

fn broken(broken: &Broken) -> String {
    format!("{}, `{}`: {}", broken.mode.word(), broken.condition, broken.seen)
}

/// Load, achieved rate, p50, p99, share not ok, tries that met, what was missed.
fn row(point: &Point) -> [String; 7] {
    let time = |ms: f64| if ms.is_nan() { "n/a".to_owned() } else { unit::time(ms * 1000.0) };
    let first = point.broken.iter().min_by_key(|b| b.mode);
    [
        unit::significant(point.load),
        unit::significant(point.achieved_per_s),
        time(point.p50_ms),
        time(point.p99_ms),
        unit::share(point.not_ok_share),
        format!("{} of {}", point.met, point.tries),
        first.map_or(String::new(), |b| format!("{}: {}", b.mode.word(), b.seen)),
    ]
}

/// Reasons of failed requests at the highest load that was tried.
fn error_modes(result: &Capacity) -> Vec<String> {
    let Some(worst) = result.curve.points.last() else { return Vec::new() };
    let line = |reason: &crate::run::FailureReason| {
        format!(
            "  {} {}: {}, {} times",
            reason.outcome,
            reason.endpoint,
            reason.reason,
            unit::count(reason.count)
        )
    };
    worst.reasons.iter().take(5).map(line).collect()
}
