//! Whether values come from an exponential distribution: the gaps of a Poisson process do.

/// The statistic from which values are not taken for exponential at a level of 1 %.
///
/// Source: D'Agostino and Stephens 1986, Goodness-of-Fit Techniques, table 4.14 (scale unknown).
pub const REJECTS_AT_1_PERCENT: f64 = 1.957;
/// The same at 5 %.
pub const REJECTS_AT_5_PERCENT: f64 = 1.341;

/// Fewer values say nothing.
pub const FEWEST: usize = 20;

/// Anderson and Darling's statistic of an exponential distribution whose mean is that of the values, modified so that its
/// critical values hold for all numbers of values: `A² (1 + 0.6 / n)`. None for less than [`FEWEST`] values, or values
/// that are negative or all 0. Infinite where a value is 0, as one cannot be; whoever rounds has to undo it before.
///
/// Source: Anderson and Darling 1954, Journal of the American Statistical Association 49; the modification is that of
/// D'Agostino and Stephens 1986, table 4.14.
pub fn exponential(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < FEWEST || values.iter().any(|value| *value < 0.0) || mean.partial_cmp(&0.0)?.is_le() {
        return None;
    }
    let mut sorted: Vec<f64> = values.iter().map(|value| value / mean).collect();
    sorted.sort_by(f64::total_cmp);
    // The distribution function is 1 − exp(−x): its complement's logarithm is −x, without loss where that is small.
    let term =
        |(i, (low, high)): (usize, (&f64, &f64))| (2 * i + 1) as f64 * ((-(-low).exp_m1()).ln() - high);
    let sum: f64 = sorted.iter().zip(sorted.iter().rev()).enumerate().map(term).sum();
    Some((-n - sum / n) * (1.0 + 0.6 / n))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values at the middle of equally likely stretches of an exponential distribution.
    fn ideal(n: u32) -> Vec<f64> {
        (0..n).map(|i| -(1.0 - (f64::from(i) + 0.5) / f64::from(n)).ln()).collect()
    }

    #[test]
    fn exponential_values_are_taken_for_such_at_any_scale() {
        let statistic = exponential(&ideal(200)).unwrap();
        assert!(statistic < 0.1, "{statistic}");
        let scaled: Vec<f64> = ideal(200).iter().map(|value| value * 1e6).collect();
        assert!((exponential(&scaled).unwrap() - statistic).abs() < 1e-9);
    }

    #[test]
    fn the_statistic_is_that_of_another_implementation() {
        // scipy 1.16: anderson(x, 'expon').statistic * (1 + 0.6 / 40).
        let values: Vec<f64> = (0..40).map(|i| f64::from((i * 37) % 101) + 0.5).collect();
        assert!((exponential(&values).unwrap() - 2.279_111_396_382_16).abs() < 1e-9);
    }

    #[test]
    fn even_gaps_and_bunches_are_not() {
        assert!(exponential(&[5.0; 100]).unwrap() > REJECTS_AT_1_PERCENT);
        let bunched: Vec<f64> = (0..100).map(|i| if i % 4 == 0 { 4.0 } else { 0.001 }).collect();
        assert!(exponential(&bunched).unwrap() > REJECTS_AT_1_PERCENT);
    }

    #[test]
    fn few_or_impossible_values_say_nothing() {
        assert_eq!(exponential(&ideal(19)), None);
        assert_eq!(exponential(&[0.0; 30]), None);
        assert_eq!(exponential(&[-1.0; 30]), None);
        assert_eq!(exponential(&[]), None);
    }
}
