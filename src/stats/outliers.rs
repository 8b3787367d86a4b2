//! Single values that stand out from their neighbours.

use super::quantile::median;

/// Makes a median absolute deviation comparable with a standard deviation of normal values.
const MAD_TO_SD: f64 = 1.4826;
/// Spread that counts as none.
const LEAST_SPREAD: f64 = 1e-9;

/// `values` with outliers replaced by the median of their window, the value itself and `half_window` (3) to each
/// side, as far as there are any.
///
/// An outlier is further from that median than `limit` (4) times max(1.4826·MAD, 1e-9). All windows look at
/// the values as they came, so that one replacement never causes another.
///
/// Source: Hampel 1974, JASA 69 (the identifier by median and MAD).
pub fn hampel(values: &[f64], half_window: usize, limit: f64) -> Vec<f64> {
    let clean = |i: usize| {
        let window = &values[i.saturating_sub(half_window)..(i + half_window + 1).min(values.len())];
        let centre = median(window)?;
        let deviations: Vec<f64> = window.iter().map(|v| (v - centre).abs()).collect();
        let spread = (MAD_TO_SD * median(&deviations)?).max(LEAST_SPREAD);
        ((values[i] - centre).abs() > limit * spread).then_some(centre)
    };
    (0..values.len()).map(|i| clean(i).unwrap_or(values[i])).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_spike_goes_and_a_step_stays() {
        assert_eq!(hampel(&[1.0, 1.1, 0.9, 7.0, 1.0, 1.1, 0.9], 3, 4.0)[3], 1.0);
        let step: Vec<f64> = (0..20).map(|i| f64::from(i / 10) + 0.01 * f64::from(i % 3)).collect();
        assert_eq!(hampel(&step, 3, 4.0), step);
        assert_eq!(hampel(&[], 3, 4.0), Vec::<f64>::new());
    }

    proptest! {
        #[test]
        fn replaced_values_come_from_within_their_window(values in prop::collection::vec(-1e3..1e3_f64, 1..60)) {
            let clean = hampel(&values, 3, 4.0);
            prop_assert_eq!(clean.len(), values.len());
            for (i, value) in clean.iter().enumerate() {
                let window = &values[i.saturating_sub(3)..(i + 4).min(values.len())];
                prop_assert!(window.iter().any(|v| v <= value) && window.iter().any(|v| v >= value));
            }
        }
    }
}
