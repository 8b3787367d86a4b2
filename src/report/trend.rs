//! Metrics over releases: terminal, JSON, CSV, HTML.

use comfy_table::{CellAlignment, Table, presets};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::chart::releases::{self, ReleaseCurve};
use super::html::{self, Drawing, HtmlError};
use super::model::{Line, Scale};
use crate::stats::gate::LEAST_BEFORE;
use crate::trend::{Change, Series, Standing};
use crate::unit;

/// Series that the terminal tells point by point without being asked for them.
const TOLD: usize = 4;

/// For the terminal: how each series stands; those with something to say, or all if they are few, point by
/// point, with changes between the releases.
pub fn text(scenario: &str, series: &[Series]) -> String {
    let bold = anstyle::Style::new().bold();
    if series.is_empty() {
        return format!("{bold}{scenario}{bold:#}: no complete run yet");
    }
    let mut parts = vec![format!("{bold}{scenario} over releases{bold:#} · {} series", series.len())];
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["", "load", "profile", "series", "releases", "newest", "changes"]);
    for one in series {
        let (_, word) = state(one);
        table.add_row([
            word,
            &one.load,
            &one.profile,
            &name(one),
            &one.points.len().to_string(),
            &one.points.last().map_or(String::new(), |point| value(one, point.value)),
            &one.changes.len().to_string(),
        ]);
    }
    for column in [4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    parts.push(table.trim_fmt());
    let has_something = |one: &&Series| {
        !one.changes.is_empty()
            || matches!(one.newest, Standing::Suspect { .. } | Standing::Regression { .. })
    };
    let told = series.iter().filter(|one| series.len() <= TOLD || has_something(one));
    parts.extend(told.map(in_line));
    parts.join("\n\n")
}

/// One series, a line per release, changes and breaks between them.
fn in_line(one: &Series) -> String {
    let bold = anstyle::Style::new().bold();
    let width = one.points.iter().map(|point| point.release.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("  {bold}{}{bold:#} · {} · {}", name(one), one.load, one.profile)];
    for (place, point) in one.points.iter().enumerate() {
        for broken in one.breaks.iter().filter(|b| b.place == place) {
            lines.push(format!("    ── not comparable: {} ──", broken.what.join(", ")));
        }
        for change in one.changes.iter().filter(|c| c.place == place) {
            let style = tint(change.is_worse);
            let percent = unit::change(change.ratio);
            lines.push(format!("    {style}········ {percent} ········{style:#}"));
        }
        let notes =
            if point.notes.is_empty() { String::new() } else { format!("  {}", point.notes.join("; ")) };
        lines.push(format!(
            "    {:<width$}  {}  {:>2} run{}  {:>9}{notes}",
            point.release,
            point.started_at.get(..10).unwrap_or_default(),
            point.runs.len(),
            if point.runs.len() == 1 { " " } else { "s" },
            value(one, point.value),
        ));
    }
    lines.push(format!("    newest: {}", sentence(one)));
    lines.join("\n")
}

fn tint(is_worse: bool) -> anstyle::Style {
    if is_worse { anstyle::AnsiColor::Red.on_default() } else { anstyle::AnsiColor::Green.on_default() }
}

/// Class and word of how the newest release stands.
fn state(one: &Series) -> (&'static str, &'static str) {
    match one.newest {
        Standing::TooFew { .. } => ("warn", "too few"),
        Standing::Usual => ("valid", "usual"),
        Standing::Better { .. } => ("valid", "better"),
        Standing::Suspect { .. } => ("warn", "SUSPECT"),
        Standing::Regression { .. } => ("invalid", "REGRESSION"),
    }
}

fn sentence(one: &Series) -> String {
    match one.newest {
        Standing::TooFew { points } => {
            format!("too few releases: {points} {}; {LEAST_BEFORE} are needed before the newest", since(one))
        }
        Standing::Usual => "usual".to_owned(),
        Standing::Better { ratio } => format!("better, {} against the previous level", unit::change(ratio)),
        Standing::Suspect { ratio } => {
            format!("SUSPECT, {} against the previous level: run it again", unit::change(ratio))
        }
        Standing::Regression { ratio, since } => {
            format!(
                "REGRESSION since {}, {} against the level before",
                one.points[since].release,
                unit::change(ratio)
            )
        }
    }
}

