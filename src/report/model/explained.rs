//! What carries a difference, in print.

use super::words::capitalised;
use super::{Explained, PartRow, PartingTable};
use crate::stats::interval::Interval;
use crate::summary::{Explanation, Measure, Part, Parting};
use crate::unit;

/// Parts that a sentence names at most.
const MOST_NAMED: usize = 2;
/// A part that carries less of the change is not named.
const LEAST_NAMED: f64 = 0.1;
/// A throughput that changes by a smaller share is left unexplained.
const LEAST_CHANGE: f64 = 0.01;

/// The explanations for print. `arms`: the names of baseline and treatment.
pub(super) fn explained(explanations: &[Explanation], arms: [&str; 2]) -> Vec<Explained> {
    explanations.iter().map(|explanation| one(explanation, arms)).collect()
}

fn one(explanation: &Explanation, arms: [&str; 2]) -> Explained {
    let (id, title) = match explanation.of {
        Measure::RequestTail => ("tail-of-requests", "The slowest requests"),
        Measure::EffectTail => ("tail-of-effects", "The slowest effects"),
        Measure::Throughput => ("throughput", "Throughput"),
    };
    Explained {
        id,
        title,
        sentence: sentence(explanation, arms),
        value_heading: if explanation.threshold_us.is_some() { "slower" } else { "per second" },
        has_mix: explanation.threshold_us.is_some(),
        is_told_apart: is_told_apart(explanation),
        tables: explanation.partings.iter().map(|(by, parts)| table(explanation, *by, parts)).collect(),
    }
}

/// Whether the rounds tell the arms apart, by as much as somebody may want explained.
fn is_told_apart(explanation: &Explanation) -> bool {
    explanation.difference.is_some_and(|interval| !interval.contains(0.0)) && !is_slight(explanation)
}

/// Whether a throughput changes by next to nothing. Rates that a load fixes hardly differ between rounds, so that any
/// difference at all is beyond doubt.
fn is_slight(explanation: &Explanation) -> bool {
    let change = explanation.change().abs();
    explanation.threshold_us.is_none() && change < LEAST_CHANGE * explanation.baseline
}

fn sentence(explanation: &Explanation, [baseline, treatment]: [&str; 2]) -> String {
    let of = match explanation.of {
        Measure::EffectTail => "effects",
        Measure::RequestTail | Measure::Throughput => "requests",
    };
    let values = [explanation.baseline, explanation.treatment].map(|value| amount(explanation, value));
    let what = match explanation.threshold_us {
        Some(us) => format!(
            "{} of the {of} under {baseline} and {} under {treatment} are slower than {}, the p99 of the faster arm",
            values[0],
            values[1],
            unit::time(us)
        ),
        None => format!("{} are answered under {baseline} and {} under {treatment}", values[0], values[1]),
    };
    let change = change(explanation, explanation.change());
    match explanation.difference {
        Some(interval) if is_slight(explanation) => {
            format!("{what}: {change} {}. That is less than 1 %.", interval_text(explanation, interval))
        }
        None => format!(
            "{what}: {change}. One round does not show how much rounds vary. {}",
            carriers(explanation)
        ),
        Some(interval) if interval.contains(0.0) => {
            format!(
                "{what}: {change} {}. No significant difference over the rounds.",
                interval_text(explanation, interval)
            )
        }
        Some(interval) => {
            format!("{what}: {change} {}. {}", interval_text(explanation, interval), carriers(explanation))
        }
    }
}

/// `POST /orders carries −6.90 pp of it, its mix +0.01 pp.`
fn carriers(explanation: &Explanation) -> String {
    let total = explanation.change();
    let endpoints = explanation.partings.iter().filter(|(by, _)| *by == Parting::Endpoint);
    let mut parts: Vec<&Part> = endpoints.flat_map(|(_, parts)| parts).collect();
    parts.sort_by(|a, b| (b.within / total).total_cmp(&(a.within / total)));
    let carriers: Vec<String> = parts
        .iter()
        .take(MOST_NAMED)
        .filter(|part| part.within / total >= LEAST_NAMED)
        .map(|part| format!("{} contributes {}", part.name, change(explanation, part.within)))
        .collect();
    let mut parts = carriers;
    if explanation.threshold_us.is_some() {
        let mix = change(explanation, explanation.mix_of_endpoints());
        parts.push(format!("the change in the mix of endpoints contributes {mix}"));
    }
    let sentence = parts.join("; ");
    if sentence.is_empty() { sentence } else { format!("{}.", capitalised(&sentence)) }
}

fn table(explanation: &Explanation, by: Parting, parts: &[Part]) -> PartingTable {
    let by = match by {
        Parting::Endpoint => "By endpoint",
        Parting::Outcome => "By outcome",
        Parting::Phase => "By phase",
        Parting::Time => "By time due",
    };
    let row = |part: &Part| PartRow {
        name: part.name.clone(),
        shares: [part.baseline_share, part.treatment_share].map(unit::share),
        values: [part.baseline, part.treatment].map(|value| match explanation.threshold_us {
            Some(_) => unit::share(value),
            None => unit::significant(value),
        }),
        within: change(explanation, part.within),
        mix: change(explanation, part.mix),
        carries: change(explanation, part.within + part.mix),
        interval: part.carries.map_or(String::new(), |interval| interval_text(explanation, interval)),
    };
    PartingTable { by, rows: parts.iter().map(row).collect() }
}

fn amount(explanation: &Explanation, value: f64) -> String {
    match explanation.threshold_us {
        Some(_) => unit::share(value),
        None => unit::rate(value),
    }
}

/// `−6.90 pp`, `+12.3 /s`: shares change by percentage points.
fn change(explanation: &Explanation, value: f64) -> String {
    let (value, symbol) = match explanation.threshold_us {
        Some(_) => (value * 100.0, "pp"),
        None => (value, "/s"),
    };
    format!("{} {symbol}", signed(value))
}

fn interval_text(explanation: &Explanation, interval: Interval) -> String {
    let scale = if explanation.threshold_us.is_some() { 100.0 } else { 1.0 };
    format!("[{}, {}]", signed(interval.low * scale), signed(interval.high * scale))
}

/// `−6.90`, `+0.012`, `0`
fn signed(value: f64) -> String {
    match unit::significant(value) {
        text if text == "0" || text.starts_with('−') || value <= 0.0 => text,
        text => format!("+{text}"),
    }
}
