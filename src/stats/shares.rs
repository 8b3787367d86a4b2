//! Shares of counts in formulas: unions of shares, and shares of two arms held against each other.
//!
//! Rounds without a failure show no spread, so an interval from the rounds' spread alone has no width: "the
//! ratio of ok shares is at least 99.9 %" was supported in 23 % of experiments whose truth was 99.7 %. So
//! the variance is at least that of independent requests, taken at `k + 1/2` of `n + 1` in each round.

use serde::Serialize;

use super::distribution::t_quantile;
use super::interval::Interval;

/// `k` of `n`: what counts, out of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// How many count, in [0, `n`].
    pub k: f64,
    /// How many there are.
    pub n: f64,
}

impl Share {
    /// k/n, in [0, 1]; none of nothing.
    pub fn value(&self) -> Option<f64> {
        (self.n > 0.0).then(|| self.k / self.n)
    }

    /// Variance of k/n for independent trials with the probability `(k + 1/2)/(n + 1)`, which is never 0 or 1.
    pub fn binomial_variance(&self) -> f64 {
        let p = (self.k + 0.5) / (self.n + 1.0);
        p * (1.0 - p) / (self.n + 1.0)
    }
}

/// The share of the union of `parts` that exclude each other, such as failed and error, of the same trials.
///
/// k adds up and n stays. None without parts, where they are of different numbers of trials, or where they
/// come to more than all (so that they cannot exclude each other).
pub fn union(parts: &[Share]) -> Option<Share> {
    let n = parts.first()?.n;
    let k = parts.iter().map(|part| part.k).sum::<f64>();
    (parts.iter().all(|part| part.n == n) && (0.0..=n).contains(&k)).then_some(Share { k, n })
}

/// An estimate that holds one arm's share against the other's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Contrast {
    /// From the sums over rounds; none for a ratio of nothing to nothing, infinite for one to nothing.
    pub estimate: Option<f64>,
    /// Where the truth lies, at the level asked for; never of zero width. The upper end of a ratio may be infinite.
    pub interval: Interval,
}

/// Two arms over rounds: sums of counts, with variances and covariance of their shares.
struct Arms {
    /// Σk/Σn of numerator (0) and denominator (1).
    share: [f64; 2],
    /// Linearised variances over rounds: of 0, of 1, and their covariance.
    over_rounds: [f64; 3],
    /// Binomial variances.
    floor: [f64; 2],
    /// `t_{N−1, 1−α/2}`, squared.
    t_squared: f64,
}

impl Arms {
    /// None below two rounds, without trials in an arm, or with more than all in a round.
    fn of(rounds: &[[Share; 2]], alpha: f64) -> Option<Self> {
        let proper = |share: &Share| (0.0..=share.n).contains(&share.k);
        if rounds.len() < 2 || !rounds.iter().flatten().all(proper) {
            return None;
        }
        let n = [0, 1].map(|arm| rounds.iter().map(|round| round[arm].n).sum::<f64>());
        if n.iter().any(|n| *n <= 0.0) {
            return None;
        }
        let share = [0, 1].map(|arm| rounds.iter().map(|round| round[arm].k).sum::<f64>() / n[arm]);
        let rounds_n = rounds.len() as f64;
        let (mut over_rounds, mut floor) = ([0.0; 3], [0.0; 2]);
        for round in rounds {
            let residual = [0, 1].map(|arm| (round[arm].k - share[arm] * round[arm].n) / n[arm]);
            over_rounds[0] += residual[0] * residual[0];
            over_rounds[1] += residual[1] * residual[1];
            over_rounds[2] += residual[0] * residual[1];
            for arm in 0..2 {
                floor[arm] += (round[arm].n / n[arm]).powi(2) * round[arm].binomial_variance();
            }
        }
        let over_rounds = over_rounds.map(|sum| rounds_n / (rounds_n - 1.0) * sum);
        let t_squared = t_quantile(1.0 - alpha / 2.0, rounds_n - 1.0).powi(2);
        Some(Self { share, over_rounds, floor, t_squared })
    }
}

