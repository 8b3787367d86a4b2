//! The ratio of two estimates that have limits of their own.

use serde::Serialize;

/// An estimate with limits, each of which may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Limits {
    /// The estimate, above 0.
    pub estimate: f64,
    /// Lower limit; none if unbounded.
    pub lower: Option<f64>,
    /// Upper limit; none if unbounded.
    pub upper: Option<f64>,
}

/// `numerator / denominator` with limits at the level of theirs; none if an estimate is not above 0.
///
/// MOVER on logarithms g with limits (l, u): `L = g₁ − g₂ − √((g₁−l₁)² + (u₂−g₂)²)` and
/// `U = g₁ − g₂ + √((u₁−g₁)² + (g₂−l₂)²)`. A bound whose limits are not both known, and above 0, is unbounded.
///
/// Source: Zou and Donner 2008, Statistics in Medicine 27 (the method of variance estimates recovery).
pub fn ratio(numerator: &Limits, denominator: &Limits) -> Option<Limits> {
    let (g1, g2) = (ln(numerator.estimate)?, ln(denominator.estimate)?);
    let distance = |limit: Option<f64>, g: f64| limit.and_then(ln).map(|l| l - g);
    let reach = |first: Option<f64>, second: Option<f64>| Some(first?.hypot(second?));
    let down = reach(distance(numerator.lower, g1), distance(denominator.upper, g2));
    let up = reach(distance(numerator.upper, g1), distance(denominator.lower, g2));
    let g = g1 - g2;
    Some(Limits {
        estimate: numerator.estimate / denominator.estimate,
        lower: down.map(|d| (g - d).exp()),
        upper: up.map(|u| (g + u).exp()),
    })
}

/// The logarithm of a number above 0.
fn ln(x: f64) -> Option<f64> {
    (x > 0.0).then(|| x.ln())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits() -> impl Strategy<Value = Limits> {
        let side = || prop::option::of(1.0..5.0_f64);
        (0.1..1000.0_f64, side(), side()).prop_map(|(estimate, below, above)| Limits {
            estimate,
            lower: below.map(|f| estimate / f),
            upper: above.map(|f| estimate * f),
        })
    }

    #[test]
    fn each_bound_needs_one_limit_of_either_side() {
        let full = Limits { estimate: 2.0, lower: Some(1.0), upper: Some(3.0) };
        let no_lower = Limits { lower: None, ..full };
        let no_upper = Limits { upper: None, ..full };
        let bounds = |a, b| ratio(a, b).map(|r| (r.lower.is_some(), r.upper.is_some())).unwrap();
        assert_eq!(bounds(&full, &full), (true, true));
        assert_eq!(bounds(&no_lower, &full), (false, true));
        assert_eq!(bounds(&no_upper, &full), (true, false));
        assert_eq!(bounds(&full, &no_lower), (true, false));
        assert_eq!(bounds(&full, &no_upper), (false, true));
        assert_eq!(ratio(&Limits { estimate: 0.0, ..full }, &full), None);
        assert_eq!(bounds(&Limits { lower: Some(0.0), ..full }, &full), (false, true));
    }

    proptest! {
        #[test]
        fn bounds_hold_the_ratio_and_turn_round_with_the_arms(a in limits(), b in limits()) {
            let (there, back) = (ratio(&a, &b).unwrap(), ratio(&b, &a).unwrap());
            prop_assert!(there.lower.is_none_or(|l| l <= there.estimate * (1.0 + 1e-12)));
            prop_assert!(there.upper.is_none_or(|u| u >= there.estimate * (1.0 - 1e-12)));
            prop_assert_eq!(there.lower.is_some(), back.upper.is_some());
            if let (Some(lower), Some(upper)) = (there.lower, back.upper) {
                prop_assert!((lower * upper - 1.0).abs() < 1e-9);
            }
        }
    }
}
