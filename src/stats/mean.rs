//! Means of few values, with t intervals: what rounds of an experiment are judged by.
//!
//! A ratio of arms is judged on the logarithms of its rounds' ratios, see [`log_ratios`]; the
//! interval of the ratio itself is that of the mean, mapped by `exp`.

use serde::Serialize;

use super::distribution::t_quantile;
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
}

/// `ln(treatment / baseline)` round by round, of positive values in the same order; where one slice
/// is longer, its rest is left out.
pub fn log_ratios(baseline: &[f64], treatment: &[f64]) -> Vec<f64> {
    baseline.iter().zip(treatment).map(|(b, t)| (t / b).ln()).collect()
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
    }

    #[test]
    fn values_without_spread_are_certain() {
        let same = Moments::of(&[2.0, 2.0, 2.0]).unwrap();
        assert_eq!(same.interval(0.01), Interval { low: 2.0, high: 2.0 });
    }

    proptest! {
        #[test]
        fn intervals_hold_the_mean_and_grow_with_the_level(values in values(), a in 0.001..0.5_f64, b in 0.001..0.5_f64) {
            let moments = Moments::of(&values).unwrap();
            let (wide, narrow) = (moments.interval(a.min(b)), moments.interval(a.max(b)));
            prop_assert!(wide.contains(moments.mean) && narrow.contains(moments.mean));
            prop_assert!(wide.low <= narrow.low && wide.high >= narrow.high);
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
    }
}
