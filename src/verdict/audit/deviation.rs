//! What a deviation of counts from others, or from stated shares, is worth.

use super::Grade;
use crate::stats::contingency::Deviation;
use crate::unit;

/// A deviation that chance makes less often than this is not put down to chance, and one that it makes less often than
/// the second number voids a run: at 1 in 1000 one of 25 experiments of forty runs would be void for nothing.
const CHANCE: (f64, f64) = (1e-3, 1e-6);
/// Sizes of a difference (Cramér's V, Cohen's w) from which it counts: thousands of requests make the
/// smallest one significant.
const SIZES: (f64, f64) = (0.02, 0.1);

/// What a deviation is worth.
pub(super) fn graded(found: &Deviation) -> Grade {
    let most = match found.p {
        p if p < CHANCE.1 => Grade::Invalid,
        p if p < CHANCE.0 => Grade::Warn,
        _ => Grade::Valid,
    };
    Grade::of(found.size, SIZES.0, SIZES.1).min(most)
}

/// A deviation in words.
pub(super) fn words(found: &Deviation) -> String {
    format!(
        "chi-square {}, p {}, size {}",
        unit::significant(found.chi_squared),
        if found.p < 0.001 { "< 0.001".to_owned() } else { unit::significant(found.p) },
        unit::significant(found.size)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deviation(p: f64, size: f64) -> Deviation {
        Deviation { chi_squared: 12.345, p, size }
    }

    #[test]
    fn only_a_deviation_that_is_both_large_and_unlikely_counts() {
        assert_eq!(graded(&deviation(0.5, 0.5)), Grade::Valid, "chance");
        assert_eq!(graded(&deviation(1e-9, 0.01)), Grade::Valid, "too small to matter");
        assert_eq!(graded(&deviation(1e-9, 0.05)), Grade::Warn);
        assert_eq!(graded(&deviation(1e-9, 0.5)), Grade::Invalid);
        assert_eq!(graded(&deviation(1e-5, 0.5)), Grade::Warn, "once in 100 000 runs of a right generator");
    }

    #[test]
    fn very_small_probabilities_are_told_as_a_bound() {
        assert_eq!(words(&deviation(1e-9, 0.05)), "chi-square 12.3, p < 0.001, size 0.0500");
    }
}