/// The first share less the second, at level 1 − `alpha`, from rounds of `[first, second]`.
///
/// `R₁ − R₂ ± t_{N−1, 1−α/2}·√v` within [−1, 1], with R = Σk/Σn. v is the larger of the variance over rounds (of the
/// paired linearised residuals `(k − R·n)/Σn`, times N/(N−1)) and the binomial floor
/// `Σ (n_i/Σn)²·p̃(1−p̃)/(n_i+1)` of both arms, `p̃ = (k_i + 1/2)/(n_i + 1)`. None below two rounds, without trials in an
/// arm, or with `k` outside of [0, n].
pub fn difference(rounds: &[[Share; 2]], alpha: f64) -> Option<Contrast> {
    let arms = Arms::of(rounds, alpha)?;
    let [first, second, both] = arms.over_rounds;
    let variance = (first + second - 2.0 * both).max(arms.floor[0] + arms.floor[1]);
    let estimate = arms.share[0] - arms.share[1];
    let wide = Interval::around(estimate, (arms.t_squared * variance).sqrt());
    Some(Contrast { estimate: Some(estimate), interval: wide.map(|end| end.clamp(-1.0, 1.0)) })
}

/// The first share over the second, at level 1 − `alpha`, from rounds of `[first, second]`.
///
/// All θ ≥ 0 with `(R₁ − θ·R₂)² ≤ t²·v(θ)` for the variance over rounds or for the binomial floor, each as in
/// [`difference`], of the arms' `R₁ − θ·R₂`. It takes no logarithms, so a share of 0 is an ordinary value. The
/// upper end is infinite where the second share may be 0. None as for [`difference`].
///
/// Source: Fieller 1954, JRSS B 16(2); Cochran 1977, Sampling Techniques, section 6.3 (residuals).
pub fn ratio(rounds: &[[Share; 2]], alpha: f64) -> Option<Contrast> {
    let arms = Arms::of(rounds, alpha)?;
    let [first, second, both] = arms.over_rounds;
    let over_rounds = fieller(&arms, first, second, both);
    let floor = fieller(&arms, arms.floor[0], arms.floor[1], 0.0);
    let interval = Interval { low: over_rounds.low.min(floor.low), high: over_rounds.high.max(floor.high) };
    let estimate = arms.share[0] / arms.share[1];
    Some(Contrast { estimate: (!estimate.is_nan()).then_some(estimate), interval })
}

