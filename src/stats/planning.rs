//! How many rounds a claim needs.

use super::distribution::{chi_squared_quantile, t_quantile};
use super::mean::Moments;

/// Most rounds that [`rounds_needed`] proposes.
pub const MOST_NEEDED: usize = 200;

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_effect_at_the_threshold_needs_more_rounds_than_any() {
        let moments = Moments { n: 5, mean: 0.1, sd: 0.2 };
        assert_eq!(rounds_needed(&moments, 0.1, 0.025), None);
        assert_eq!(rounds_needed(&moments, 0.0999, 0.025), None);
        assert_eq!(rounds_needed(&Moments { n: 200, ..moments }, 5.0, 0.025), None);
        assert!(rounds_needed(&moments, 0.0, 0.025).is_some());
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
    }
}
