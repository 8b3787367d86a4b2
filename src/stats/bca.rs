//! The bias-corrected and accelerated bootstrap interval of a mean.
//!
//! A check of quantiles and normal functions against references. **Never for verdicts**: over few rounds
//! it covers 70 to 85 % where it promises 95 %.

use serde::Serialize;

use super::distribution::{normal_cdf, normal_quantile};
use super::interval::Interval;
use super::quantile::type7;

/// A bootstrap interval and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bca {
    /// Correction of the median's bias, in standard deviations.
    pub bias: f64,
    /// Acceleration, from the jackknife.
    pub acceleration: f64,
    /// The shares of replicates at which the interval ends.
    pub levels: [f64; 2],
    /// The interval, in the values' unit.
    pub interval: Interval,
}

/// The interval of the mean of `values` at level 1 − `alpha`, from means of bootstrap samples in ascending order.
/// None below two values or without replicates.
///
/// Source: Efron 1987, JASA 82; z₀ counts replicates strictly below the mean.
pub fn bca(values: &[f64], sorted_replicates: &[f64], alpha: f64) -> Option<Bca> {
    if values.len() < 2 || sorted_replicates.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let sum: f64 = values.iter().sum();
    // Replicates carry a dozen decimals; more of the mean's would tell equal ones apart.
    let mean = (sum / n * 1e12).round() / 1e12;
    let below = sorted_replicates.partition_point(|r| *r < mean) as f64 / sorted_replicates.len() as f64;
    let bias = normal_quantile(below);

    // Σ of the jackknife means' distances, to the second and third power.
    let distances = values.iter().map(|v| (v - sum / n) / (n - 1.0));
    let (squares, cubes) = distances.fold((0.0, 0.0), |(s, c), u| (s + u * u, c + u * u * u));
    let acceleration = if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };

    let levels = [alpha / 2.0, 1.0 - alpha / 2.0].map(|level| {
        let z = bias + normal_quantile(level);
        normal_cdf(bias + z / (1.0 - acceleration * z))
    });
    let interval =
        Interval { low: type7(sorted_replicates, levels[0])?, high: type7(sorted_replicates, levels[1])? };
    Some(Bca { bias, acceleration, levels, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetric_replicates_of_symmetric_values_need_no_correction() {
        let replicates: Vec<f64> = (0..1000).map(|i| (f64::from(i) - 499.5) / 100.0).collect();
        let bca = bca(&[-2.0, -1.0, 1.0, 2.0], &replicates, 0.1).unwrap();
        assert!(bca.bias.abs() < 1e-12 && bca.acceleration.abs() < 1e-12);
        assert!((bca.levels[0] - 0.05).abs() < 1e-12 && (bca.levels[1] - 0.95).abs() < 1e-12);
        assert!((bca.interval.low + bca.interval.high).abs() < 1e-9);
    }

    #[test]
    fn nothing_to_draw_from_gives_nothing() {
        assert_eq!(bca(&[1.0], &[1.0], 0.05), None);
        assert_eq!(bca(&[1.0, 2.0], &[], 0.05), None);
    }
}
