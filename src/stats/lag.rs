//! Whether successive values resemble each other: what a t interval over rounds does not allow for.

/// One-sided quantile of the normal distribution at 5 %.
const VISIBLE: f64 = 1.645;
/// Values below which nothing is visible.
const LEAST: usize = 5;

/// The lag-1 correlation of a series, `Σ (x_t − x̄)(x_{t+1} − x̄) / Σ (x_t − x̄)²`; none below 3 values or without spread.
pub fn correlation(values: &[f64]) -> Option<f64> {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    if n < 3 || squares <= 0.0 || !squares.is_finite() {
        return None;
    }
    let products: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    Some(products / squares)
}

/// The lag-1 correlation of a series, where independent values would come to one as high in less than about one of 20
/// series.
///
/// Independent normal values have the mean −1/n and a known variance; the distribution is taken as normal. Source: Dufour and
/// Roy 1985, Econometrica 53(2) (moments of serial correlations).
pub fn visible(values: &[f64]) -> Option<f64> {
    if values.len() < LEAST {
        return None;
    }
    let n = values.len() as f64;
    let variance =
        (n.powi(4) - 4.0 * n.powi(3) + 3.0 * n * n + 4.0 * n - 4.0) / ((n + 1.0) * n * n * (n - 1.0).powi(2));
    correlation(values).filter(|r| (r + 1.0 / n) / variance.sqrt() > VISIBLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::simulated::Normal;

    /// How often a series of AR(1) values is called visible.
    fn share_visible(n: usize, phi: f64) -> f64 {
        let mut normal = Normal::seeded(7);
        let tries = 4000;
        let found = (0..tries).filter(|_| {
            let mut last = normal.next() / (1.0 - phi * phi).sqrt();
            let series: Vec<f64> = (0..n)
                .map(|_| {
                    last = phi * last + normal.next();
                    last
                })
                .collect();
            visible(&series).is_some()
        });
        found.count() as f64 / f64::from(tries)
    }

    #[test]
    fn a_known_series_has_its_correlation() {
        // Deviations −2, −1, 0, 1, 2: (2 + 0 + 0 + 2) / 10.
        assert!((correlation(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(correlation(&[3.0; 9]), None);
        assert_eq!(visible(&[1.0, 2.0, 3.0, 4.0]), None);
        assert_eq!(visible(&[1.0, f64::INFINITY, 3.0, 4.0, 5.0]), None);
    }

    #[test]
    fn independent_rounds_are_rarely_called_alike() {
        for n in [5, 10, 20] {
            let share = share_visible(n, 0.0);
            assert!((0.01..=0.07).contains(&share), "{n}: {share}");
        }
    }

    #[test]
    fn rounds_that_wander_are_found_where_there_are_enough() {
        let found = [10, 20].map(|n| share_visible(n, 0.6));
        assert!(found[0] > 0.3 && found[1] > 0.7, "{found:?}");
    }
}
