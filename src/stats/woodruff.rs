//! A quantile of one run, with limits that know that its samples hang together.

use serde::Serialize;

use super::distribution::t_quantile;
use super::mean::Moments;
use super::quantile::type7;

/// A quantile of one run's samples with Woodruff's limits, the variance from batch means.
///
/// It tells what this run would show if it went on; how runs differ from each other it cannot know, so
/// that one run per arm never proves a claim.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Woodruff {
    /// The quantile, type 7, in the values' unit.
    pub q: f64,
    /// Lower limit; none where the samples do not bound it.
    pub lower: Option<f64>,
    /// Upper limit; none where the samples do not bound it.
    pub upper: Option<f64>,
    /// Design effect: how many samples are worth one independent one, at least 1.
    pub deff: f64,
    /// Standard error of the share of values up to `q`.
    pub se: f64,
    /// Variance of that share by batch means, before it is raised to that of independent samples.
    pub batch_variance: f64,
}

impl Woodruff {
    /// The `p` quantile, `p` in (0, 1), of values in order of time, at level 1 − `alpha`; none below two
    /// `batches` or below one value per batch.
    ///
    /// Batches are contiguous and of equal size; the last one takes the rest. With mⱼ the share of batch j
    /// up to q, v = max(var(m)/K, p(1−p)/n) and h = t_{K−1, 1−α/2}·√v, the limits are the values at ranks (p ∓ h)·n.
    ///
    /// Source: Woodruff 1952, JASA 47 (limits by inverting the distribution function).
    pub fn of(values_in_time_order: &[f64], p: f64, batches: usize, alpha: f64) -> Option<Self> {
        let count = values_in_time_order.len();
        if batches < 2 || count < batches || !(p > 0.0 && p < 1.0) {
            return None;
        }
        let mut sorted = values_in_time_order.to_vec();
        sorted.sort_by(f64::total_cmp);
        let q = type7(&sorted, p)?;

        let shares = Moments::of(&batch_shares(values_in_time_order, q, batches))?;
        let n = count as f64;
        let (batch_variance, independent) = (shares.standard_error().powi(2), p * (1.0 - p) / n);
        let variance = batch_variance.max(independent);
        let half = t_quantile(1.0 - alpha / 2.0, shares.df()) * variance.sqrt();
        Some(Self {
            q,
            lower: lower_limit(&sorted, p - half),
            upper: upper_limit(&sorted, p + half),
            deff: variance / independent,
            se: variance.sqrt(),
            batch_variance,
        })
    }
}

/// The share of values up to `q` in each batch.
fn batch_shares(values: &[f64], q: f64, batches: usize) -> Vec<f64> {
    let size = values.len() / batches;
    (0..batches)
        .map(|j| {
            let end = if j + 1 == batches { values.len() } else { (j + 1) * size };
            let batch = &values[j * size..end];
            batch.iter().filter(|v| **v <= q).count() as f64 / batch.len() as f64
        })
        .collect()
}

/// The value below which the share `share` of values lies.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 < share < 1")]
fn lower_limit(sorted: &[f64], share: f64) -> Option<f64> {
    if share <= 0.0 {
        return None;
    }
    let rank = (share * sorted.len() as f64).floor() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The value above which the share `1 − share` of values lies.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 < share < 1")]
fn upper_limit(sorted: &[f64], share: f64) -> Option<f64> {
    if share >= 1.0 {
        return None;
    }
    sorted.get((share * sorted.len() as f64).ceil() as usize).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn too_little_is_refused() {
        assert_eq!(Woodruff::of(&[1.0; 9], 0.5, 10, 0.05), None);
        assert_eq!(Woodruff::of(&[1.0; 9], 0.5, 1, 0.05), None);
        assert_eq!(Woodruff::of(&[1.0; 90], 1.0, 10, 0.05), None);
    }

    #[test]
    fn the_last_batch_takes_the_rest() {
        // Batches of 3, 3 and 5: none, one and all of five values are at most 1.
        let values = [9.0, 9.0, 9.0, 9.0, 1.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let shares = batch_shares(&values, 1.0, 3);
        assert_eq!(shares, [0.0, 1.0 / 3.0, 1.0]);
        let all = Woodruff::of(&values, 0.3, 3, 0.05).unwrap();
        assert_eq!(all.q, 1.0);
        let variance = Moments::of(&shares).unwrap().sd.powi(2) / 3.0;
        assert!((all.batch_variance - variance).abs() < 1e-15);
    }

    #[test]
    fn values_equal_to_the_quantile_count_as_up_to_it() {
        let values = vec![5.0; 100];
        let same = Woodruff::of(&values, 0.5, 10, 0.05).unwrap();
        assert_eq!((same.q, same.lower, same.upper), (5.0, Some(5.0), Some(5.0)));
        assert_eq!((same.batch_variance, same.deff), (0.0, 1.0));
    }

    #[test]
    fn extreme_quantiles_of_few_values_have_no_limit() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100)).collect();
        let low = Woodruff::of(&values, 0.01, 10, 0.05).unwrap();
        assert_eq!(low.lower, None);
        assert!(low.upper.is_some());
        let high = Woodruff::of(&values, 0.99, 10, 0.05).unwrap();
        assert_eq!(high.upper, None);
        assert!(high.lower.is_some());
    }

    proptest! {
        #[test]
        fn limits_hold_the_quantile_and_keep_to_the_values_unit(
            values in prop::collection::vec(0.1..1000.0_f64, 40..300),
            p in 0.05..0.95_f64,
            batches in 2_usize..20,
            unit in 1_i32..20,
        ) {
            let here = Woodruff::of(&values, p, batches, 0.05).unwrap();
            prop_assert!(here.lower.is_none_or(|l| l <= here.q));
            prop_assert!(here.upper.is_none_or(|u| u >= here.q));
            prop_assert!(here.deff >= 1.0);
            // Powers of two scale without rounding.
            let factor = f64::from(1_u32 << unit);
            let scaled: Vec<f64> = values.iter().map(|v| v * factor).collect();
            let there = Woodruff::of(&scaled, p, batches, 0.05).unwrap();
            prop_assert_eq!(here.lower.map(|l| l * factor), there.lower);
            prop_assert_eq!(here.upper.map(|u| u * factor), there.upper);
            prop_assert_eq!(here.deff, there.deff);
        }
    }
}
