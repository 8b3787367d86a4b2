//! Metrics over releases as a page.

use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::{changed_by, left_out, name, sentence, state, value};
use crate::report::chart::releases::{self, ReleaseCurve};
use crate::report::html::{self, Drawing, HtmlError};
use crate::report::model::{Line, Scale};
use crate::stats::gate::LEAST_BEFORE;
use crate::trend::{Gap, Series, Standing, Trend};

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
pub fn html(scenario: &str, trend: &Trend) -> Result<String, HtmlError> {
    let series = &trend.series[..];
    let cards: Vec<Card> = series.iter().enumerate().map(|(place, one)| card(place, one, trend)).collect();
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
            answer => Value::from(Serde(answer(trend))),
            left_out => trend.left_out.iter().map(left_out).collect::<Vec<_>>(),
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

/// The worst state of all series is the answer; where there is no regression, that nothing is known of the newest release.
fn answer(trend: &Trend) -> TrendAnswer {
    let series = &trend.series[..];
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
            sentence: "No complete runs yet.".to_owned(),
            others: Vec::new(),
        };
    };
    let is_regression = worst.is_regression();
    if let Some(left) = trend.left_out.iter().rev().find(|left| left.is_newest && !is_regression) {
        return TrendAnswer {
            word: "NOT KNOWN".to_owned(),
            tone: "invalid",
            sentence: format!("The newest run was left out: {}.", left_out(left)),
            others: series.iter().filter(|one| rank(one) >= 2).map(told).collect(),
        };
    }
    let all = series.len();
    let unknown: Vec<&Series> = series.iter().filter(|one| one.missing_newest().next().is_some()).collect();
    if let Some(gap) = unknown.iter().find_map(|one| one.missing_newest().last()).filter(|_| !is_regression) {
        return TrendAnswer {
            word: "NOT KNOWN".to_owned(),
            tone: "invalid",
            sentence: format!("{} has no value in {} of {all} series.", gap.release, unknown.len()),
            others: unknown.into_iter().map(told).collect(),
        };
    }
    let same = series.iter().filter(|one| rank(one) == rank(worst)).count();
    let release = newest(worst);
    let (word, tone, sentence) = match worst.newest {
        Standing::Regression { .. } => (
            "REGRESSION",
            "refuted",
            format!("{release} is worse in {same} of {all} series, and that is neither mended nor accepted."),
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

fn card(place: usize, one: &Series, trend: &Trend) -> Card {
    let (class, word) = state(one, trend);
    let (sentence, name) = (sentence(one), name(one));
    let scale = if one.more_is_better() { Scale::Amount } else { Scale::Time };
    let drawing = html::drawing(releases::draw(&ReleaseCurve {
        id: &format!("t-{place}"),
        title: &name,
        finding: &sentence,
        scale,
        names: one.points.iter().map(|point| point.release.clone()).collect(),
        lines: &lines(one),
        changes: one.changes.iter().map(|c| (c.place as f64 + 1.0, changed_by(c.ratio))).collect(),
        present: starts(one).last().map_or(1.0, |start| *start as f64 + 1.0),
    }));
    Card {
        of: format!("load {} · {}", one.load, one.profile),
        class,
        word,
        sentence,
        unit: match scale {
            Scale::Amount if one.is_share() => "percent, by release",
            Scale::Amount => "per second, by release",
            Scale::Time => "log scale, by release",
        },
        drawing,
        rows: (0..=one.points.len()).rev().flat_map(|place| rows(one, place)).collect(),
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
    let factor = match one.more_is_better() {
        true if one.is_share() => 100.0,
        true => 1.0,
        false => 1e3,
    };
    let at = |place: usize| (place as f64 + 1.0, one.points[place].value * factor);
    // What was never answered has no place on an axis; the table has it.
    let is_drawn = |point: &(f64, f64)| point.1.is_finite();
    let starts = starts(one);
    let ends = starts.iter().skip(1).copied().chain([one.points.len()]);
    let mut lines: Vec<Line> = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let values: Vec<f64> = (*start..end).map(at).filter(is_drawn).map(|point| point.1).collect();
            let mean = crate::stats::quantile::geometric_mean(&values).unwrap_or(f64::NAN);
            let points = [*start, end - 1].map(|place| (at(place).0, mean)).to_vec();
            Line { name: String::new(), arm: 0, points }
        })
        .filter(|line| line.points[0].0 < line.points[1].0 && line.points.iter().all(is_drawn))
        .collect();
    lines.push(Line {
        name: one.metric.clone(),
        arm: 1,
        points: (0..one.points.len()).map(at).filter(is_drawn).collect(),
    });
    lines
}

/// The point at a place, after the releases without a value that came before it; the newest first.
fn rows(one: &Series, place: usize) -> Vec<Row> {
    let gap = |gap: &Gap| Row {
        release: gap.release.clone(),
        started_at: String::new(),
        runs: gap.runs.iter().map(ToString::to_string).collect(),
        value: "no value".to_owned(),
        begins: vec!["too few answers".to_owned()],
        notes: Vec::new(),
    };
    let gaps = one.missing.iter().rev().filter(|gap| gap.place == place).map(gap);
    (place < one.points.len()).then(|| row(one, place)).into_iter().chain(gaps).collect()
}

fn row(one: &Series, place: usize) -> Row {
    let point = &one.points[place];
    let changes = one.changes.iter().filter(|c| c.place == place).map(|c| {
        let word = if c.is_worse { "worse" } else { "better" };
        format!("{} ({word}) from here on", changed_by(c.ratio))
    });
    let breaks =
        one.breaks.iter().chain(&one.updates).filter(|b| b.place == place).map(|b| b.what.join(", "));
    Row {
        release: point.release.clone(),
        started_at: point.started_at.trim_end_matches('Z').replace('T', " "),
        runs: point.runs.iter().map(ToString::to_string).collect(),
        value: value(one, point.value),
        begins: changes.chain(breaks).collect(),
        notes: point.notes.clone(),
    }
}
