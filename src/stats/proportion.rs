//! Proportions of counters: success rates, cache hits.
//!
//! Failures come in bursts, so requests are not independent of each other; seconds or runs are. What
//! is counted in each of these clusters tells how much less the requests are worth than independent
//! ones would be: the design effect.

use serde::Serialize;

use super::distribution::t_quantile;
use super::interval::Interval;

/// Wilson's score interval of the proportion `k / n`, within [0, 1].
///
/// `k`: successes in [0, `n`]. `z`: quantile of the two-sided level, such as 1.96. `deff`: design
/// effect, at least 1; with p = k/n kept, n counts as `n / deff`. All of [0, 1] without trials.
///
/// `(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)`. Source: Wilson 1927, JASA 22.
pub fn wilson(k: f64, n: f64, z: f64, deff: f64) -> Interval {
    if n <= 0.0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let p = k / n;
    let n = n / deff;
    let squares = z * z / n;
    let centre = p + squares / 2.0;
    let half = z * (p * (1.0 - p) / n + squares / (4.0 * n)).sqrt();
    // The bounds pass p only by rounding: at 0 and 1, where one of them is p itself.
    Interval {
        low: ((centre - half) / (1.0 + squares)).clamp(0.0, p),
        high: ((centre + half) / (1.0 + squares)).clamp(p, 1.0),
    }
}

/// A proportion from clusters (seconds or runs) of `k` successes in `n` trials each.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counters {
    /// Σk / Σn, in [0, 1].
    pub ratio: f64,
    /// Linearised variance of the ratio, `G/(G−1) · Σ(k − R·n)² / (Σn)²` over G clusters.
    pub variance: f64,
    /// Design effect: the variance over that of independent trials, at least 1.
    pub deff: f64,
    /// Σn, trials.
    pub n: f64,
    /// G, at least 2.
    pub clusters: usize,
}

impl Counters {
    /// From clusters in the same order; none below two clusters, without trials, or where a cluster
    /// has more successes than trials.
    ///
    /// Source: Cochran 1977, Sampling Techniques, section 6.3 (ratio of sums).
    pub fn of(k: &[f64], n: &[f64]) -> Option<Self> {
        let clusters = k.len();
        let trials: f64 = n.iter().sum();
        let proper = k.iter().zip(n).all(|(k, n)| (0.0..=*n).contains(k));
        if clusters < 2 || n.len() != clusters || trials <= 0.0 || !proper {
            return None;
        }
        let ratio = k.iter().sum::<f64>() / trials;
        let squares: f64 = k.iter().zip(n).map(|(k, n)| (k - ratio * n).powi(2)).sum();
        let g = clusters as f64;
        let variance = g / (g - 1.0) * squares / trials.powi(2);
        let independent = ratio * (1.0 - ratio) / trials;
        // All trials ended alike: nothing is known about how they hang together.
        let deff = if independent > 0.0 { (variance / independent).max(1.0) } else { 1.0 };
        Some(Self { ratio, variance, deff, n: trials, clusters })
    }

    /// Where the true proportion lies, at level 1 − `alpha`: [`wilson`] with the design effect and
    /// t of G − 1 degrees of freedom for z.
    pub fn interval(&self, alpha: f64) -> Interval {
        wilson(self.ratio * self.n, self.n, self.t(alpha), self.deff)
    }

    fn t(&self, alpha: f64) -> f64 {
        t_quantile(1.0 - alpha / 2.0, self.clusters as f64 - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_counted_is_refused() {
        assert_eq!(Counters::of(&[1.0], &[2.0]), None);
        assert_eq!(Counters::of(&[1.0, 1.0], &[2.0]), None);
        assert_eq!(Counters::of(&[0.0, 0.0], &[0.0, 0.0]), None);
        assert_eq!(Counters::of(&[3.0, 1.0], &[2.0, 2.0]), None);
        assert_eq!(wilson(0.0, 0.0, 1.96, 1.0), Interval { low: 0.0, high: 1.0 });
    }

    #[test]
    fn all_alike_leaves_room_on_the_other_side() {
        let none = Counters::of(&[0.0; 5], &[100.0; 5]).unwrap();
        let all = Counters::of(&[100.0; 5], &[100.0; 5]).unwrap();
        assert_eq!((none.ratio, none.variance, none.deff), (0.0, 0.0, 1.0));
        assert_eq!((all.ratio, all.variance, all.deff), (1.0, 0.0, 1.0));
        let (none, all) = (none.interval(0.05), all.interval(0.05));
        assert_eq!((none.low, all.high), (0.0, 1.0));
        assert!(none.high > 0.005 && none.high < 0.02);
        assert!((none.high - (1.0 - all.low)).abs() < 1e-12);
    }

    #[test]
    fn clusters_more_alike_than_chance_are_worth_no_more_than_independent_trials() {
        let even = Counters::of(&[90.0; 6], &[100.0; 6]).unwrap();
        assert!(even.variance < 1e-30);
        assert_eq!(even.deff, 1.0);
        let uneven = Counters::of(&[80.0, 100.0, 95.0, 85.0, 82.0, 98.0], &[100.0; 6]).unwrap();
        assert!(uneven.deff > 1.0 && (uneven.ratio - even.ratio).abs() < 1e-12);
        let [even, uneven] = [even, uneven].map(|counters| counters.interval(0.05));
        assert!(uneven.high - uneven.low > even.high - even.low);
    }

    proptest! {
        #[test]
        fn wilson_holds_the_proportion_and_stays_within_0_and_1(
            n in 1_u32..100_000, share in 0.0..=1.0_f64, z in 0.1..5.0_f64, deff in 1.0..30.0_f64,
        ) {
            let n = f64::from(n);
            let k = (share * n).round();
            let interval = wilson(k, n, z, deff);
            prop_assert!(interval.contains(k / n));
            prop_assert!(interval.low >= 0.0 && interval.high <= 1.0);
            let wider = wilson(k, n, z, deff + 1.0);
            prop_assert!(wider.high - wider.low >= interval.high - interval.low - 1e-12);
            let other = wilson(n - k, n, z, deff);
            prop_assert!((interval.low - (1.0 - other.high)).abs() < 1e-9);
        }

        #[test]
        fn the_interval_holds_the_ratio(
            counts in prop::collection::vec((0.0..=1.0_f64, 0_u32..1000), 2..30), alpha in 0.001..0.2_f64,
        ) {
            let n: Vec<f64> = counts.iter().map(|c| f64::from(c.1)).collect();
            let k: Vec<f64> = counts.iter().map(|c| (c.0 * f64::from(c.1)).round()).collect();
            prop_assume!(n.iter().sum::<f64>() > 0.0);
            let counters = Counters::of(&k, &n).unwrap();
            prop_assert!(counters.deff >= 1.0);
            // The ratio comes back from the product with n, which may cost its last digit.
            let interval = counters.interval(alpha);
            prop_assert!(interval.low <= counters.ratio + 1e-12 && interval.high >= counters.ratio - 1e-12);
            prop_assert!(interval.low <= interval.high && interval.low >= 0.0 && interval.high <= 1.0);
        }
    }
}
