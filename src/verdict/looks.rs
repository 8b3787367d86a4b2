//! When an experiment may be looked at, and at which level.
//!
//! The looks share an error of 5 %; whoever stops for good at another number of rounds, fixed
//! beforehand or by a budget, spends what the looks before have left of it.

use crate::stats::decision::{LOOKS, alpha_at, is_look};

/// Fewer rounds decide nothing: three see only gross effects (a shift of 25 % at p50, one of 10 % hardly ever).
pub const LEAST_ROUNDS: usize = LOOKS[0].0;

/// The error that all looks share.
pub const ALPHA: f64 = 0.05;

/// Two-sided alpha of a look after `rounds` of at most `most`. `was_planned_end`: no round will
/// follow, for a reason that has nothing to do with what was seen (all rounds made, a budget spent).
pub fn alpha(rounds: usize, most: usize, was_planned_end: bool) -> f64 {
    if was_planned_end || rounds >= most {
        return ALPHA - LOOKS.iter().filter(|look| look.0 < rounds).map(|look| look.1).sum::<f64>();
    }
    alpha_at(rounds)
}

/// Whether an experiment of at most `most` rounds may stop after `rounds` because all is decided.
pub fn may_stop(rounds: usize, most: usize) -> bool {
    is_look(rounds) || rounds >= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_of_an_experiment_spend_five_percent() {
        for most in [5, 6, 10, 12, 20] {
            let looks = (1..=most).filter(|n| may_stop(*n, most));
            let spent: f64 = looks.map(|n| alpha(n, most, n == most)).sum();
            assert!((spent - ALPHA).abs() < 1e-12, "{most}: {spent}");
        }
    }

    #[test]
    fn a_fixed_number_of_rounds_has_all_of_it_and_a_budget_what_is_left() {
        assert_eq!(alpha(5, 5, true), 0.05);
        assert_eq!(alpha(5, 20, false), 0.010);
        assert!((alpha(7, 20, true) - 0.04).abs() < 1e-12);
        assert!((alpha(10, 10, true) - 0.04).abs() < 1e-12);
        assert!((alpha(20, 20, true) - 0.025).abs() < 1e-12);
    }
}
