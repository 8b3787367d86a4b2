//! What a claim is about: any formula, or a word that stands for one.

use super::bound::{bound, tolerance};
use super::formula::{EVENT, check_name, expression};
use super::known::Known;
use super::sense::{bound_of_drift, check_sense, check_units};
use crate::claim::{Amount, Bound, Expression, Rule, Side, Unit};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::problem::{Place, Problems};

/// The keys of which a claim has exactly one.
pub(super) const SUBJECTS: [&str; 11] = [
    "value",
    "always",
    "grows",
    "constant",
    "drains",
    "recovers",
    "recovers_after",
    "detected_after",
    "leaks",
    "degrades",
    "accounts_for",
];

/// How much a signal may drift over a run, if a claim does not say: at most.
const LEAK: f64 = 0.05;

/// How much a quantile of response times may drift over a run.
const DEGRADATION: f64 = 0.1;

pub(super) fn subject(table: &mut Fields<'_>, known: &Known<'_>) -> Option<(Expression, Bound, Rule)> {
    let problems = table.problems;
    let given: Vec<&'static str> = SUBJECTS.into_iter().filter(|key| table.has(key)).collect();
    let [key] = given[..] else {
        let title = format!("a claim needs exactly one of `{}`", SUBJECTS.join("`, `"));
        problems.add(&table.place, title, "in this claim");
        return None;
    };
    if key == "accounts_for" {
        return accounts(table, known);
    }
    let text = table.required_text(key)?;
    let side = side(table);
    let tolerance = tolerance(table);
    let bound = bound(table);
    let of = |metric: &str| Expression::new(format!("{}.{metric}('{}')", side.word(), text.value));
    if !["value", "recovers_after", "detected_after", "degrades"].contains(&key) {
        check_name(&text, "signal", &known.signals, problems);
    }
    let share = |value| Amount { value, unit: Unit::Percent };
    let claimed = match key {
        "value" => {
            let value = expression(&text, known, problems)?;
            let (bound, place) = needed(bound, table)?;
            check_units(&value, bound, &place, problems);
            check_sense(&value, bound, &place, problems);
            let bound = bound_of_drift(&value, bound);
            (value, bound, Rule::Interval)
        }
        "always" => {
            let (bound, place) = needed(bound, table)?;
            let metric = match bound {
                Bound::AtLeast(_) => "min",
                Bound::AtMost(_) => "max",
                Bound::Within(..) => {
                    problems.add(&place, "`always` takes one bound", "say `at_least` or `at_most`");
                    return None;
                }
            };
            (of(metric), bound, Rule::EveryRun)
        }
        "grows" => (of("growth"), Bound::AtLeast(share(tolerance)), Rule::Interval),
        "constant" => (of("growth"), Bound::Within(share(-tolerance), share(tolerance)), Rule::Interval),
        "drains" => (of("remaining"), Bound::AtMost(share(0.0)), Rule::EveryRun),
        "recovers" => {
            let above = table.number("above");
            let (bound, place) = needed(bound, table)?;
            let Some(above) = above else {
                problems.add(
                    &text.place,
                    "`recovers` needs `above`, the level to which the signal returns",
                    "say `above = 2`",
                );
                return None;
            };
            let value =
                Expression::new(format!("{}.excursion('{}', {})", side.word(), text.value, above.value));
            check_units(&value, bound, &place, problems);
            check_sense(&value, bound, &place, problems);
            (value, bound, Rule::EveryRun)
        }
        "leaks" => {
            let most = bound.map_or(Bound::AtMost(share(LEAK)), |(bound, place)| {
                check_sense(&of("drift"), bound, &place, problems);
                bound_of_drift(&of("drift"), bound)
            });
            (of("drift"), most, Rule::Interval)
        }
        "degrades" => {
            let value =
                Located { value: format!("{}.drift({})", side.word(), percent(&text, problems)?), ..text };
            let value = expression(&value, known, problems)?;
            let most = bound.map_or(Bound::AtMost(share(DEGRADATION)), |(bound, place)| {
                check_sense(&value, bound, &place, problems);
                bound
            });
            let most = bound_of_drift(&value, most);
            (value, most, Rule::Interval)
        }
        _ => {
            let time = crate::unit::parse_duration(&text.value);
            if time.is_err() {
                check_name(&text, EVENT, &known.events, problems);
            }
            let (bound, place) = needed(bound, table)?;
            let value = of(if key == "recovers_after" { "recovery" } else { "detection" });
            check_units(&value, bound, &place, problems);
            check_sense(&value, bound, &place, problems);
            (value, bound, Rule::EveryRun)
        }
    };
    if ["grows", "constant", "drains"].contains(&key) && table.has_bound() {
        problems.add(
            &table.place,
            format!("`{key}` brings its own bound"),
            "leave the bound out, or use `value`",
        );
    }
    Some(claimed)
}

/// The number in `p95`.
fn percent(text: &Located<String>, problems: &Problems) -> Option<f64> {
    let quantile = Expression::new(format!("run.{}", text.value)).statistics().ok();
    let p = quantile.and_then(|found| found.first()?.1.quantile());
    if p.is_none() {
        problems.add(&text.place, format!("`{}` is not a valid quantile", text.value), "expected e.g. `p95`");
    }
    p.map(|p| (p * 1e8).round() / 1e6)
}

/// `accounts_for = { stream = "signal", … }`: what each signal has counted since the run's start is what
/// the run's requests have raised.
fn accounts(table: &mut Fields<'_>, known: &Known<'_>) -> Option<(Expression, Bound, Rule)> {
    let problems = table.problems;
    let side = side(table).word();
    let streams = table.table("accounts_for")?;
    let mut terms = Vec::new();
    for (stream, value) in streams.entries() {
        let place = Place { file: streams.file(), span: value.span() };
        let Some(signal) = value.get_ref().as_str() else {
            problems.add(
                &place,
                "a stream needs the signal that counts its events",
                "expected the signal's name",
            );
            continue;
        };
        check_name(&stream, "stream of raised events", &known.streams, problems);
        check_name(&Located { value: signal.to_owned(), place }, "signal", &known.signals, problems);
        terms.push(format!("({side}.delta('{signal}') - {side}.events('{}'))|abs", stream.value));
    }
    if terms.is_empty() {
        problems.add(&streams.place, "`accounts_for` is empty", "needs at least one");
        return None;
    }
    Some((Expression::new(terms.join(" + ")), Bound::AtMost(Amount::plain(0.0)), Rule::EveryRun))
}

fn needed(bound: Option<(Bound, Place)>, table: &Fields<'_>) -> Option<(Bound, Place)> {
    if bound.is_none() && !table.has_bound() {
        let title = "a claim needs exactly one of `at_least`, `at_most`, `within`";
        table.problems.add(&table.place, title, "in this claim");
    }
    bound
}

fn side(table: &mut Fields<'_>) -> Side {
    let Some(text) = table.text("arm") else { return Side::Run };
    let words: Vec<&str> = Side::ALL.iter().map(|s| s.word()).collect();
    Side::ALL.into_iter().find(|s| s.word() == text.value).unwrap_or_else(|| {
        table.problems.add_unknown(&text.place, "arm", &text.value, &words);
        Side::Run
    })
}
