//! Bounds that are right by their form and yet hardly what is meant.

use crate::claim::{Amount, Bound, Dimension, Expression, Form, Side, SignalMetric, Statistic, Unit};
use crate::scenario::problem::{Place, Problems};

/// A factor of at least this, or at most one over it, is one between units.
const UNITS_APART: f64 = 20.0;
/// From here on a bare bound of a ratio may be a percentage.
const LARGE_RATIO: f64 = 5.0;

/// A time needs a bound with a unit, and nothing else may have one.
pub(super) fn check_units(value: &Expression, bound: Bound, place: &Place, problems: &Problems) {
    let Ok(dimension) = value.dimension() else { return };
    match (dimension, bound.unit()) {
        (Dimension::Time, Unit::Time) => {}
        (Dimension::Time, _) => {
            problems.add(place, "this value is a time", "expected a time such as `\"500ms\"`");
        }
        (Dimension::Number, Unit::Time) => {
            problems.add(place, "this value is not a time", "expected a number, a share or a change");
        }
        (Dimension::Number, _) => {}
    }
}

/// A change of a series is a share of its first value: `+10%` of drift is 0.10, not 1.10.
pub(super) fn bound_of_drift(value: &Expression, bound: Bound) -> Bound {
    let is_change = |statistic: &Statistic| {
        matches!(statistic, Statistic::Drift(_) | Statistic::Signal(SignalMetric::Growth, _))
    };
    let statistics = value.statistics().unwrap_or_default();
    let is_whole = |side: &Side, of: &Statistic| value.to_string().trim() == format!("{}.{of}", side.word());
    // A ratio of two drifts is a ratio.
    if !matches!(&statistics[..], [(side, of)] if is_change(of) && is_whole(side, of)) {
        return bound;
    }
    let plainly = |amount: Amount| match amount.unit {
        Unit::Change => Amount { value: amount.value - 1.0, unit: Unit::Percent },
        _ => amount,
    };
    match bound {
        Bound::AtLeast(low) => Bound::AtLeast(plainly(low)),
        Bound::AtMost(high) => Bound::AtMost(plainly(high)),
        Bound::Within(low, high) => Bound::Within(plainly(low), plainly(high)),
    }
}

/// Refuses bounds that are right by their units and yet hardly what is meant.
pub(super) fn check_sense(value: &Expression, bound: Bound, place: &Place, problems: &Problems) {
    let mistake = of_change(value, bound)
        .or_else(|| of_series(value, bound))
        .or_else(|| scaled(value))
        .or_else(|| share_of_amount(value, bound))
        .or_else(|| out_of_reach(value, bound));
    if let Some((title, hint)) = mistake {
        problems.add(place, title, hint);
    }
}

/// A title and a hint.
type Mistake = (String, String);

/// A share where a change is meant, and the other way round.
fn of_change(value: &Expression, bound: Bound) -> Option<Mistake> {
    let statistics = value.statistics().unwrap_or_default();
    let has = |side: fn(&Side) -> bool| statistics.iter().any(|(of, _)| side(of));
    let is_ratio_of_arms = matches!(value.form(), Form::Ratio { .. } | Form::Positive)
        && value.dimension() == Ok(Dimension::Number)
        && has(|side| *side == Side::Baseline)
        && has(|side| *side != Side::Baseline);
    let is_drift = statistics.iter().any(|(_, statistic)| {
        matches!(statistic, Statistic::Drift(_) | Statistic::Signal(SignalMetric::Growth, _))
    });
    let written = first_edge(bound);
    let plain = crate::unit::plain;
    match bound.unit() {
        Unit::Percent if is_ratio_of_arms => {
            let title = format!("`{}` of a ratio is {}", Unit::Percent.text(written), plain(written));
            // 99 % are one less than all, 45 % are more by so much.
            let meant = if written > 0.5 { written } else { 1.0 + written };
            let times = Unit::Times.text(meant);
            let hint = if written == 0.0 {
                format!("did you mean `{times}`?")
            } else {
                format!("did you mean `{}` or `{times}`?", Unit::Change.text(meant))
            };
            Some((title, hint))
        }
        Unit::Plain if is_ratio_of_arms && written >= LARGE_RATIO => {
            let title = format!("is a ratio of {0} {0} times as much, or {0} % more?", plain(written));
            Some((title, format!("say `{0}x` or `+{0}%`", plain(written))))
        }
        Unit::Change if !is_ratio_of_arms && !is_drift => Some((
            "a change needs a ratio of the arms, such as `treatment.p95 / baseline.p95`".to_owned(),
            "give the bound of this value as a number or a share, e.g. `45%`".to_owned(),
        )),
        _ => None,
    }
}

