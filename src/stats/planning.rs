//! How many rounds a claim needs.

use super::distribution::{chi_squared_quantile, noncentral_t_upper, t_quantile};
use super::mean::Moments;

/// Most rounds that [`rounds_needed`] proposes.
pub const MOST_NEEDED: usize = 200;
/// Most rounds that [`rounds_for_power`] proposes.
pub const MOST_FOR_POWER: usize = 400;

/// The standard deviation that the true one stays below with 80 %: `s·√((n−1)/χ²_{0.2, n−1})`, by the
/// lower 20 % quantile of chi-squared. In the values' unit.
pub fn sd_upper(moments: &Moments) -> f64 {
    moments.sd * (moments.df() / chi_squared_quantile(0.2, moments.df())).sqrt()
}

/// Rounds in all (not in addition) after which the interval at 1 − `alpha` will leave out `threshold`, if the
/// mean stays where it is and the spread is no larger than [`sd_upper`]; none if [`MOST_NEEDED`]
/// do not suffice. For a result that is open; `alpha` is that of the last look.
///
/// The smallest n above the present number with `t_{n−1, 1−α/2} · sd_upper / √n ≤ |mean − threshold|`.
pub fn rounds_needed(moments: &Moments, threshold: f64, alpha: f64) -> Option<usize> {
    let (sd, distance) = (sd_upper(moments), (moments.mean - threshold).abs());
    (moments.n + 1..=MOST_NEEDED).find(|&n| {
        let n = n as f64;
        t_quantile(1.0 - alpha / 2.0, n - 1.0) * sd / n.sqrt() <= distance
    })
}

/// Chance that the two-sided t interval at 1 − `alpha` over `n` rounds (at least 2) leaves out the threshold,
/// where logarithms of ratios spread by `sd` (above 0) around `margin_ln` beside it. Exact, by the noncentral t.
pub fn power(n: usize, sd: f64, margin_ln: f64, alpha: f64) -> f64 {
    let df = n as f64 - 1.0;
    let shift = margin_ln.abs() / sd * (n as f64).sqrt();
    let critical = t_quantile(1.0 - alpha / 2.0, df);
    noncentral_t_upper(critical, df, shift) + noncentral_t_upper(critical, df, -shift)
}

/// The fewest rounds, at least 2, whose [`power`] reaches `power_wanted`, such as 0.8; none if [`MOST_FOR_POWER`]
/// do not suffice.
pub fn rounds_for_power(sd: f64, margin_ln: f64, alpha: f64, power_wanted: f64) -> Option<usize> {
    let reaches = |n: usize| power(n, sd, margin_ln, alpha) >= power_wanted;
    // Power grows with n, so halving finds the first that reaches it.
    let (mut short, mut enough) = (1, MOST_FOR_POWER);
    if !reaches(enough) {
        return None;
    }
    while enough - short > 1 {
        let middle = usize::midpoint(short, enough);
        *(if reaches(middle) { &mut enough } else { &mut short }) = middle;
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rounds for a power of 80 % at α = 0.015, by standard deviation (rows) and margin (columns).
    const TABLE: [(f64, [Option<usize>; 6]); 5] = [
        (0.03, [Some(15), Some(8), Some(5), Some(3), Some(3), Some(3)]),
        (0.05, [Some(34), Some(15), Some(7), Some(4), Some(3), Some(3)]),
        (0.10, [Some(126), Some(49), Some(15), Some(6), Some(4), Some(3)]),
        (0.20, [None, Some(184), Some(51), Some(12), Some(6), Some(4)]),
        (0.70, [None, None, None, Some(109), Some(35), Some(14)]),
    ];

    #[test]
    fn rounds_for_80_percent_power() {
        for (sd, row) in TABLE {
            for (margin, rounds) in [1.03_f64, 1.05, 1.10, 1.25, 1.5, 2.0].into_iter().zip(row) {
                assert_eq!(rounds_for_power(sd, margin.ln(), 0.015, 0.8), rounds, "sd {sd}, margin {margin}");
            }
        }
    }

    #[test]
    fn an_effect_at_the_threshold_needs_more_rounds_than_any() {
        let moments = Moments { n: 5, mean: 0.1, sd: 0.2 };
        assert_eq!(rounds_needed(&moments, 0.1, 0.025), None);
        assert_eq!(rounds_needed(&moments, 0.0999, 0.025), None);
        assert_eq!(rounds_needed(&Moments { n: 200, ..moments }, 5.0, 0.025), None);
        assert!(rounds_needed(&moments, 0.0, 0.025).is_some());
    }

    #[test]
    fn without_an_effect_power_is_alpha() {
        for n in [2, 5, 20] {
            assert!((power(n, 0.1, 0.0, 0.05) - 0.05).abs() < 1e-7);
        }
    }

    proptest! {
        #[test]
        fn more_spread_or_less_distance_needs_more_rounds(
            n in 2_usize..20, sd in 0.01..0.5_f64, near in 0.0..0.5_f64, further in 0.0..0.5_f64, factor in 1.0..3.0_f64,
        ) {
            let rounds = |sd: f64, distance: f64| {
                rounds_needed(&Moments { n, mean: distance, sd }, 0.0, 0.025).unwrap_or(usize::MAX)
            };
            prop_assert!(rounds(sd, near) >= rounds(sd, near + further));
            prop_assert!(rounds(sd * factor, near) >= rounds(sd, near));
            prop_assert!(rounds(sd, near) > n);
            // Which side of the threshold, and in which unit, does not matter.
            prop_assert_eq!(rounds(sd, near), rounds(sd, -near));
        }

        #[test]
        fn power_grows_with_rounds_and_margin(n in 2_usize..60, sd in 0.02..0.5_f64, margin in 0.01..0.5_f64) {
            let base = power(n, sd, margin, 0.015);
            prop_assert!((0.0..=1.0 + 1e-9).contains(&base));
            prop_assert!(power(n + 1, sd, margin, 0.015) >= base - 1e-7);
            prop_assert!(power(n, sd, margin * 1.1, 0.015) >= base - 1e-7);
        }
    }
}
