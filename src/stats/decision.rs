//! The rule by which rounds decide a claim: when to look, at which level, and on which side of a
//! threshold an interval lies.
//!
//! Looking after every round and stopping at the first success finds an effect in a quarter of the
//! experiments without any. Three looks share an error of 5 % instead.

use serde::Serialize;

use super::interval::Interval;

/// `(rounds, alpha)` of every look, in order. The alphas, two-sided, add up to 5 % (Bonferroni's bound).
pub const LOOKS: [(usize, f64); 3] = [(5, 0.010), (10, 0.015), (20, 0.025)];

/// Two-sided alpha of an interval over `rounds`: that of the last look reached; below the first look, where
/// nothing is decided, that of the first.
pub fn alpha_at(rounds: usize) -> f64 {
    LOOKS.iter().rev().find(|look| look.0 <= rounds).unwrap_or(&LOOKS[0]).1
}

/// Whether a verdict may be given after exactly `rounds`.
pub fn is_look(rounds: usize) -> bool {
    LOOKS.iter().any(|look| look.0 == rounds)
}

/// Rounds of the first look after `rounds`; none from the last look on.
pub fn next_look(rounds: usize) -> Option<usize> {
    LOOKS.iter().map(|look| look.0).find(|look| *look > rounds)
}

/// Where an interval lies beside a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// All of it at or above the threshold.
    Above,
    /// All of it below the threshold.
    Below,
    /// On both sides: not decided.
    Across,
}

/// The side of `interval`, both in the same unit. The threshold itself counts as above; an
/// interval without numbers (NaN) decides nothing.
pub fn side(interval: Interval, threshold: f64) -> Side {
    if interval.low >= threshold {
        Side::Above
    } else if interval.high < threshold {
        Side::Below
    } else {
        Side::Across
    }
}

/// Whether there are values, and each is at least `threshold`.
///
/// The guard of quantiles from p99 on: logarithms of their ratios may be skewed, so that an interval alone
/// passes too often at the first looks. False for no values.
pub fn all_beyond(values: &[f64], threshold: f64) -> bool {
    !values.is_empty() && values.iter().all(|v| *v >= threshold)
}

/// The level at which each of several claims is decided, so that the chance of any false decision stays
/// below `alpha`: Holm's step-down procedure.
///
/// `p_values`: two-sided p of each claim's threshold. A claim is decided where its p is at most its level, which
/// is where its interval at 1 − level leaves the threshold out. In order of p, the claim at place i of m gets
/// α/(m − i); from the first that is not decided on, all get that one's level.
///
/// Source: Holm 1979, Scandinavian Journal of Statistics 6(2).
pub fn simultaneous_levels(p_values: &[f64], alpha: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut levels = vec![alpha; p_values.len()];
    let mut stopped = None;
    for (place, claim) in order.into_iter().enumerate() {
        let level = stopped.unwrap_or(alpha / (p_values.len() - place) as f64);
        levels[claim] = level;
        if p_values[claim].is_nan() || p_values[claim] > level {
            stopped = Some(level);
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::mean::Moments;

    #[test]
    fn looks_share_five_percent() {
        assert!((LOOKS.iter().map(|look| look.1).sum::<f64>() - 0.05).abs() < 1e-12);
        assert_eq!([4, 5, 9, 10, 19, 20, 50].map(alpha_at), [0.01, 0.01, 0.01, 0.015, 0.015, 0.025, 0.025]);
        assert_eq!([4, 5, 6, 10, 20, 21].map(is_look), [false, true, false, true, true, false]);
        assert_eq!([0, 5, 12, 20].map(next_look), [Some(5), Some(10), Some(20), None]);
    }

    #[test]
    fn the_threshold_itself_is_above() {
        let at = |low, high| side(Interval { low, high }, 1.0);
        assert_eq!(at(1.0, 2.0), Side::Above);
        assert_eq!(at(0.5, 1.0), Side::Across);
        assert_eq!(at(0.5, 0.999), Side::Below);
        assert_eq!(at(f64::NAN, f64::NAN), Side::Across);
    }

    #[test]
    fn one_value_short_of_the_threshold_breaks_the_guard() {
        assert!(all_beyond(&[1.0, 1.2, 3.0], 1.0));
        assert!(!all_beyond(&[1.0, 0.999, 30.0], 1.0));
        assert!(!all_beyond(&[f64::NAN, 2.0], 1.0));
        assert!(!all_beyond(&[], 1.0));
        // What the guard is for: an interval above 1 with a value below it.
        let values = [0.99, 1.5, 1.6, 1.55, 1.58];
        let interval = Moments::of(&values).unwrap().interval(0.05);
        assert_eq!(side(interval, 1.0), Side::Above);
        assert!(!all_beyond(&values, 1.0));
    }

    #[test]
    fn levels_step_down_until_the_first_claim_that_stays_open() {
        let levels = |p: &[f64]| simultaneous_levels(p, 0.06);
        assert_eq!(levels(&[]), Vec::<f64>::new());
        assert_eq!(levels(&[0.5]), [0.06]);
        assert_eq!(levels(&[0.05, 0.001, 0.025]), [0.06, 0.02, 0.03]);
        assert_eq!(levels(&[0.04, 0.001, 0.05]), [0.03, 0.02, 0.03]);
        assert_eq!(levels(&[0.021, 0.022, 0.023]), [0.02, 0.02, 0.02]);
    }

    proptest! {
        #[test]
        fn simultaneous_levels_lie_between_bonferroni_s_and_alpha(
            p in prop::collection::vec(0.0..0.2_f64, 1..12), alpha in 0.001..0.1_f64,
        ) {
            let levels = simultaneous_levels(&p, alpha);
            let bonferroni = alpha / p.len() as f64;
            prop_assert!(levels.iter().all(|l| *l >= bonferroni - 1e-15 && *l <= alpha));
            // What Bonferroni decides, Holm decides; and a smaller p is never open beside a decided larger one.
            let decided: Vec<bool> = p.iter().zip(&levels).map(|(p, l)| p <= l).collect();
            for i in 0..p.len() {
                prop_assert!(decided[i] || p[i] > bonferroni);
                for j in 0..p.len() {
                    prop_assert!(!(decided[j] && p[i] <= p[j]) || decided[i]);
                }
            }
        }

        #[test]
        fn a_higher_threshold_is_never_easier(low in -1.0..1.0_f64, width in 0.0..1.0_f64, a in -2.0..2.0_f64, b in -2.0..2.0_f64) {
            let interval = Interval { low, high: low + width };
            if side(interval, a.max(b)) == Side::Above {
                prop_assert_eq!(side(interval, a.min(b)), Side::Above);
            }
        }
    }
}
