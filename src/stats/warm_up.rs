//! Where a run's start ends to show.

use serde::Serialize;

/// What to leave out at a run's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Trim {
    /// Cells to leave out.
    pub cells: usize,
    /// True if as much is left out as may be: the run may never have become steady.
    pub at_cap: bool,
}

/// MSER on the logarithms of cells' medians: leaves out the batches whose loss makes the standard
/// error of the rest smallest.
///
/// `cells_median`: positive, one per second, in order of time. `batch`: cells per batch, 5 for MSER-5; a last
/// batch that is not full is left alone. At most `max_fraction`, in [0, 1], of the batches go. Of the k means y
/// of batches the first d go, where d is the first to minimise `Σ_{j≥d} (y_j − ȳ_d)² / (k − d)²`.
/// A run too short to judge (no batch may go) counts as at its cap.
///
/// Source: White 1997, Simulation 69(6); batches of 5 as in White, Cobb and Spratt 2000.
pub fn mser5(cells_median: &[f64], batch: usize, max_fraction: f64) -> Trim {
    let means: Vec<f64> = cells_median
        .chunks_exact(batch.max(1))
        .map(|cells| cells.iter().map(|c| c.ln()).sum::<f64>() / cells.len() as f64)
        .collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ cap ≤ means.len()")]
    let cap = (means.len() as f64 * max_fraction.clamp(0.0, 1.0)).floor() as usize;
    let batches = (0..=cap.min(means.len().saturating_sub(1)))
        .min_by(|a, b| error(&means[*a..]).total_cmp(&error(&means[*b..])))
        .unwrap_or(0);
    Trim { cells: batches * batch, at_cap: batches == cap }
}

/// Σ (y − ȳ)² / n², the square of the mean's standard error but for a factor near 1.
fn error(means: &[f64]) -> f64 {
    let n = means.len() as f64;
    let mean = means.iter().sum::<f64>() / n;
    means.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n * n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `warm` slow cells, then a steady alternation, `n` in all.
    fn cells(warm: usize, n: usize) -> Vec<f64> {
        (0..n).map(|i| if i < warm { 50.0 } else { 10.0 + (i % 2) as f64 }).collect()
    }

    #[test]
    fn slow_cells_at_the_start_go() {
        assert_eq!(mser5(&cells(0, 60), 5, 0.5), Trim { cells: 0, at_cap: false });
        assert_eq!(mser5(&cells(10, 60), 5, 0.5), Trim { cells: 10, at_cap: false });
        // A part of a batch goes with all of it; what follows the last full batch is not looked at.
        assert_eq!(mser5(&cells(7, 64), 5, 0.5).cells, 10);
        let mut late = cells(10, 64);
        late[60..].fill(900.0);
        assert_eq!(mser5(&late, 5, 0.5).cells, 10);
    }

    #[test]
    fn a_run_that_never_becomes_steady_meets_the_cap() {
        let falling: Vec<f64> = (0..60).map(|i| (-0.05 * f64::from(i)).exp()).collect();
        assert_eq!(mser5(&falling, 5, 0.5), Trim { cells: 30, at_cap: true });
        assert_eq!(mser5(&falling, 5, 0.25), Trim { cells: 15, at_cap: true });
        assert_eq!(mser5(&cells(45, 60), 5, 0.5), Trim { cells: 0, at_cap: false });
    }

    #[test]
    fn a_run_too_short_to_judge_counts_as_at_its_cap() {
        assert_eq!(mser5(&[], 5, 0.5), Trim { cells: 0, at_cap: true });
        assert_eq!(mser5(&[1.0; 9], 5, 0.5), Trim { cells: 0, at_cap: true });
        assert_eq!(mser5(&[1.0; 10], 5, 0.5), Trim { cells: 0, at_cap: false });
        assert_eq!(mser5(&[1.0; 10], 5, 1.0), Trim { cells: 0, at_cap: false });
    }

    proptest! {
        #[test]
        fn the_cut_knows_no_units_and_keeps_to_its_bounds(
            cells in prop::collection::vec(1.0..100.0_f64, 0..80), unit in 1_i32..10, share in 0.0..=1.0_f64,
        ) {
            let trim = mser5(&cells, 5, share);
            prop_assert_eq!(trim.cells % 5, 0);
            prop_assert!(trim.cells as f64 <= share * cells.len() as f64);
            let scaled: Vec<f64> = cells.iter().map(|c| c * 10_f64.powi(unit)).collect();
            prop_assert_eq!(mser5(&scaled, 5, share), trim);
        }
    }
}
