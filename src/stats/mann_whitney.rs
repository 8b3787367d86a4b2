//! Whether one sample tends to lie above another, by ranks.

use serde::Serialize;

use super::distribution::normal_cdf;

/// Mann and Whitney's U of two samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MannWhitney {
    /// Pairs whose first value is the larger one; ties count half.
    pub u: f64,
    /// Values in the first sample.
    pub n: usize,
    /// Values in the second sample.
    pub m: usize,
    /// Σ(t³ − t) over groups of t equal values; 0 without ties.
    pub tie_sum: f64,
}

/// Chances of U without ties, if both samples come from one distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExactP {
    /// Of a U as small or smaller.
    pub less: f64,
    /// Of a U as large or larger.
    pub greater: f64,
    /// Twice the smaller of both, at most 1.
    pub two_sided: f64,
}

impl MannWhitney {
    /// U of two samples in any order; none if either is empty.
    ///
    /// Source: Mann and Whitney 1947, Annals of Mathematical Statistics 18.
    pub fn of(first: &[f64], second: &[f64]) -> Option<Self> {
        let (n, m) = (first.len(), second.len());
        if n == 0 || m == 0 {
            return None;
        }
        let mut all: Vec<(f64, bool)> =
            first.iter().map(|x| (*x, true)).chain(second.iter().map(|y| (*y, false))).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut u, mut tie_sum, mut seconds_below) = (0.0, 0.0, 0.0);
        for group in all.chunk_by(|a, b| a.0 == b.0) {
            let size = group.len() as f64;
            let firsts = group.iter().filter(|value| value.1).count() as f64;
            let seconds = size - firsts;
            u += firsts * (seconds_below + seconds / 2.0);
            tie_sum += size.powi(3) - size;
            seconds_below += seconds;
        }
        Some(Self { u, n, m, tie_sum })
    }

    /// Whether some value occurs twice.
    pub fn has_ties(&self) -> bool {
        self.tie_sum > 0.0
    }

    /// Two-sided p by the normal approximation, with corrections for continuity and ties.
    pub fn p_asymptotic(&self) -> f64 {
        let (n, m) = (self.n as f64, self.m as f64);
        let total = n + m;
        let variance = n * m / 12.0 * ((total + 1.0) - self.tie_sum / (total * (total - 1.0)));
        if variance <= 0.0 {
            return 1.0;
        }
        let z = ((self.u - n * m / 2.0).abs() - 0.5) / variance.sqrt();
        (2.0 * normal_cdf(-z)).min(1.0)
    }

    /// p over all arrangements of the ranks; none with ties. Takes about (n·m)² steps.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "u counts pairs if nothing ties"
    )]
    pub fn p_exact(&self) -> Option<ExactP> {
        if self.has_ties() {
            return None;
        }
        let chances = distribution_of_u(self.n, self.m);
        let u = self.u as usize;
        let less: f64 = chances[..=u].iter().sum();
        let greater: f64 = chances[u..].iter().rev().sum();
        Some(ExactP {
            less: less.min(1.0),
            greater: greater.min(1.0),
            two_sided: (2.0 * less.min(greater)).min(1.0),
        })
    }
}

/// The chance of each U in 0..=n·m.
///
/// The largest of all values belongs to the first sample with chance n/(n+m), and then adds m to U; without
/// it the samples are one value smaller.
fn distribution_of_u(n: usize, m: usize) -> Vec<f64> {
    // by_n[i]: the chances with i values in the first sample and so far j in the second.
    let mut by_n: Vec<Vec<f64>> = vec![vec![1.0]; n + 1];
    for j in 1..=m {
        for i in 1..=n {
            let largest_is_first = i as f64 / (i + j) as f64;
            let mut chances = vec![0.0; i * j + 1];
            for (u, chance) in by_n[i].iter().enumerate() {
                chances[u] += (1.0 - largest_is_first) * chance;
            }
            for (u, chance) in by_n[i - 1].iter().enumerate() {
                chances[u + j] += largest_is_first * chance;
            }
            by_n[i] = chances;
        }
    }
    by_n.swap_remove(n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_above_three_is_one_arrangement_of_twenty() {
        let p = MannWhitney::of(&[4.0, 5.0, 6.0], &[1.0, 2.0, 3.0]).unwrap().p_exact().unwrap();
        assert!((p.greater - 0.05).abs() < 1e-15 && (p.two_sided - 0.1).abs() < 1e-15 && p.less == 1.0);
    }

    #[test]
    fn equal_samples_tell_nothing() {
        let same = MannWhitney::of(&[2.0; 5], &[2.0; 4]).unwrap();
        assert_eq!((same.u, same.p_asymptotic(), same.p_exact()), (10.0, 1.0, None));
        assert_eq!(MannWhitney::of(&[], &[1.0]), None);
    }

    proptest! {
        #[test]
        fn samples_may_change_places(
            first in prop::collection::vec(0_u8..40, 1..10), second in prop::collection::vec(0_u8..40, 1..10),
        ) {
            let numbers = |v: &[u8]| v.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
            let there = MannWhitney::of(&numbers(&first), &numbers(&second)).unwrap();
            let back = MannWhitney::of(&numbers(&second), &numbers(&first)).unwrap();
            prop_assert_eq!(there.u + back.u, (first.len() * second.len()) as f64);
            prop_assert!((there.p_asymptotic() - back.p_asymptotic()).abs() < 1e-12);
            if let (Some(there), Some(back)) = (there.p_exact(), back.p_exact()) {
                prop_assert!((there.two_sided - back.two_sided).abs() < 1e-12);
                prop_assert!((there.less - back.greater).abs() < 1e-12);
            }
        }

        #[test]
        fn chances_add_up_to_one(n in 1_usize..15, m in 1_usize..15) {
            let chances = distribution_of_u(n, m);
            prop_assert_eq!(chances.len(), n * m + 1);
            prop_assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
