//! Where a run's start ends to show, and whether it ever does.

use serde::Serialize;

use super::distribution::t_two_sided;

/// Cap of the autocorrelation of neighbouring residuals.
const MOST_CORRELATION: f64 = 0.8;

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

/// How probable it is that the first `first` of a run's cells differ from the rest as much as they do, or the cells
/// rise or fall as much as they do, by chance alone. None where either part has fewer than two cells.
///
/// MSER cuts where the standard error is smallest, which in short runs without any warm-up is often somewhere late.
/// So what it cuts is held against chance: on the logarithms y of `cells_median`, two models are fitted by least
/// squares, a step after `first` and a line. Of the one that leaves the smaller residuals the two-sided p of its
/// t statistic counts, with n − 2 degrees of freedom; where ρ is the lag-1 correlation of the residuals (corrected for
/// the two parameters, kept in [0, 0.8]), the error grows by √((1+ρ)/(1−ρ)) and the degrees fall to
/// n(1−ρ)/(1+ρ) − 2, at least 2.
///
/// Source: effective sample size of an AR(1) series, Bayley and Hammersley 1946, JRSS Supplement 8; the correction
/// of ρ after Marriott and Pope 1954, Biometrika 41.
pub fn p_of_start(cells_median: &[f64], first: usize) -> Option<f64> {
    let n = cells_median.len();
    if first < 2 || first + 2 > n {
        return None;
    }
    let y: Vec<f64> = cells_median.iter().map(|cell| cell.ln()).collect();
    let step: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i >= first))).collect();
    let line: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let fits = [Fit::of(&step, &y), Fit::of(&line, &y)];
    let better = fits.into_iter().min_by(|a, b| a.squares().total_cmp(&b.squares()))?;
    Some(better.p())
}

/// A least-squares fit of one variable.
struct Fit {
    slope: f64,
    /// Sum of the squared deviations of x.
    spread: f64,
    residuals: Vec<f64>,
}

impl Fit {
    fn of(x: &[f64], y: &[f64]) -> Self {
        let n = x.len() as f64;
        let (x_mean, y_mean) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
        let spread: f64 = x.iter().map(|x| (x - x_mean).powi(2)).sum();
        let slope = x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>() / spread;
        let residuals = x.iter().zip(y).map(|(x, y)| y - y_mean - slope * (x - x_mean)).collect();
        Self { slope, spread, residuals }
    }

    fn squares(&self) -> f64 {
        self.residuals.iter().map(|e| e * e).sum()
    }

    fn p(&self) -> f64 {
        let (n, squares) = (self.residuals.len() as f64, self.squares());
        if self.slope == 0.0 {
            return 1.0;
        }
        let products: f64 = self.residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let raw = if squares > 0.0 { products / squares } else { 0.0 };
        let rho = (raw + (2.0 + 4.0 * raw) / n).clamp(0.0, MOST_CORRELATION);
        let inflation = (1.0 + rho) / (1.0 - rho);
        let error = (squares / (n - 2.0).max(1.0) / self.spread * inflation).sqrt();
        if error == 0.0 {
            return 0.0;
        }
        t_two_sided(self.slope.abs() / error, (n / inflation - 2.0).max(2.0))
    }
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

    #[test]
    fn a_start_that_differs_is_told_from_chance() {
        let wave = |i: usize| 1.0 + 0.1 * ((i * 7919) % 97) as f64 / 97.0;
        let steady: Vec<f64> = (0..30).map(wave).collect();
        let slow: Vec<f64> = (0..30).map(|i| wave(i) * if i < 12 { 1.5 } else { 1.0 }).collect();
        let rising: Vec<f64> = (0..30).map(|i| wave(i) * (1.0 + 0.03 * i as f64)).collect();
        assert!(p_of_start(&steady, 10).unwrap() > 0.05);
        assert!(p_of_start(&slow, 12).unwrap() < 0.001);
        assert!(p_of_start(&rising, 15).unwrap() < 0.001);
        assert_eq!(p_of_start(&[1.0; 30], 10), Some(1.0));
        assert_eq!(p_of_start(&steady, 1), None);
        assert_eq!(p_of_start(&steady, 29), None);
    }

    proptest! {
        #[test]
        fn chance_knows_no_units(cells in prop::collection::vec(1.0..100.0_f64, 4..60), unit in 1_i32..10) {
            let first = cells.len() / 2;
            let p = p_of_start(&cells, first).unwrap();
            prop_assert!((0.0..=1.0).contains(&p));
            let scaled: Vec<f64> = cells.iter().map(|c| c * 10_f64.powi(unit)).collect();
            prop_assert!((p_of_start(&scaled, first).unwrap() - p).abs() < 1e-6);
        }

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