/// From where on the newest release's likes are counted.
fn since(one: &Series) -> String {
    let broken = one.breaks.last().map(|b| (b.place, "on this machine with this workload".to_owned()));
    let changed = one.changes.last().map(|c| (c.place, format!("since {}", changed(one, c))));
    broken
        .into_iter()
        .chain(changed)
        .max_by_key(|(place, _)| *place)
        .map_or("so far".to_owned(), |(_, text)| text)
}

/// `the change of +25.5 % at v1.13`
fn changed(one: &Series, change: &Change) -> String {
    format!("the change of {} at {}", unit::change(change.ratio), one.points[change.place].release)
}

/// `POST /orders [production], p95`
fn name(one: &Series) -> String {
    format!("{}, {}", one.subject.title(), one.metric)
}

fn value(one: &Series, value: f64) -> String {
    if one.more_is_better() { format!("{} /s", unit::significant(value)) } else { unit::time(value * 1e3) }
}

/// As JSON, schema `loadproof.trend/2`.
///
/// # Errors
/// Never, but for a fault of the serializer.
pub fn json(scenario: &str, series: &[Series]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&serde_json::json!({
        "schema": "loadproof.trend/2",
        "scenario": scenario,
        "series": series,
    }))
}

/// A series as the page shows it.
#[derive(Serialize)]
struct Card {
    name: String,
    of: String,
    class: &'static str,
    word: &'static str,
    sentence: String,
    unit: &'static str,
    drawing: Drawing,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    release: String,
    started_at: String,
    runs: Vec<String>,
    value: String,
    /// What begins here: a change, or another stretch.
    begins: Vec<String>,
    notes: Vec<String>,
}

/// As a page.
///
/// # Errors
/// If the template is faulty.
pub fn html(scenario: &str, series: &[Series]) -> Result<String, HtmlError> {
    let cards: Vec<Card> = series.iter().enumerate().map(|(place, one)| card(place, one)).collect();
    let count = |word: &str| cards.iter().filter(|card| card.word == word).count();
    let summary = format!(
        "{} series: {} usual, {} better, {} suspect, {} with a regression, {} with too few releases.",
        cards.len(),
        count("usual"),
        count("better"),
        count("SUSPECT"),
        count("REGRESSION"),
        count("too few")
    );
    html::page(
        "trend.html",
        context! {
            scenario,
            summary,
            answer => Value::from(Serde(answer(series))),
            cards => Value::from(Serde(&cards)),
            tool_version => env!("CARGO_PKG_VERSION"),
        },
        &html::REPORT,
    )
}

/// The newest release, over all series.
#[derive(Serialize)]
struct TrendAnswer {
    word: String,
    tone: &'static str,
    sentence: String,
    /// Series that do not stand as usual, in a sentence each.
    others: Vec<String>,
}

