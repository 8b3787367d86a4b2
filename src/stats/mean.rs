//! Means of few values, with t intervals: what rounds of an experiment are judged by.
//!
//! A ratio of arms is judged on the logarithms of its rounds' ratios, see [`log_ratios`]; the
//! interval of the ratio itself is that of the mean, mapped by `exp`.

use serde::Serialize;

use super::distribution::{t_cdf, t_quantile, t_two_sided};
use super::interval::Interval;

/// Number, mean and spread of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moments {
    /// How many values, at least 2.
    pub n: usize,
    /// Their arithmetic mean, in their unit.
    pub mean: f64,
    /// Their standard deviation (divisor n − 1), in their unit.
    pub sd: f64,
}

impl Moments {
    /// Those of `values`; none below two values.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Some(Self { n: values.len(), mean, sd: (squares / (n - 1.0)).sqrt() })
    }

    /// Degrees of freedom, n − 1.
    pub fn df(&self) -> f64 {
        self.n as f64 - 1.0
    }

    /// Standard error of the mean.
    pub fn standard_error(&self) -> f64 {
        self.sd / (self.n as f64).sqrt()
    }

    /// Where the true mean lies, at level 1 − `alpha`, two-sided: `mean ± t_{n−1, 1−α/2} · s/√n`.
    pub fn interval(&self, alpha: f64) -> Interval {
        Interval::around(self.mean, t_quantile(1.0 - alpha / 2.0, self.df()) * self.standard_error())
    }

    /// Where one further value will lie, at level 1 − `alpha`: `mean ± t_{n−1, 1−α/2} · s·√(1 + 1/n)`.
    pub fn prediction(&self, alpha: f64) -> Interval {
        let spread = self.sd * (1.0 + 1.0 / self.n as f64).sqrt();
        Interval::around(self.mean, t_quantile(1.0 - alpha / 2.0, self.df()) * spread)
    }

    /// `(mean − threshold) / standard error`; infinite without spread, 0 at the threshold itself.
    pub fn t(&self, threshold: f64) -> f64 {
        let distance = self.mean - threshold;
        if distance == 0.0 { 0.0 } else { distance / self.standard_error() }
    }

    /// One-sided p: small where the values speak for a true mean of at least `threshold`.
    pub fn p_at_least(&self, threshold: f64) -> f64 {
        t_cdf(-self.t(threshold), self.df())
    }

    /// One-sided p: small where the values speak for a true mean of at most `threshold`.
    pub fn p_at_most(&self, threshold: f64) -> f64 {
        t_cdf(self.t(threshold), self.df())
    }

    /// Two-sided p: below α exactly where the interval at 1 − α leaves `threshold` out.
    pub fn p_two_sided(&self, threshold: f64) -> f64 {
        t_two_sided(self.t(threshold), self.df())
    }
}

/// `ln(treatment / baseline)` round by round, of positive values in the same order; where one slice
/// is longer, its rest is left out.
pub fn log_ratios(baseline: &[f64], treatment: &[f64]) -> Vec<f64> {
    baseline.iter().zip(treatment).map(|(b, t)| (t / b).ln()).collect()
}

/// The difference of two means whose values are not paired and may spread differently.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Welch {
    /// Second mean less first.
    pub difference: f64,
    /// Its standard error, above 0.
    pub standard_error: f64,
    /// Degrees of freedom by Satterthwaite's formula, fractional.
    pub df: f64,
}

/// Welch's comparison of `second` with `first`; none below two values on a side, or without spread.
///
/// `se² = s₁²/n₁ + s₂²/n₂`, `df = se⁴ / Σ (sᵢ²/nᵢ)²/(nᵢ − 1)`. Source: Welch 1947, Biometrika 34.
pub fn welch(first: &[f64], second: &[f64]) -> Option<Welch> {
    let (a, b) = (Moments::of(first)?, Moments::of(second)?);
    let (va, vb) = (a.standard_error().powi(2), b.standard_error().powi(2));
    let variance = va + vb;
    let df = variance.powi(2) / (va.powi(2) / a.df() + vb.powi(2) / b.df());
    df.is_finite().then(|| Welch { difference: b.mean - a.mean, standard_error: variance.sqrt(), df })
}

impl Welch {
    /// Where the true difference lies, at level 1 − `alpha`, two-sided.
    pub fn interval(&self, alpha: f64) -> Interval {
        Interval::around(self.difference, t_quantile(1.0 - alpha / 2.0, self.df) * self.standard_error)
    }

    /// Two-sided p of no difference.
    pub fn p_two_sided(&self) -> f64 {
        t_two_sided(self.difference / self.standard_error, self.df)
    }
}

/// A mean whose spread is borrowed in part from earlier experiments. For planning only: a history
/// that has become untrue breaks the level, so no verdict may rest on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moderated {
    /// How many values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// The standard deviation of history and values together.
    pub sd: f64,
    /// Its degrees of freedom.
    pub df: f64,
}

