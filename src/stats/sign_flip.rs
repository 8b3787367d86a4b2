//! Whether paired differences have a direction, without assuming a shape.

/// Most differences whose signs are all tried.
pub const MOST: usize = 24;

/// Two-sided p of no direction: the share of all 2ⁿ choices of signs that give a sum at least as far from 0 as
/// the one seen. None for no differences, or for more than [`MOST`].
///
/// Below six differences it cannot reach 0.05. Source: Fisher 1935, The Design of Experiments, section 21.
pub fn sign_flip(differences: &[f64]) -> Option<f64> {
    let (first, rest) = differences.split_first()?;
    if differences.len() > MOST {
        return None;
    }
    // Sums in another order differ in their last digits; those are no difference.
    let slack = 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let seen = differences.iter().sum::<f64>().abs();
    // The first sign may stay: turning all signs keeps a sum's distance from 0.
    Some(at_least(rest, *first, seen - slack) as f64 / (1_u64 << rest.len()) as f64)
}

/// How many choices of signs of `differences` bring `sum` at least `distance` from 0.
fn at_least(differences: &[f64], sum: f64, distance: f64) -> u64 {
    match differences.split_first() {
        None => u64::from(sum.abs() >= distance),
        Some((d, rest)) => at_least(rest, sum + d, distance) + at_least(rest, sum - d, distance),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_direction_throughout_is_as_rare_as_it_gets() {
        assert_eq!(sign_flip(&[0.1, 0.2, 0.3, 0.1, 0.4, 0.2]), Some(2.0 / 64.0));
        assert_eq!(sign_flip(&[0.1]), Some(1.0));
        assert_eq!(sign_flip(&[]), None);
        assert_eq!(sign_flip(&[0.1; MOST + 1]), None);
    }

    proptest! {
        #[test]
        fn neither_unit_nor_direction_matters(
            differences in prop::collection::vec(-1.0..1.0_f64, 1..12), unit in -30_i32..30,
        ) {
            let p = sign_flip(&differences).unwrap();
            prop_assert!(p >= 2.0 / 2_f64.powi(i32::try_from(differences.len()).unwrap()) && p <= 1.0);
            let turned: Vec<f64> = differences.iter().map(|d| -d * 2_f64.powi(unit)).collect();
            prop_assert_eq!(sign_flip(&turned), Some(p));
        }
    }
}