/// All θ ≥ 0 that variances do not exclude: `square·θ² + 2·half_linear·θ + constant ≤ 0`.
fn fieller(arms: &Arms, first: f64, second: f64, both: f64) -> Interval {
    let [numerator, denominator] = arms.share;
    let square = denominator * denominator - arms.t_squared * second;
    let half_linear = arms.t_squared * both - numerator * denominator;
    let constant = numerator * numerator - arms.t_squared * first;
    let root = (half_linear * half_linear - square * constant).max(0.0).sqrt();
    // The root of larger size comes without cancellation, the other from the product of both.
    let larger = if half_linear < 0.0 { root - half_linear } else { -root - half_linear };
    let other = if larger == 0.0 { 0.0 } else { constant / larger };
    if square > 0.0 {
        let (one, two) = (larger / square, other);
        return Interval { low: one.min(two).max(0.0), high: one.max(two).max(0.0) };
    }
    // The denominator may be 0. If a ratio of 0 is excluded, so is all up to the positive root; without one, all.
    let low = if constant <= 0.0 {
        0.0
    } else if larger == 0.0 {
        f64::INFINITY
    } else if square == 0.0 {
        other
    } else {
        other.max(larger / square)
    };
    Interval { low: low.max(0.0), high: f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounds(first: &[(f64, f64)], second: &[(f64, f64)]) -> Vec<[Share; 2]> {
        let share = |(k, n): &(f64, f64)| Share { k: *k, n: *n };
        first.iter().zip(second).map(|(a, b)| [share(a), share(b)]).collect()
    }

    #[test]
    fn a_union_counts_its_trials_once() {
        let of = |k: f64| Share { k, n: 141.0 };
        assert_eq!(union(&[of(3.0), of(4.0), of(0.0)]), Some(of(7.0)));
        assert_eq!(union(&[of(3.0)]), Some(of(3.0)));
        assert_eq!(union(&[]), None);
        assert_eq!(union(&[of(100.0), of(100.0)]), None, "they overlap");
        assert_eq!(union(&[of(3.0), Share { k: 1.0, n: 9.0 }]), None, "of other trials");
        assert_eq!(Share { k: 0.0, n: 0.0 }.value(), None);
    }

    #[test]
    fn no_failure_seen_is_not_an_interval_of_zero_width() {
        let none = rounds(&[(100.0, 100.0); 5], &[(100.0, 100.0); 5]);
        let found = ratio(&none, 0.01).unwrap();
        assert_eq!(found.estimate, Some(1.0));
        assert!(found.interval.low < 0.985 && found.interval.high > 1.015, "{found:?}");
        let found = difference(&none, 0.01).unwrap();
        assert_eq!(found.estimate, Some(0.0));
        assert!(found.interval.low < -0.015 && found.interval.high > 0.015, "{found:?}");
    }

    #[test]
    fn a_share_of_0_is_an_ordinary_value() {
        // 0 of 1000 against 500 of 1000.
        let gone = rounds(&[(0.0, 50.0); 20], &[(25.0, 50.0); 20]);
        let found = ratio(&gone, 0.025).unwrap();
        assert_eq!((found.estimate, found.interval.low), (Some(0.0), 0.0));
        assert!(found.interval.high < 0.03, "{found:?}");
        let came = ratio(&rounds(&[(25.0, 50.0); 20], &[(0.0, 50.0); 20]), 0.025).unwrap();
        assert_eq!((came.estimate, came.interval.high), (Some(f64::INFINITY), f64::INFINITY));
        assert!(came.interval.low > 30.0, "{came:?}");
        let nothing = ratio(&rounds(&[(0.0, 50.0); 20], &[(0.0, 50.0); 20]), 0.025).unwrap();
        assert_eq!((nothing.estimate, nothing.interval.low), (None, 0.0));
        assert_eq!(nothing.interval.high, f64::INFINITY);
    }

    #[test]
    fn too_little_is_refused() {
        assert_eq!(ratio(&rounds(&[(1.0, 2.0)], &[(1.0, 2.0)]), 0.05), None);
        assert_eq!(ratio(&rounds(&[(0.0, 0.0); 3], &[(1.0, 2.0); 3]), 0.05), None);
        assert_eq!(difference(&rounds(&[(3.0, 2.0); 3], &[(1.0, 2.0); 3]), 0.05), None);
        assert!(difference(&rounds(&[(0.0, 0.0), (1.0, 2.0)], &[(1.0, 2.0); 2]), 0.05).is_some());
    }

    #[test]
    fn shares_that_move_together_are_compared_more_narrowly_than_apart() {
        let first: Vec<(f64, f64)> = [4000.0, 6000.0, 5000.0, 4500.0, 5500.0].map(|k| (k, 1e4)).to_vec();
        let mut other = first.clone();
        let together = difference(&rounds(&first, &other), 0.05).unwrap().interval.width();
        other.rotate_left(2);
        let apart = difference(&rounds(&first, &other), 0.05).unwrap().interval.width();
        assert!(together < apart / 3.0, "{together} {apart}");
    }

    proptest! {
        #[test]
        fn intervals_hold_their_estimates_and_have_width(
            counts in prop::collection::vec(((0.0..=1.0_f64, 1_u32..500), (0.0..=1.0_f64, 1_u32..500)), 2..12),
            alpha in 0.005..0.2_f64,
        ) {
            let share = |(p, n): (f64, u32)| Share { k: (p * f64::from(n)).round(), n: f64::from(n) };
            let rounds: Vec<[Share; 2]> = counts.iter().map(|(a, b)| [share(*a), share(*b)]).collect();
            let swapped: Vec<[Share; 2]> = rounds.iter().map(|[a, b]| [*b, *a]).collect();
            let found = difference(&rounds, alpha).unwrap();
            prop_assert!(found.interval.width() > 0.0);
            prop_assert!(found.interval.contains(found.estimate.unwrap()));
            let other = difference(&swapped, alpha).unwrap();
            prop_assert!((found.interval.low + other.interval.high).abs() < 1e-12);

            let found = ratio(&rounds, alpha).unwrap();
            prop_assert!(found.interval.width() > 0.0 && found.interval.low >= 0.0);
            if let Some(estimate) = found.estimate.filter(|e| e.is_finite()) {
                prop_assert!(found.interval.low <= estimate * (1.0 + 1e-9));
                prop_assert!(found.interval.high >= estimate * (1.0 - 1e-9));
            }
            // The inverse ratio has the inverse interval, where both are bounded.
            let other = ratio(&swapped, alpha).unwrap();
            if found.interval.high.is_finite() && other.interval.high.is_finite() {
                prop_assert!((found.interval.low * other.interval.high - 1.0).abs() < 1e-6);
            }
        }
    }
}