/// `moments` with a history of standard deviation `history_sd` on `history_df` degrees of freedom:
/// `df = d₀ + n − 1`, `sd² = (d₀·s₀² + (n − 1)·s²) / df`.
///
/// Source: Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3(1).
pub fn moderated(moments: &Moments, history_df: f64, history_sd: f64) -> Moderated {
    let df = history_df + moments.df();
    let squares = history_df * history_sd.powi(2) + moments.df() * moments.sd.powi(2);
    Moderated { n: moments.n, mean: moments.mean, sd: (squares / df).sqrt(), df }
}

impl Moderated {
    /// Where the true mean lies, at level 1 − `alpha`, two-sided, if the history is true.
    pub fn interval(&self, alpha: f64) -> Interval {
        let half = t_quantile(1.0 - alpha / 2.0, self.df) * self.sd / (self.n as f64).sqrt();
        Interval::around(self.mean, half)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.1..1000.0_f64, 2..21)
    }

    #[test]
    fn one_value_has_no_moments() {
        assert_eq!(Moments::of(&[]), None);
        assert_eq!(Moments::of(&[1.0]), None);
        assert_eq!(welch(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(welch(&[1.0, 1.0], &[2.0, 2.0]), None);
    }

    #[test]
    fn values_without_spread_are_certain() {
        let same = Moments::of(&[2.0, 2.0, 2.0]).unwrap();
        assert_eq!(same.interval(0.01), Interval { low: 2.0, high: 2.0 });
        assert_eq!((same.p_at_least(1.0), same.p_at_least(3.0), same.p_two_sided(2.0)), (0.0, 1.0, 1.0));
    }

    proptest! {
        #[test]
        fn intervals_hold_the_mean_and_grow_with_the_level(values in values(), a in 0.001..0.5_f64, b in 0.001..0.5_f64) {
            let moments = Moments::of(&values).unwrap();
            let (wide, narrow) = (moments.interval(a.min(b)), moments.interval(a.max(b)));
            prop_assert!(wide.contains(moments.mean) && narrow.contains(moments.mean));
            prop_assert!(wide.width() >= narrow.width());
            prop_assert!(moments.prediction(a).width() >= moments.interval(a).width());
        }

        #[test]
        fn the_interval_of_a_ratio_knows_no_units(
            pairs in prop::collection::vec((0.1..1000.0_f64, 0.1..1000.0_f64), 2..21),
            unit in 1e-6..1e6_f64,
        ) {
            let (baseline, treatment): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let scaled = |v: &[f64]| v.iter().map(|x| x * unit).collect::<Vec<_>>();
            let interval = |b: &[f64], t: &[f64]| Moments::of(&log_ratios(b, t)).unwrap().interval(0.05);
            let here = interval(&baseline, &treatment);
            let there = interval(&scaled(&baseline), &scaled(&treatment));
            prop_assert!((here.low - there.low).abs() < 1e-9 && (here.high - there.high).abs() < 1e-9);
            // Arms the other way round: the reciprocal.
            let back = interval(&treatment, &baseline);
            prop_assert!((here.low + back.high).abs() < 1e-9 && (here.high + back.low).abs() < 1e-9);
        }

        #[test]
        fn p_and_interval_agree(values in values(), threshold in 0.1..1000.0_f64, alpha in 0.001..0.5_f64) {
            let moments = Moments::of(&values).unwrap();
            let p = moments.p_two_sided(threshold);
            prop_assume!((p - alpha).abs() > 1e-9);
            prop_assert_eq!(p < alpha, !moments.interval(alpha).contains(threshold));
            prop_assert!((moments.p_at_least(threshold) + moments.p_at_most(threshold) - 1.0).abs() < 1e-12);
            prop_assert!((2.0 * moments.p_at_least(threshold).min(moments.p_at_most(threshold)) - p).abs() < 1e-12);
        }

        #[test]
        fn welch_has_between_the_smaller_and_the_sum_of_degrees(first in values(), second in values()) {
            prop_assume!(Moments::of(&first).unwrap().sd > 1e-6 && Moments::of(&second).unwrap().sd > 1e-6);
            let welch = welch(&first, &second).unwrap();
            let (n, m) = (first.len() as f64 - 1.0, second.len() as f64 - 1.0);
            prop_assert!(welch.df >= n.min(m) - 1e-9 && welch.df <= n + m + 1e-9);
            prop_assert!(welch.interval(0.05).contains(welch.difference));
        }

        #[test]
        fn a_history_pulls_the_spread_towards_its_own(values in values(), sd in 0.1..500.0_f64) {
            let moments = Moments::of(&values).unwrap();
            let both = moderated(&moments, 9.0, sd);
            prop_assert!(both.sd >= sd.min(moments.sd) - 1e-9 && both.sd <= sd.max(moments.sd) + 1e-9);
            prop_assert!(both.interval(0.05).contains(moments.mean));
        }
    }
}
