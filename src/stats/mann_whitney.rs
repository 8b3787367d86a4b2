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

/// Chances of U, if both samples come from one distribution.
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
}

/// Chances of two samples' U over all ways to deal their values out anew, equal values included; none if either is
/// empty. Takes about n²·m·(n + m) steps, n the smaller size.
///
/// Source: Pitman 1937, Supplement to the JRSS 4 (permutation tests); without ties the distribution of Mann and Whitney.
pub fn exact(first: &[f64], second: &[f64]) -> Option<ExactP> {
    // The smaller sample can be dealt in fewer ways.
    if first.len() > second.len() {
        let ExactP { less, greater, two_sided } = exact(second, first)?;
        return Some(ExactP { less: greater, greater: less, two_sided });
    }
    let seen = twice_u(MannWhitney::of(first, second)?.u);
    let ways = ways_to_deal(first, second);
    let share = |ways: &[f64], total: f64| (ways.iter().sum::<f64>() / total).min(1.0);
    let total = ways.iter().sum();
    let (less, greater) = (share(&ways[..=seen], total), share(&ways[seen..], total));
    Some(ExactP { less, greater, two_sided: (2.0 * less.min(greater)).min(1.0) })
}

/// In how many ways each 2U can come about.
fn ways_to_deal(first: &[f64], second: &[f64]) -> Vec<f64> {
    let mut all = [first, second].concat();
    all.sort_by(f64::total_cmp);
    // ways[i][w]: to have dealt the values so far with i of them to the first sample and 2U = w.
    let mut ways: Vec<Vec<f64>> = vec![Vec::new(); first.len() + 1];
    ways[0] = vec![1.0];
    let mut dealt = 0;
    for group in all.chunk_by(|a, b| a == b) {
        let mut after: Vec<Vec<f64>> = vec![Vec::new(); first.len() + 1];
        for (firsts, ways) in ways.iter().enumerate().filter(|(_, ways)| !ways.is_empty()) {
            let seconds = dealt - firsts;
            for more in 0..=group.len().min(first.len() - firsts) {
                // Pairs with seconds below count twice, those of the group itself once.
                let gained = more * (2 * seconds + group.len() - more);
                let choices = choices(group.len(), more);
                let after = &mut after[firsts + more];
                after.resize(after.len().max(ways.len() + gained), 0.0);
                for (w, ways) in ways.iter().enumerate() {
                    after[w + gained] += choices * ways;
                }
            }
        }
        ways = after;
        dealt += group.len();
    }
    ways.swap_remove(first.len())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "u counts pairs and halves")]
fn twice_u(u: f64) -> usize {
    (2.0 * u) as usize
}

/// In how many ways `k` of `n` can be chosen.
pub fn choices(n: usize, k: usize) -> f64 {
    (1..=k).map(|i| (n - k + i) as f64 / i as f64).product()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_above_three_is_one_arrangement_of_twenty() {
        let p = exact(&[4.0, 5.0, 6.0], &[1.0, 2.0, 3.0]).unwrap();
        assert!((p.greater - 0.05).abs() < 1e-15 && (p.two_sided - 0.1).abs() < 1e-15 && p.less == 1.0);
    }

    #[test]
    fn equal_values_on_one_side_take_nothing_from_a_plain_step() {
        let (before, after) = ([1.0, 2.0, 2.0, 3.0], [7.0, 8.0, 9.0]);
        // One of C(7, 3) = 35 choices, and its mirror image.
        assert!((exact(&before, &after).unwrap().two_sided - 2.0 / 35.0).abs() < 1e-15);
        assert_eq!(exact(&[], &[1.0]), None);
    }

    #[test]
    fn equal_samples_tell_nothing() {
        let same = MannWhitney::of(&[2.0; 5], &[2.0; 4]).unwrap();
        assert_eq!((same.u, same.p_asymptotic()), (10.0, 1.0));
        assert_eq!(exact(&[2.0; 5], &[2.0; 4]), Some(ExactP { less: 1.0, greater: 1.0, two_sided: 1.0 }));
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
            let there = exact(&numbers(&first), &numbers(&second)).unwrap();
            let back = exact(&numbers(&second), &numbers(&first)).unwrap();
            prop_assert!((there.two_sided - back.two_sided).abs() < 1e-12);
            prop_assert!((there.less - back.greater).abs() < 1e-12);
        }

        #[test]
        fn every_way_is_counted(n in 1_usize..12, m in 1_usize..12, values in 1_u8..30) {
            let dealt = |from: usize, count: usize| -> Vec<f64> {
                (from..from + count).map(|i| (i * 7 % usize::from(values)) as f64).collect()
            };
            let ways = ways_to_deal(&dealt(0, n), &dealt(n, m));
            let all = choices(n + m, n);
            prop_assert!((ways.iter().sum::<f64>() / all - 1.0).abs() < 1e-12);
        }
    }
}
