//! Whether a series moves in one direction over a run: memory that leaks, latency that degrades.

use super::distribution::t_quantile;

/// Blocks that a stretch is cut into.
const BLOCKS: usize = 20;
/// Blocks with values below which nothing is said.
const LEAST_BLOCKS: usize = 8;
/// Cap of the autocorrelation of neighbouring residuals.
const MOST_CORRELATION: f64 = 0.8;

/// How much a series has moved over a stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    /// Change along the line from the first to the last block, as a share of the line's first value.
    pub share: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The drift of a series of `(seconds, value)`, at level 1 − `alpha`; each block is summed up by `metric`.
/// None with values in fewer than eight of twenty blocks, or where the line begins at 0 or below.
///
/// Least squares over block values; with ρ the lag-1 correlation of the residuals (corrected for the line's two
/// parameters, kept in [0, 0.8]) the slope's standard error grows by √((1+ρ)/(1−ρ)) and its degrees of freedom fall to
/// n(1−ρ)/(1+ρ) − 2, at least 2. Blocks take up what hangs together within seconds, ρ what remains.
///
/// Source: effective sample size of an AR(1) series, Bayley and Hammersley 1946, JRSS Supplement 8; the correction
/// of ρ after Marriott and Pope 1954, Biometrika 41.
pub fn drift(points: &[(f64, f64)], alpha: f64, metric: impl Fn(&mut [f64]) -> Option<f64>) -> Option<Drift> {
    let blocks = blocks(points, metric);
    if blocks.len() < LEAST_BLOCKS {
        return None;
    }
    let n = blocks.len() as f64;
    let (t, y) = (blocks.iter().map(|b| b.0).sum::<f64>() / n, blocks.iter().map(|b| b.1).sum::<f64>() / n);
    let spread: f64 = blocks.iter().map(|b| (b.0 - t).powi(2)).sum();
    let slope = blocks.iter().map(|b| (b.0 - t) * (b.1 - y)).sum::<f64>() / spread;
    let residuals: Vec<f64> = blocks.iter().map(|b| b.1 - y - slope * (b.0 - t)).collect();
    let squares: f64 = residuals.iter().map(|e| e * e).sum();
    let products: f64 = residuals.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let raw = if squares > 0.0 { products / squares } else { 0.0 };
    let rho = (raw + (2.0 + 4.0 * raw) / n).clamp(0.0, MOST_CORRELATION);
    let inflation = (1.0 + rho) / (1.0 - rho);
    let df = (n / inflation - 2.0).max(2.0);
    let error = (squares / (n - 2.0) / spread * inflation).sqrt();
    let (first, last) = (blocks[0].0, blocks[blocks.len() - 1].0);
    let start = y + slope * (first - t);
    if start <= 0.0 {
        return None;
    }
    let share = |slope: f64| slope * (last - first) / start;
    let half = t_quantile(1.0 - alpha / 2.0, df) * error;
    Some(Drift { share: share(slope), low: share(slope - half), high: share(slope + half) })
}

/// Middle and value of each block of time that has values.
fn blocks(points: &[(f64, f64)], metric: impl Fn(&mut [f64]) -> Option<f64>) -> Vec<(f64, f64)> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let width = (last.0 - first.0) / BLOCKS as f64;
    if width <= 0.0 {
        return Vec::new();
    }
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); BLOCKS];
    for (at, value) in points {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ place ≤ BLOCKS")]
        let block = ((at - first.0) / width) as usize;
        values[block.min(BLOCKS - 1)].push(*value);
    }
    let middle = |block: usize| first.0 + width * (block as f64 + 0.5);
    let metrics = values.iter_mut().enumerate().filter(|(_, values)| !values.is_empty());
    metrics.filter_map(|(block, values)| Some((middle(block), metric(values)?))).collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as a quantile gives it")]
    fn mean(values: &mut [f64]) -> Option<f64> {
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Readings twice a second for ten minutes: a level, a slope per second, and noise that hangs together.
    fn series(seed: u64, slope: f64, phi: f64) -> Vec<(f64, f64)> {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut noise = 0.0;
        (0..1200)
            .map(|i| {
                let t = f64::from(i) / 2.0;
                let fresh: f64 = (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
                noise = phi * noise + fresh;
                (t, 100.0 + slope * t + noise)
            })
            .collect()
    }

    #[test]
    fn a_line_drifts_by_what_it_rises() {
        let points: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), 50.0 + f64::from(i))).collect();
        let drift = drift(&points, 0.05, mean).unwrap();
        // From the first block's middle to the last's: 19 of 20 widths.
        let expected = 99.0 * 19.0 / 20.0 / (50.0 + 99.0 / 40.0);
        assert!((drift.share - expected).abs() < 0.05, "{drift:?}");
        assert!(drift.high - drift.low < 0.05);
    }

    #[test]
    fn a_series_that_wanders_about_its_level_is_seldom_called_drifting() {
        for phi in [0.0, 0.5, 0.9] {
            let false_alarms = (0..400)
                .filter(|seed| {
                    let drift = drift(&series(*seed, 0.0, phi), 0.05, mean).unwrap();
                    drift.low > 0.0 || drift.high < 0.0
                })
                .count();
            assert!(false_alarms <= 28, "phi {phi}: {false_alarms} of 400");
        }
    }

    #[test]
    fn a_slow_leak_is_seen() {
        let seen = (0..100).filter(|seed| drift(&series(*seed, 0.01, 0.5), 0.05, mean).unwrap().low > 0.0);
        assert!(seen.count() >= 95);
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(drift(&[], 0.05, mean), None);
        assert_eq!(drift(&[(1.0, 1.0), (2.0, 1.0)], 0.05, mean), None);
        let below: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), -1.0)).collect();
        assert_eq!(drift(&below, 0.05, mean), None);
    }
}
