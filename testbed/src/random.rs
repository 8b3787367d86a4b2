//! Randomness that is a function of a seed and a number, so that the n-th request is always the
//! same one, in whatever order requests arrive.

use std::f64::consts::TAU;

/// The odd constant of `SplitMix64`: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// 64 well-mixed bits for item `number` of the sequence `seed`.
///
/// Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
pub(crate) fn bits(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_add(1).wrapping_mul(GOLDEN));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A uniform number in the open interval (0, 1).
pub(crate) fn unit(seed: u64, number: u64) -> f64 {
    let high_53_bits = bits(seed, number) >> 11;
    (high_53_bits as f64 + 0.5) / (1_u64 << 53) as f64
}

/// A standard normal number, by the Box-Muller transform.
pub(crate) fn normal(seed: u64, number: u64) -> f64 {
    let radius = unit(seed, number);
    let angle = unit(bits(seed, 0), number);
    (-2.0 * radius.ln()).sqrt() * (TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use super::{normal, unit};

    #[test]
    fn uniform_numbers_fill_the_unit_interval_evenly() {
        let below = (0..10_000).filter(|n| unit(7, *n) < 0.25).count();
        assert!((2_350..2_650).contains(&below), "{below} of 10000 below 0.25");
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let values: Vec<f64> = (0..10_000).map(|n| normal(7, n)).collect();
        let mean = values.iter().sum::<f64>() / 10_000.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    }
}
