//! Straight lines and means of a series over time.

/// The slope of the least-squares line through `(seconds, value)`, per second; none below two
/// different times.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (t, y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = points.iter().map(|p| (p.0 - t).powi(2)).sum();
    (spread > 0.0).then(|| points.iter().map(|p| (p.0 - t) * (p.1 - y)).sum::<f64>() / spread)
}

/// The mean of a series over time, each value lasting until the next; that of a single point is its
/// value, none for no points.
pub fn mean_over_time(points: &[(f64, f64)]) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    let seconds = last.0 - first.0;
    if seconds <= 0.0 {
        return Some(last.1);
    }
    Some(points.windows(2).map(|p| p[0].1 * (p[1].0 - p[0].0)).sum::<f64>() / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope_and_a_step_its_mean_over_time() {
        let line: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i) * 0.5, 3.0 + f64::from(i))).collect();
        assert!((slope(&line).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(slope(&[(1.0, 5.0)]), None);
        assert_eq!(mean_over_time(&[(0.0, 10.0), (1.0, 0.0), (4.0, 0.0)]), Some(2.5));
        assert_eq!(mean_over_time(&[(7.0, 3.0)]), Some(3.0));
        assert_eq!(mean_over_time(&[]), None);
    }
}
