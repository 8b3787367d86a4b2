//! Quantiles of sorted values.

/// Hyndman and Fan's type 7 quantile, the definition of R and `NumPy`.
///
/// `sorted`: ascending, without NaN. `p`: in [0, 1]. With `h = (n − 1)·p` and `i = ⌊h⌋` it is
/// `x_i + (h − i)·(x_{i+1} − x_i)`. None for an empty slice; the value itself for a single one.
///
/// Source: Hyndman and Fan 1996, The American Statistician 50(4).
pub fn type7(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let h = last as f64 * p.clamp(0.0, 1.0);
    let below = h.floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ below ≤ last")]
    let i = below as usize;
    let next = sorted[(i + 1).min(last)];
    Some(sorted[i] + (h - below) * (next - sorted[i]))
}

/// The median of values in any order; none if there are none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    type7(&sorted, 0.5)
}

/// The geometric mean of positive values; a value of 0 or below gives 0, no values give none.
pub fn geometric_mean(values: &[f64]) -> Option<f64> {
    match values {
        [] => return None,
        // To the last digit, which logarithms would lose.
        [one] => return Some(one.max(0.0)),
        _ if values.iter().any(|v| *v <= 0.0) => return Some(0.0),
        _ => {}
    }
    Some((values.iter().map(|v| v.ln()).sum::<f64>() / values.len() as f64).exp())
}

/// Percentiles at which a curve is drawn, denser towards 1: even steps of `−ln(1 − p)`, up to the
/// last one with ten of `n` values beyond it. Empty below 20 values.
pub fn curve_grid(n: usize) -> Vec<f64> {
    const STEPS: u32 = 120;
    if n < 20 {
        return Vec::new();
    }
    let end = -(10.0 / n as f64).ln();
    (0..=STEPS).map(|i| 1.0 - (-end * f64::from(i) / f64::from(STEPS)).exp()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_samples_follow_the_definition() {
        assert_eq!(type7(&[], 0.5), None);
        assert_eq!(type7(&[7.0], 0.99), Some(7.0));
        assert_eq!(type7(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.5));
        assert_eq!(type7(&[1.0, 2.0, 3.0, 4.0], 0.9), Some(3.7));
        assert_eq!(type7(&[1.0, 2.0], 1.0), Some(2.0));
    }

    #[test]
    fn means_over_runs_are_geometric() {
        assert!((geometric_mean(&[1.0, 4.0, 16.0]).unwrap() - 4.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), None);
        assert_eq!(geometric_mean(&[0.0, 5.0]), Some(0.0));
    }

    #[test]
    fn a_curve_ends_where_ten_values_lie_beyond() {
        assert!(curve_grid(19).is_empty());
        let grid = curve_grid(10_000);
        assert!((grid.last().unwrap() - 0.999).abs() < 1e-9);
        assert!(grid.is_sorted());
    }

    proptest! {
        #[test]
        fn quantiles_grow_with_p_and_stay_within_the_values(
            mut values in prop::collection::vec(-1e9..1e9_f64, 1..60),
            p in 0.0..=1.0_f64,
            q in 0.0..=1.0_f64,
        ) {
            values.sort_by(f64::total_cmp);
            let (lower, upper) = (type7(&values, p.min(q)).unwrap(), type7(&values, p.max(q)).unwrap());
            prop_assert!(lower <= upper + 1e-6);
            prop_assert!(values[0] <= lower && upper <= values[values.len() - 1]);
        }
    }
}