/// A bare bound from 1 on of what is a share of a series' own size: `10` of a drift is 1000 %.
fn of_series(value: &Expression, bound: Bound) -> Option<Mistake> {
    let is_share_of_series = |statistic: &Statistic| {
        matches!(
            statistic,
            Statistic::Drift(_) | Statistic::Signal(SignalMetric::Growth | SignalMetric::Remaining, _)
        )
    };
    let statistics = value.statistics().ok()?;
    let written = first_edge(bound);
    let is_bare = bound.unit() == Unit::Plain && written.abs() >= 1.0;
    let [(_, of)] = &statistics[..] else { return None };
    (is_bare && is_share_of_series(of)).then(|| {
        let plain = crate::unit::plain(written);
        let percent = Unit::Percent.text(written);
        (
            format!("`{plain}` of `{of}` is {percent}"),
            format!("did you mean `{plain}%`? otherwise say `{}%`", crate::unit::plain(written * 100.0)),
        )
    })
}

/// A factor between units, which bounds know by themselves.
fn scaled(value: &Expression) -> Option<Mistake> {
    let is_time = value.dimension() == Ok(Dimension::Time);
    let reach = value.range().map(|(least, most)| least.abs().max(most.abs()));
    let is_share = reach.is_some_and(f64::is_finite);
    if !is_time && !is_share {
        return None;
    }
    let is_of_units = |size: f64| size >= UNITS_APART || size <= 1.0 / UNITS_APART;
    let is_scaled = match value.factors() {
        Some(factors) => match factors[..] {
            // A condition changes with nothing but its bound.
            [factor] => factor != 0.0 && (factor.abs() - 1.0).abs() > 1e-6,
            _ => factors.iter().all(|factor| *factor != 0.0 && is_of_units(factor.abs())),
        },
        None => is_share && reach.is_some_and(is_of_units),
    };
    let counted = if is_time { "times are in milliseconds" } else { "shares count from 0 to 1" };
    is_scaled.then(|| {
        (format!("{counted}; write the unit in the bound instead"), "leave out the factor".to_owned())
    })
}

/// `1%` of an amount of which nothing says what all of it is.
fn share_of_amount(value: &Expression, bound: Bound) -> Option<Mistake> {
    let is_amount = |statistic: &Statistic| {
        matches!(
            statistic,
            Statistic::Count(_)
                | Statistic::Throughput
                | Statistic::AllOk(_)
                | Statistic::NoneOk(_)
                | Statistic::Events(_)
                | Statistic::Capacity(_)
                | Statistic::Signal(SignalMetric::Delta | SignalMetric::Rate, _)
        )
    };
    let statistics = value.statistics().unwrap_or_default();
    let of_amounts = !statistics.is_empty() && statistics.iter().all(|(_, statistic)| is_amount(statistic));
    let is_relative = matches!(bound.unit(), Unit::Percent | Unit::Times);
    // What is divided by another amount is none any more.
    (is_relative && of_amounts && value.factors().is_some()).then(|| {
        let title = "a share bounds an amount here".to_owned();
        (title, "give the bound as a number, or claim a share, such as `run.failed_share`".to_owned())
    })
}

/// A bound that every value keeps to, or none.
fn out_of_reach(value: &Expression, bound: Bound) -> Option<Mistake> {
    let (least, most) = value.range()?;
    let (low, high) = bound.edges();
    let (low, high) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
    let always_holds = low <= least && most <= high;
    let never_holds = most < low || high < least;
    if !always_holds && !never_holds {
        return None;
    }
    let is_share = least.is_finite() && most.is_finite();
    let title = match (never_holds, is_share) {
        (true, true) if most <= 1.0 => "a share never exceeds 100 %",
        (true, _) => "no value keeps to this bound",
        (false, true) => "every share keeps to this bound",
        (false, false) => "every value keeps to this bound",
    };
    let written = first_edge(bound);
    let hint = if is_share && written >= 1.0 && bound.unit() == Unit::Plain {
        format!("did you mean `{}%`?", crate::unit::plain(written))
    } else if is_share && written <= -1.0 {
        format!("did you mean `{}`?", crate::unit::plain(written / 100.0))
    } else {
        let end = |value: f64| match value.is_finite() {
            true => crate::unit::plain(value),
            false if value < 0.0 => "−∞".to_owned(),
            false => "∞".to_owned(),
        };
        format!("it lies between {} and {}", end(least), end(most))
    };
    Some((title.to_owned(), hint))
}

fn first_edge(bound: Bound) -> f64 {
    let (low, high) = bound.edges();
    low.or(high).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_on_a_drift_is_a_share_of_where_the_series_began() {
        let ten_percent = Bound::AtMost("+10%".parse().unwrap());
        for (text, is_share) in [
            ("run.drift(95)", true),
            ("treatment.drift('memory')", true),
            ("run.p95", false),
            ("treatment.drift(95) / baseline.drift(95)", false),
        ] {
            let Bound::AtMost(most) = bound_of_drift(&Expression::new(text), ten_percent) else {
                panic!("{text}")
            };
            assert_eq!(most.unit == Unit::Percent, is_share, "{text}");
            assert_eq!(Bound::AtMost(most).holds(0.88), !is_share, "{text}");
        }
    }
}
