//! Metrics over releases: terminal, JSON, HTML.

mod page;
mod text;

pub use page::html;
pub use text::text;

use crate::stats::gate::LEAST_BEFORE;
use crate::trend::{Change, LeftOut, Series, Standing, Trend};
use crate::unit;

/// Class and word of how the newest release stands.
fn state(one: &Series, trend: &Trend) -> (&'static str, &'static str) {
    match one.newest {
        // What an older release came to says nothing of it.
        _ if trend.is_unknown(one) && !one.is_regression() => ("warn", "NOT KNOWN"),
        Standing::TooFew { .. } => ("warn", "too few"),
        Standing::Usual => ("valid", "usual"),
        Standing::Better { .. } => ("valid", "better"),
        Standing::Suspect { .. } => ("warn", "SUSPECT"),
        Standing::Regression { .. } => ("invalid", "REGRESSION"),
    }
}

fn sentence(one: &Series) -> String {
    let missing: Vec<&str> = one.missing_newest().map(|gap| gap.release.as_str()).collect();
    let stands = standing(one);
    if missing.is_empty() {
        return stands;
    }
    let newest = one.points.last().map_or("", |point| point.release.as_str());
    format!("no value of {}, too few answers; {newest}: {stands}", missing.join(", "))
}

fn standing(one: &Series) -> String {
    match one.newest {
        Standing::TooFew { points } => {
            format!("too few releases: {points} {}; {LEAST_BEFORE} are needed before the newest", since(one))
        }
        Standing::Usual => "usual".to_owned(),
        Standing::Better { ratio } => format!("better, {} against the previous level", changed_by(ratio)),
        Standing::Suspect { ratio } => {
            format!("SUSPECT, {} against the previous level: run it again", changed_by(ratio))
        }
        Standing::Regression { ratio, since } => {
            format!(
                "REGRESSION since {}, {} against the level before",
                one.points[since].release,
                changed_by(ratio)
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
    format!("the change of {} at {}", changed_by(change.ratio), one.points[change.place].release)
}

/// `POST /orders [production], p95`
fn name(one: &Series) -> String {
    format!("{}, {}", one.subject.title(), one.metric)
}

fn value(one: &Series, value: f64) -> String {
    match one.more_is_better() {
        true if one.is_share() => unit::share(value),
        true => format!("{} /s", unit::significant(value)),
        false => unit::time(value * 1e3),
    }
}

/// A ratio as a change; one to what was never answered has no number.
fn changed_by(ratio: f64) -> String {
    if ratio == f64::INFINITY { "to ∞".to_owned() } else { unit::change(ratio) }
}

/// `run 7 (v7, load short, profile a), INVALID: clock: …; nothing is known of this release`
fn left_out(left: &LeftOut) -> String {
    let newest = if left.is_newest { "; nothing is known of this release" } else { "" };
    let LeftOut { run, release, load, profile, why, .. } = left;
    format!("run {run} ({release}, load {load}, profile {profile}), {why}{newest}")
}

/// As JSON, schema `loadproof.trend/2`.
///
/// # Errors
/// Never, but for a fault of the serializer.
pub fn json(scenario: &str, trend: &Trend) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&serde_json::json!({
        "schema": "loadproof.trend/2",
        "scenario": scenario,
        "series": trend.series,
        "left_out": trend.left_out,
    }))
}
