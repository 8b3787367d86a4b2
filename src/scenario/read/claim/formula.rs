//! Formulas, and the names in them.

use super::known::Known;
use crate::claim::{DriftOf, Expression, Metric, Side, Statistic};
use crate::scenario::fields::Located;
use crate::scenario::problem::Problems;

/// What a claim may count from by name.
pub(super) const EVENT: &str = "fault, stage or hook beside the load";

/// An expression that is true or false of a single run.
pub(in crate::scenario) fn condition(
    text: &Located<String>,
    known: &Known<'_>,
    problems: &Problems,
) -> Option<Expression> {
    let expression = expression(text, known, problems)?;
    if expression.has_stray_time() {
        let title = "this compares a time with a value that is not a time";
        problems.add(&text.place, title, "none of its statistics is a time");
    }
    let statistics = expression.statistics().unwrap_or_default();
    if let Some((_, capacity)) = statistics.iter().find(|(_, s)| matches!(s, Statistic::Capacity(_))) {
        let title = format!("`{capacity}` is of a search, and this is about one run");
        problems.add(&text.place, title, "capacities stand in claims, as in `run.capacity`");
    }
    let others = expression.sides().is_ok_and(|sides| sides.iter().any(|s| *s != Side::Run));
    if others {
        problems.add(
            &text.place,
            "this is about one run",
            "say `run.…` in place of `baseline` or `treatment`",
        );
    }
    Some(expression)
}

/// The same of several, each of what can be had while a run goes on.
pub(in crate::scenario) fn live_conditions(
    texts: &[Located<String>],
    known: &Known<'_>,
    problems: &Problems,
) {
    for text in texts {
        live_condition(text, known, problems);
    }
}

fn live_condition(text: &Located<String>, known: &Known<'_>, problems: &Problems) {
    let Some(expression) = condition(text, known, problems) else { return };
    let statistics = expression.statistics().unwrap_or_default();
    for (_, statistic) in statistics.iter().filter(|(_, s)| !s.is_live()) {
        let title = format!("`{statistic}` is only known after the run");
        let label = "expected quantiles, counts or shares by outcome, or `last('signal')`";
        problems.add(&text.place, title, label);
    }
}

/// Parses an expression and checks the names in it.
pub(super) fn expression(
    text: &Located<String>,
    known: &Known<'_>,
    problems: &Problems,
) -> Option<Expression> {
    let expression = Expression::new(text.value.trim());
    let statistics = match expression.statistics() {
        Ok(statistics) => statistics,
        Err(problem) => {
            problems.add(&text.place, "this formula cannot be evaluated", problem);
            return None;
        }
    };
    if statistics.is_empty() {
        problems.add(
            &text.place,
            "the formula uses no run",
            "expected `baseline.…`, `treatment.…` or `run.…`",
        );
    }
    for (_, statistic) in statistics {
        let percent = match &statistic {
            Statistic::Time(_, Metric::Quantile(p)) | Statistic::Drift(DriftOf::Quantile(p)) => {
                Some(p * 100.0)
            }
            _ => None,
        };
        if let Some(percent) = percent.filter(|percent| *percent > 0.0 && *percent <= 1.0) {
            let [found, meant] = [percent, percent * 100.0].map(crate::unit::plain);
            let title = format!("this is percentile {found}, which hardly any sample is below");
            let hint = format!("percentiles count to 100: did you mean `quantile({meant})`?");
            problems.add(&text.place, title, hint);
        }
        let at = |name: &str| Located { value: name.to_owned(), place: text.place.clone() };
        match &statistic {
            Statistic::Signal(_, name)
            | Statistic::Excursion(name, _)
            | Statistic::Drift(DriftOf::Signal(name))
            | Statistic::Correlation(name) => check_name(&at(name), "signal", &known.signals, problems),
            Statistic::Overlap(name) | Statistic::AllOk(name) | Statistic::NoneOk(name) => {
                check_name(&at(name), "race", known.races, problems);
            }
            Statistic::CheckShare(name) => check_name(&at(name), "soft check", known.soft_checks, problems),
            Statistic::Events(name) => {
                check_name(&at(name), "stream of raised events", &known.streams, problems);
            }
            Statistic::Capacity(Some(name)) => {
                check_name(&at(name), "goal of the search for capacity", &known.goals, problems);
            }
            Statistic::CpuPerRequest(Some(name)) => {
                check_name(&at(name), "service", &known.services, problems);
            }
            Statistic::Reaction { signal, .. } | Statistic::Settling { signal, .. } => {
                check_name(&at(signal), "signal", &known.signals, problems);
            }
            _ => {}
        }
        if let Some(event) = statistic.event().filter(|event| crate::unit::parse_duration(event).is_err()) {
            check_name(&at(event), EVENT, &known.events, problems);
        }
    }
    Some(expression)
}

pub(super) fn check_name(name: &Located<String>, what: &str, known: &[String], problems: &Problems) {
    if !known.contains(&name.value) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        problems.add_unknown(&name.place, what, &name.value, &known);
    }
}
