//! What a pilot round says of the rounds to come: how long runs have to be, and how many rounds claims will
//! probably take.
//!
//! Blind to the difference between the arms: each need is that of the arm that needs more, and no arm's metric is
//! held against the other's. So a pilot costs no error, and its round is left out of the evidence.

use super::decision::LOOKS;
use super::planning::rounds_for_power;

/// Events beyond a quantile from p99 on that a run is planned to have in the poorer arm.
pub const EVENTS_BEYOND: f64 = 30.0;
/// Samples that a run is planned to have for an absolute claim about a quantile, in the poorer arm.
pub const SAMPLES_FOR_ABSOLUTE: f64 = 400.0;
/// How much longer than stated a run gets at most.
pub const MOST_LONGER: f64 = 4.0;
/// Quantiles from here on need events beyond them.
pub const HIGH_QUANTILE: f64 = 0.99;
/// Power that rounds are planned for.
const POWER: f64 = 0.8;
/// Two-sided alpha that they are planned with.
const PLANNING_ALPHA: f64 = 0.015;

/// What one claim needs of a run, as the pilot saw it. `seen`: one number for each arm's run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need<'a> {
    /// Separate events (clusters of exceedances) beyond a quantile from [`HIGH_QUANTILE`] on.
    Events {
        /// Events in each arm's measured stretch.
        seen: &'a [f64],
    },
    /// Samples that an absolute claim about a quantile selects.
    Samples {
        /// Samples in each arm's measured stretch.
        seen: &'a [f64],
    },
}

impl Need<'_> {
    /// How many times the measured stretch it takes; infinite where an arm had none, 1 without arms.
    fn factor(&self) -> f64 {
        let (seen, wanted) = match self {
            Self::Events { seen } => (seen, EVENTS_BEYOND),
            Self::Samples { seen } => (seen, SAMPLES_FOR_ABSOLUTE),
        };
        seen.iter().map(|seen| wanted / seen.max(0.0)).fold(1.0, f64::max)
    }
}

/// How long runs should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunTime {
    /// Seconds, between the stated run time and [`MOST_LONGER`] times that.
    pub seconds: f64,
    /// Seconds that all needs would take, which may be more; infinite if an arm had none of what is needed.
    pub wanted_s: f64,
}

impl RunTime {
    /// Whether the run time meets all needs.
    pub fn suffices(&self) -> bool {
        self.wanted_s <= self.seconds
    }
}

