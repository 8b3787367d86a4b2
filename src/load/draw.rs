//! Draws: what users do next, and how long they think. Pure but for the numbers that are handed in.

use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::scenario::journey::{Branch, Think, UserClass};

/// The journey that a user of a class performs next.
pub(super) fn draw_journey(class: &UserClass, rng: &mut Pcg64Mcg) -> usize {
    draw_weighted(class.journeys.iter().map(|(journey, weight)| (*journey, *weight)), rng).unwrap_or(0)
}

/// One of the branches, by their probabilities.
pub(super) fn draw_branch<'a>(branches: &'a [Branch], rng: &mut Pcg64Mcg) -> Option<&'a Branch> {
    draw_weighted(branches.iter().map(|b| (b, b.probability)), rng)
}

/// One of several by weight; none of none.
pub(super) fn draw_weighted<T>(
    choices: impl Iterator<Item = (T, f64)> + Clone,
    rng: &mut Pcg64Mcg,
) -> Option<T> {
    let total: f64 = choices.clone().map(|(_, weight)| weight).sum();
    let mut left = rng.random::<f64>() * total;
    let mut last = None;
    for (choice, weight) in choices {
        left -= weight;
        last = Some(choice);
        if left < 0.0 {
            break;
        }
    }
    last
}

/// How long a user thinks after a step.
pub(super) fn think_time(think: Think, rng: &mut Pcg64Mcg) -> Duration {
    match think {
        Think::None | Think::Pacing(_) => Duration::ZERO,
        Think::Constant(time) => time,
        Think::Uniform(from, to) => from + to.saturating_sub(from).mul_f64(rng.random::<f64>()),
        Think::Exponential(mean) => mean.mul_f64(exponential(rng)),
    }
}

/// A draw from the exponential distribution of mean 1.
pub(super) fn exponential(rng: &mut Pcg64Mcg) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn choices_follow_their_weights() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let weights = [("a", 7.0), ("b", 3.0)];
        let a = (0..10_000).filter(|_| draw_weighted(weights.into_iter(), &mut rng) == Some("a")).count();
        assert!((6_800..7_200).contains(&a), "{a}");
    }

    #[test]
    fn think_times_have_their_mean_and_range() {
        let mut rng = Pcg64Mcg::seed_from_u64(2);
        let mean = |think, rng: &mut Pcg64Mcg| {
            (0..20_000).map(|_| think_time(think, rng).as_secs_f64()).sum::<f64>() / 20_000.0
        };
        let second = Duration::from_secs(1);
        assert!((mean(Think::Exponential(second), &mut rng) - 1.0).abs() < 0.03);
        assert!((mean(Think::Uniform(second / 2, second * 2), &mut rng) - 1.25).abs() < 0.03);
        assert!((mean(Think::Constant(second), &mut rng) - 1.0).abs() < 1e-9);
        assert!(mean(Think::Pacing(second), &mut rng).abs() < 1e-9);
    }
}