/// The worst state of all series is the answer.
fn answer(series: &[Series]) -> TrendAnswer {
    let rank = |one: &Series| match one.newest {
        Standing::Regression { .. } => 4,
        Standing::Suspect { .. } => 3,
        Standing::Better { .. } => 2,
        Standing::Usual => 1,
        Standing::TooFew { .. } => 0,
    };
    let newest = |one: &Series| one.points.last().map_or(String::new(), |point| point.release.clone());
    let told = |one: &Series| format!("{} ({} · {}): {}", name(one), one.load, one.profile, sentence(one));
    let Some(worst) = series.iter().max_by_key(|one| rank(one)) else {
        return TrendAnswer {
            word: "NO RELEASES".to_owned(),
            tone: "none",
            sentence: "There is no complete run yet.".to_owned(),
            others: Vec::new(),
        };
    };
    let same = series.iter().filter(|one| rank(one) == rank(worst)).count();
    let all = series.len();
    let release = newest(worst);
    let (word, tone, sentence) = match worst.newest {
        Standing::Regression { .. } => (
            "REGRESSION",
            "refuted",
            format!("{release} is worse in {same} of {all} series, as was the release before it."),
        ),
        Standing::Suspect { .. } => {
            ("SUSPECT", "undecided", format!("{release} is worse in {same} of {all} series: run it again."))
        }
        Standing::Better { .. } => (
            "BETTER",
            "supported",
            format!("{release} is better in {same} of {all} series, and worse in none."),
        ),
        Standing::Usual => {
            ("USUAL", "supported", format!("{release} is as usual in {same} of {all} series."))
        }
        Standing::TooFew { .. } => (
            "TOO FEW RELEASES",
            "none",
            format!(
                "{release}: every series has fewer than the {LEAST_BEFORE} earlier releases that are needed."
            ),
        ),
    };
    let others = series.iter().filter(|one| rank(one) >= 2).map(told).collect();
    TrendAnswer { word: word.to_owned(), tone, sentence, others }
}

fn card(place: usize, one: &Series) -> Card {
    let (class, word) = state(one);
    let (sentence, name) = (sentence(one), name(one));
    let scale = if one.more_is_better() { Scale::Amount } else { Scale::Time };
    let drawing = html::drawing(releases::draw(&ReleaseCurve {
        id: &format!("t-{place}"),
        title: &name,
        finding: &sentence,
        scale,
        names: one.points.iter().map(|point| point.release.clone()).collect(),
        lines: &lines(one),
        changes: one.changes.iter().map(|c| (c.place as f64 + 1.0, unit::change(c.ratio))).collect(),
        present: starts(one).last().map_or(1.0, |start| *start as f64 + 1.0),
    }));
    Card {
        of: format!("load {} · {}", one.load, one.profile),
        class,
        word,
        sentence,
        unit: if one.more_is_better() { "per second, by release" } else { "log scale, by release" },
        drawing,
        rows: (0..one.points.len()).rev().map(|place| row(one, place)).collect(),
        name,
    }
}

/// Places where regimes begin, in order: the first release, changes, and other machines or workloads.
fn starts(one: &Series) -> Vec<usize> {
    let changes = one.changes.iter().map(|c| c.place);
    let mut starts: Vec<usize> = changes.chain(one.breaks.iter().map(|b| b.place)).chain([0]).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// The values, and the mean of each regime as a line of its own.
fn lines(one: &Series) -> Vec<Line> {
    let factor = if one.more_is_better() { 1.0 } else { 1e3 };
    let at = |place: usize| (place as f64 + 1.0, one.points[place].value * factor);
    let starts = starts(one);
    let ends = starts.iter().skip(1).copied().chain([one.points.len()]);
    let mut lines: Vec<Line> = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let values: Vec<f64> = (*start..end).map(|place| at(place).1).collect();
            let mean = crate::stats::quantile::geometric_mean(&values).unwrap_or(f64::NAN);
            let points = [*start, end - 1].map(|place| (at(place).0, mean)).to_vec();
            Line { name: String::new(), arm: 0, points }
        })
        .filter(|line| line.points[0].0 < line.points[1].0)
        .collect();
    lines.push(Line { name: one.metric.clone(), arm: 1, points: (0..one.points.len()).map(at).collect() });
    lines
}

fn row(one: &Series, place: usize) -> Row {
    let point = &one.points[place];
    let changes = one.changes.iter().filter(|c| c.place == place).map(|c| {
        let word = if c.is_worse { "worse" } else { "better" };
        format!("{} ({word}) from here on", unit::change(c.ratio))
    });
    let breaks = one.breaks.iter().filter(|b| b.place == place).map(|b| b.what.join(", "));
    Row {
        release: point.release.clone(),
        started_at: point.started_at.trim_end_matches('Z').replace('T', " "),
        runs: point.runs.iter().map(ToString::to_string).collect(),
        value: value(one, point.value),
        begins: changes.chain(breaks).collect(),
        notes: point.notes.clone(),
    }
}
