//! A smooth quantile, for curves that are looked at.

use super::distribution::beta_cdf;

/// The Harrell-Davis estimate of the `p` quantile, `p` in (0, 1): a mean of all values, weighted by how likely each
/// is to be it. Values in any order; none for no values or a `p` outside.
///
/// `Σ x_(i)·[I_{i/n}(a, b) − I_{(i−1)/n}(a, b)]` with a = (n+1)p and b = (n+1)(1−p). For shift functions that
/// are shown; claims are judged on [`type7`](super::quantile::type7).
///
/// Source: Harrell and Davis 1982, Biometrika 69.
pub fn harrell_davis(values: &[f64], p: f64) -> Option<f64> {
    if values.is_empty() || !(p > 0.0 && p < 1.0) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let (a, b) = ((n + 1.0) * p, (n + 1.0) * (1.0 - p));
    let (mut estimate, mut below) = (0.0, 0.0);
    for (i, value) in sorted.iter().enumerate() {
        let up_to = beta_cdf((i + 1) as f64 / n, a, b);
        estimate += value * (up_to - below);
        below = up_to;
    }
    Some(estimate)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_are_refused() {
        assert_eq!(harrell_davis(&[], 0.5), None);
        assert_eq!(harrell_davis(&[1.0, 2.0], 0.0), None);
        assert_eq!(harrell_davis(&[1.0, 2.0], 1.0), None);
        assert_eq!(harrell_davis(&[7.0], 0.9), Some(7.0));
    }

    #[test]
    fn many_values_lose_no_weight() {
        let values: Vec<f64> = (0..100_000).map(f64::from).collect();
        for p in [0.01, 0.5, 0.999] {
            let got = harrell_davis(&values, p).unwrap();
            assert!((got - p * 99_999.0).abs() < 1.0, "p {p}: {got}");
        }
    }

    proptest! {
        #[test]
        fn it_lies_within_the_values_and_grows_with_p(
            values in prop::collection::vec(-1e3..1e3_f64, 1..60), p in 0.01..0.99_f64, q in 0.01..0.99_f64,
        ) {
            let (lower, upper) = (harrell_davis(&values, p.min(q)).unwrap(), harrell_davis(&values, p.max(q)).unwrap());
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(least - 1e-9 <= lower && lower <= upper + 1e-9 && upper <= most + 1e-9);
        }
    }
}