/// The run time that meets all `needs`, by the pilot: `warm-up + measured stretch · the largest factor`, in
/// which the measured stretch is the stated time less the warm-up.
///
/// `stated_s`: the stated run time, above 0. `warm_up_s`: the longest warm-up of the arms, at least 0; a warm-up of
/// the whole run or more leaves nothing measured, and wants all the time there is. A run is never shortened.
pub fn run_time(stated_s: f64, warm_up_s: f64, needs: &[Need<'_>]) -> RunTime {
    let measured_s = stated_s - warm_up_s.max(0.0);
    let factor = needs.iter().map(Need::factor).fold(1.0, f64::max);
    let wanted_s = if measured_s > 0.0 { stated_s + measured_s * (factor - 1.0) } else { f64::INFINITY };
    RunTime { seconds: wanted_s.clamp(stated_s, MOST_LONGER * stated_s), wanted_s }
}

/// A lower bound, seen in a pilot, of the standard deviation of a round's logarithmic ratio.
///
/// `halves`: a statistic in the first and the second half of each arm's run, in any unit. Halves that
/// spread by s make runs that spread by s/√2 at least, so an arm's spread is `|ln x₁ − ln x₂| / 2`, and a ratio's that of
/// the wider arm times √2. None without arms, or where a value is not above 0 or not finite. 0 where
/// the halves are equal. It rests on one degree of freedom per arm, and knows nothing of what differs between
/// runs: the true spread is often larger.
pub fn spread_of_ratio(halves: &[[f64; 2]]) -> Option<f64> {
    let is_usable = |x: &f64| *x > 0.0 && x.is_finite();
    if halves.is_empty() || !halves.iter().flatten().all(is_usable) {
        return None;
    }
    let of_arm = |[first, second]: &[f64; 2]| (first.ln() - second.ln()).abs() / 2.0;
    Some(halves.iter().map(of_arm).fold(0.0, f64::max) * std::f64::consts::SQRT_2)
}

/// Rounds after which a claim will probably be decided: the first look with a power of 80 % at α = 0.015, or, if
/// none has it, the rounds that would. None if 400 rounds do not suffice, or without a margin.
///
/// `sd`: of a round's logarithmic ratio, such as [`spread_of_ratio`]. `margin_ln`: how far the truth is taken to lie
/// from the bound, in logarithms: an assumption, since a pilot must not look at the effect.
pub fn probable_rounds(sd: f64, margin_ln: f64) -> Option<usize> {
    if margin_ln == 0.0 || !margin_ln.is_finite() || !sd.is_finite() {
        return None;
    }
    // Without any spread two rounds would do, and the first look is the first that decides.
    let needed = if sd > 0.0 { rounds_for_power(sd, margin_ln, PLANNING_ALPHA, POWER)? } else { 2 };
    let look = LOOKS.iter().map(|look| look.0).find(|look| *look >= needed);
    Some(look.unwrap_or(needed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn runs_get_as_long_as_the_poorer_arm_needs() {
        let events = Need::Events { seen: &[40.0, 15.0] };
        let samples = Need::Samples { seen: &[160.0, 4000.0] };
        assert_eq!(run_time(60.0, 0.0, &[]), RunTime { seconds: 60.0, wanted_s: 60.0 });
        assert_eq!(run_time(60.0, 0.0, &[events]).seconds, 120.0);
        assert_eq!(run_time(60.0, 10.0, &[events]).seconds, 110.0, "the warm-up is spent once");
        assert_eq!(run_time(60.0, 0.0, &[events, samples]).seconds, 150.0);
        assert!(run_time(60.0, 0.0, &[events, samples]).suffices());
    }

    #[test]
    fn runs_get_at_most_four_times_as_long() {
        let rare = run_time(60.0, 0.0, &[Need::Events { seen: &[3.0, 9.0] }]);
        assert_eq!((rare.seconds, rare.wanted_s, rare.suffices()), (240.0, 600.0, false));
        let none = run_time(60.0, 0.0, &[Need::Events { seen: &[0.0, 9.0] }]);
        assert_eq!((none.seconds, none.suffices()), (240.0, false));
        assert_eq!(run_time(60.0, 60.0, &[]).seconds, 240.0);
        assert_eq!(run_time(60.0, 0.0, &[Need::Samples { seen: &[] }]).seconds, 60.0);
    }

    #[test]
    fn the_spread_is_that_of_the_wider_arm() {
        let e = std::f64::consts::E;
        let found = spread_of_ratio(&[[1.0, 1.1], [e, 1.0]]).unwrap();
        assert!((found - 0.5 * std::f64::consts::SQRT_2).abs() < 1e-12);
        assert_eq!(spread_of_ratio(&[[2.0, 2.0], [5.0, 5.0]]), Some(0.0));
        assert_eq!(spread_of_ratio(&[]), None);
        assert_eq!(spread_of_ratio(&[[0.0, 1.0]]), None);
        assert_eq!(spread_of_ratio(&[[f64::INFINITY, 1.0]]), None);
    }

    #[test]
    fn rounds_are_those_of_the_next_look() {
        assert_eq!(probable_rounds(0.03, 1.25_f64.ln()), Some(5));
        assert_eq!(probable_rounds(0.05, 1.10_f64.ln()), Some(10));
        assert_eq!(probable_rounds(0.10, 1.10_f64.ln()), Some(20));
        assert_eq!(probable_rounds(0.20, 1.10_f64.ln()), Some(51));
        assert_eq!(probable_rounds(0.70, 1.10_f64.ln()), None);
        assert_eq!(probable_rounds(0.0, 0.1), Some(5));
        assert_eq!(probable_rounds(0.1, 0.0), None);
    }

    proptest! {
        #[test]
        fn which_arm_is_which_does_not_matter_and_less_evidence_never_shortens(
            stated in 1.0..1000.0_f64, warm_up in 0.0..0.5_f64, a in 0.0..100.0_f64, b in 0.0..100.0_f64, less in 0.0..1.0_f64,
        ) {
            let at = |seen: [f64; 2]| run_time(stated, warm_up * stated, &[Need::Events { seen: &seen }]);
            prop_assert_eq!(at([a, b]), at([b, a]));
            prop_assert!(at([a * less, b]).seconds >= at([a, b]).seconds);
            prop_assert!((stated..=MOST_LONGER * stated).contains(&at([a, b]).seconds));
            prop_assert_eq!(spread_of_ratio(&[[a + 1.0, b + 1.0], [1.0, 2.0]]), spread_of_ratio(&[[1.0, 2.0], [b + 1.0, a + 1.0]]));
        }
    }
}
