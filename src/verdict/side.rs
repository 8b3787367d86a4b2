//! On which side of a claim's bound a value or an interval lies, and how that is said.

use crate::claim::{Bound, Unit};
use crate::stats::decision;
use crate::stats::interval::Interval;

use super::conclusion::Verdict;
use super::estimate::Estimate;

/// How far a value lies outside of a bound; below 0 for one that keeps to it.
pub(super) fn beyond(bound: Bound, value: f64) -> f64 {
    let (least, most) = bound.edges();
    let below = least.map_or(f64::NEG_INFINITY, |least| least - value);
    below.max(most.map_or(f64::NEG_INFINITY, |most| value - most))
}

/// On which side of its bound the interval lies.
pub(super) fn side_of(bound: Bound, low: Option<f64>, high: Option<f64>) -> Verdict {
    let interval = Interval { low: low.unwrap_or(f64::NEG_INFINITY), high: high.unwrap_or(f64::INFINITY) };
    let at = |edge: f64| decision::side(interval, edge);
    match bound {
        Bound::AtLeast(edge) => match at(edge.value) {
            decision::Side::Above => Verdict::Supported,
            decision::Side::Below => Verdict::Refuted,
            decision::Side::Across => Verdict::Undecided,
        },
        Bound::AtMost(_) | Bound::Within(..) => {
            let (least, most) = bound.edges();
            let (least, most) = (least.unwrap_or(f64::NEG_INFINITY), most.unwrap_or(f64::INFINITY));
            if interval.low >= least && interval.high <= most {
                Verdict::Supported
            } else if interval.low > most || interval.high < least {
                Verdict::Refuted
            } else {
                Verdict::Undecided
            }
        }
    }
}

/// What the interval supports: `at least 2.7x`.
pub(super) fn supports(bound: Bound, low: Option<f64>, high: Option<f64>, unit: Unit) -> Option<String> {
    match bound {
        Bound::AtLeast(_) => Some(format!("at least {}", unit.text(low?))),
        Bound::AtMost(_) => Some(format!("at most {}", unit.text(high?))),
        Bound::Within(..) => Some(format!("between {} and {}", unit.text(low?), unit.text(high?))),
    }
}

/// `[2.7x, 3.4x]`; nothing where its ends are one.
pub(super) fn interval_text(estimate: &Estimate, unit: Unit) -> String {
    let end = |value: Option<f64>| value.map_or("∞".to_owned(), |v| unit.text(v));
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) if low == high => String::new(),
        (low, high) => format!("[{}, {}]", low.map_or("0".to_owned(), |v| unit.text(v)), end(high)),
    }
}

/// The bound alone: `3.1x`.
pub(super) fn edge_text(bound: Bound) -> String {
    match bound {
        Bound::AtLeast(edge) | Bound::AtMost(edge) => edge.to_string(),
        Bound::Within(low, high) => format!("{low} or {high}"),
    }
}
