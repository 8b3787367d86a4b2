//! How trials at one load classify it, and what throughput stands for it, by RFC 9971 (MLRsearch).
//!
//! A trial is of *high loss* if it misses the goal. A load is a lower bound once its trials are certain to
//! keep the goal's exceed ratio whatever the rest of the duration sum brings, and an upper bound once they
//! are certain not to. Trials shorter than the goal's final duration count as the RFC counts them: good
//! ones only balance bad ones.

/// What a search goal asks of the trials at a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Requirement {
    /// Goal final trial duration, s; above 0. Shorter trials are short.
    pub final_trial_s: f64,
    /// Goal duration sum, s; above 0. After full-length trials of so much time a load is classified.
    pub duration_sum_s: f64,
    /// Goal exceed ratio, in [0, 1): the share of the time whose trials may be of high loss.
    pub exceed_ratio: f64,
}

/// A trial at a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// How long it took, s.
    pub duration_s: f64,
    /// Whether it missed the goal.
    pub is_high_loss: bool,
}

/// What a load is for a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It keeps to the goal.
    Lower,
    /// It does not.
    Upper,
    /// Further trials may make it either.
    Undecided,
}

/// Sums of durations that differ by less are the same.
const TOLERANCE: f64 = 1e-9;

/// What the trials made so far make of a load; without any it is undecided.
///
/// Source: RFC 9971, appendix "Load Classification Code".
pub fn classify(goal: &Requirement, trials: impl IntoIterator<Item = Trial>) -> Class {
    let (mut full_low, mut full_high, mut short_low, mut short_high) = (0.0, 0.0, 0.0, 0.0);
    for trial in trials {
        let is_full = trial.duration_s >= goal.final_trial_s - TOLERANCE;
        let sum = match (is_full, trial.is_high_loss) {
            (true, false) => &mut full_low,
            (true, true) => &mut full_high,
            (false, false) => &mut short_low,
            (false, true) => &mut short_high,
        };
        *sum += trial.duration_s;
    }
    let balancing = short_low * goal.exceed_ratio / (1.0 - goal.exceed_ratio);
    let high = full_high + f64::max(0.0, short_high - balancing);
    let full = full_low + high;
    let whole = full.max(goal.duration_sum_s);
    let missing = whole - full;
    let tolerated = goal.exceed_ratio * whole + TOLERANCE * whole;
    if high > tolerated {
        Class::Upper
    } else if high + missing <= tolerated {
        Class::Lower
    } else {
        Class::Undecided
    }
}

/// The throughput that a lower bound typically has: with its full-length trials in order of falling throughput, that of the
/// trial with which they come to `1 − exceed_ratio` of the duration sum, or of their own sum where that is longer. None if
/// they never do, which lower bounds rule out.
///
/// `trials`: duration (s) and throughput (of any unit) of each full-length trial at the load.
///
/// Source: RFC 9971, appendix "Conditional Throughput Code"; loss rises as throughput falls.
pub fn conditional_throughput(goal: &Requirement, mut trials: Vec<(f64, f64)>) -> Option<f64> {
    trials.sort_by(|a, b| b.1.total_cmp(&a.1));
    let whole = trials.iter().map(|trial| trial.0).sum::<f64>().max(goal.duration_sum_s);
    let mut remaining = (1.0 - goal.exceed_ratio) * whole;
    trials.into_iter().find_map(|(duration_s, throughput)| {
        remaining -= duration_s;
        (remaining <= TOLERANCE * whole).then_some(throughput)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The goals of the RFC's appendix, with the share of lost frames that each tolerates.
    const GOALS: [(Requirement, f64); 4] = [
        (Requirement { final_trial_s: 60.0, duration_sum_s: 60.0, exceed_ratio: 0.0 }, 0.0),
        (Requirement { final_trial_s: 60.0, duration_sum_s: 120.0, exceed_ratio: 0.5 }, 0.0),
        (Requirement { final_trial_s: 1.0, duration_sum_s: 120.0, exceed_ratio: 0.5 }, 0.005),
        (Requirement { final_trial_s: 60.0, duration_sum_s: 60.0, exceed_ratio: 0.2 }, 0.005),
    ];

    /// `(number, duration, loss)` of groups of trials.
    type Groups<'a> = &'a [(usize, f64, f64)];

    fn classes(groups: Groups<'_>) -> [Class; 4] {
        GOALS.map(|(goal, tolerated)| {
            let trials = groups.iter().flat_map(|(number, duration_s, loss)| {
                let trial = Trial { duration_s: *duration_s, is_high_loss: *loss > tolerated };
                std::iter::repeat_n(trial, *number)
            });
            classify(&goal, trials)
        })
    }

    #[test]
    fn loads_are_classified_as_in_the_examples_of_the_rfc() {
        use Class::{Lower, Undecided, Upper};
        // Of the fourth goal the RFC's tables say `Lower` at the last two points, and exceed ratios of 43 % and 27 %, which
        // are above its 20 %: by the RFC's own code it is `Upper`.
        let good = (59, 1.0, 0.0);
        let points: [(Groups<'_>, [Class; 4]); 6] = [
            (&[good], [Undecided; 4]),
            (&[good, (1, 1.0, 0.01)], [Upper, Undecided, Undecided, Undecided]),
            (&[good, (60, 1.0, 0.01)], [Upper, Undecided, Undecided, Upper]),
            (&[good, (60, 1.0, 0.01), (1, 1.0, 0.0)], [Upper, Undecided, Lower, Upper]),
            (&[good, (60, 1.0, 0.01), (1, 1.0, 0.0), (1, 60.0, 0.001)], [Upper, Undecided, Lower, Upper]),
            (
                &[good, (60, 1.0, 0.01), (1, 1.0, 0.0), (1, 60.0, 0.001), (1, 60.0, 0.0)],
                [Upper, Lower, Lower, Upper],
            ),
        ];
        for (groups, wanted) in points {
            assert_eq!(classes(groups), wanted, "{groups:?}");
        }
    }

    #[test]
    fn the_majority_of_three_trials_is_an_exceed_ratio_of_a_half() {
        let goal = Requirement { final_trial_s: 8.0, duration_sum_s: 24.0, exceed_ratio: 0.5 };
        let of = |missed: &[bool]| {
            classify(
                &goal,
                missed.iter().map(|is_high_loss| Trial { duration_s: 8.0, is_high_loss: *is_high_loss }),
            )
        };
        assert_eq!(of(&[]), Class::Undecided);
        assert_eq!(of(&[false]), Class::Undecided);
        assert_eq!(of(&[false, false]), Class::Lower);
        assert_eq!(of(&[true, false]), Class::Undecided);
        assert_eq!(of(&[true, false, true]), Class::Upper);
    }

    #[test]
    fn throughput_is_conditional_as_in_the_examples_of_the_rfc() {
        // Goals 2, 3 and 4, at a load of a million frames per second.
        let [_, (second, _), (third, _), (fourth, _)] = GOALS;
        let long = [(60.0, 1e6), (60.0, 0.999e6)];
        assert_eq!(conditional_throughput(&second, long.to_vec()), Some(1e6));
        assert_eq!(conditional_throughput(&fourth, long.to_vec()), Some(0.999e6));
        let short = std::iter::repeat_n((1.0, 1e6), 60).chain(std::iter::repeat_n((1.0, 0.99e6), 60));
        assert_eq!(conditional_throughput(&third, short.chain(long).collect()), Some(1e6));
        assert_eq!(conditional_throughput(&third, Vec::new()), None);
    }
}
