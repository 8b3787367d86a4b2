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

/// Hyndman and Fan's type 8 quantile, which is median-unbiased whatever the distribution.
///
/// `sorted`: ascending, without NaN or −∞; +∞ stands for a response that never came. `p`: in [0, 1].
/// With `h = (n + 1/3)·p + 1/3` and `i = ⌊h⌋` (1-based) it is `x_i + (h − i)·(x_{i+1} − x_i)`; the
/// smallest value where h is below 1, the largest where it is above n. Infinite where it lands on +∞ or
/// interpolates towards it; never NaN. None for an empty slice; the value itself for a single one, or
/// where all are equal.
///
/// Source: Hyndman and Fan 1996, The American Statistician 50(4), definition 8.
pub fn type8(sorted: &[f64], p: f64) -> Option<f64> {
    let place = Place::of_type8(sorted.len(), p)?;
    Some(place.between(sorted[place.below], sorted[place.above]))
}

/// [`type8`] of values in any order, which it reorders: by selection, in linear time.
pub fn type8_of(values: &mut [f64], p: f64) -> Option<f64> {
    let place = Place::of_type8(values.len(), p)?;
    let (_, below, rest) = values.select_nth_unstable_by(place.below, f64::total_cmp);
    let below = *below;
    let above = if place.above > place.below { rest.iter().copied().min_by(f64::total_cmp) } else { None };
    Some(place.between(below, above.unwrap_or(below)))
}

/// Where a quantile lies among `n` sorted values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// 0-based place of the value at or below it.
    pub(super) below: usize,
    /// Place of the next value, `below` itself at the last one.
    pub(super) above: usize,
    /// How far it lies from the first towards the second, in [0, 1).
    pub(super) fraction: f64,
}

impl Place {
    /// That of the type 8 quantile; none without values.
    pub(super) fn of_type8(n: usize, p: f64) -> Option<Self> {
        let last = n.checked_sub(1)?;
        let h = ((3.0 * n as f64 + 1.0) * p.clamp(0.0, 1.0) + 1.0) / 3.0;
        // An h that is whole but for rounding must not reach for the next value, which may be infinite.
        let whole = h.round();
        let h = if (h - whole).abs() <= 8.0 * f64::EPSILON * h { whole } else { h };
        let h = h.clamp(1.0, n as f64) - 1.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ h ≤ last")]
        let below = h as usize;
        Some(Self { below, above: (below + 1).min(last), fraction: h - h.floor() })
    }

    /// The quantile, from the values at its two places.
    pub(super) fn between(&self, below: f64, above: f64) -> f64 {
        // Without this, 0·∞ and ∞ − ∞ would be NaN.
        if self.fraction == 0.0 || below == above { below } else { below + self.fraction * (above - below) }
    }
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
    fn type_8_reaches_its_ends_before_0_and_1() {
        assert_eq!(type8(&[], 0.5), None);
        assert_eq!(type8(&[7.0], 0.99), Some(7.0));
        assert_eq!(type8(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.5));
        assert_eq!(type8(&[1.0, 2.0, 3.0, 4.0], 0.1), Some(1.0));
        assert_eq!(type8(&[1.0, 2.0, 3.0, 4.0], 0.9), Some(4.0));
        assert_eq!(type8(&[3.0; 9], 0.37), Some(3.0));
    }

    #[test]
    fn a_quantile_at_or_towards_infinity_is_infinite() {
        let inf = f64::INFINITY;
        let values = [1.0, 2.0, 3.0, inf, inf];
        assert_eq!(type8(&values, 0.5), Some(3.0), "lands on a value, exactly");
        assert_eq!(type8(&values, 0.51), Some(inf), "interpolates towards infinity");
        assert_eq!(type8(&values, 0.75), Some(inf), "lies between two infinities");
        assert_eq!(type8(&values, 1.0), Some(inf));
        assert_eq!(type8(&[inf], 0.5), Some(inf));
        // Medians of odd numbers are values, whatever the rounding.
        for n in (1..2000).step_by(2) {
            let values: Vec<f64> = (0..n).map(|i| if i <= n / 2 { f64::from(i) } else { inf }).collect();
            assert_eq!(type8(&values, 0.5), Some(f64::from(n / 2)));
        }
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

        #[test]
        fn type_8_by_selection_is_type_8_by_sorting(
            finite in prop::collection::vec(0.0..1e9_f64, 0..60), unanswered in 0_usize..5, p in 0.0..=1.0_f64,
        ) {
            let mut values = finite;
            values.extend(std::iter::repeat_n(f64::INFINITY, unanswered));
            values.rotate_left(unanswered / 2);
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let quantile = type8(&sorted, p);
            prop_assert_eq!(type8_of(&mut values, p), quantile);
            prop_assert!(!quantile.is_some_and(f64::is_nan));
            if let Some(quantile) = quantile {
                prop_assert!(sorted[0] <= quantile && quantile <= sorted[sorted.len() - 1]);
                prop_assert!(type8(&sorted, (p + 0.1).min(1.0)) >= Some(quantile * (1.0 - 1e-12)));
            }
        }
    }
}
