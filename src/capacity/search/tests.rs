use proptest::prelude::*;

use super::*;
use crate::capacity::terms::Limits;
use crate::claim::Expression;
use crate::run::LoadUnit;
use crate::stats::simulated::Normal;

/// More trials than any search of these tests takes.
const MOST: u32 = 400;

fn goal(name: &str) -> Goal {
    Goal {
        name: name.to_owned(),
        objective: vec![Expression::new("run.p99 <= 50ms")],
        duration_sum_s: 24.0,
        exceed_ratio: 0.5,
        width: 0.05,
    }
}

fn terms() -> Terms {
    let limits = Limits { from: 100.0, to: 1e6, factor: 1.5, unit: LoadUnit::PerSecond };
    Terms { goals: vec![goal("")], limits, trial_s: 8.0, alpha: 0.05 }
}

fn with_limits(change: impl FnOnce(&mut Limits)) -> Terms {
    let mut terms = terms();
    change(&mut terms.limits);
    terms
}

/// Searches a system that says of each goal, at a load, whether it misses; the search, and how many trials it took.
fn searched(terms: Terms, mut misses: impl FnMut(f64) -> Vec<bool>) -> (Search, u32) {
    let mut search = Search::new(terms);
    for trials in 0..MOST {
        let Some(step) = search.next(MOST) else { return (search, trials) };
        search.note(step.load, misses(step.load));
    }
    panic!("does not end");
}

/// The same of one goal.
fn of_one(terms: Terms, mut misses: impl FnMut(f64) -> bool) -> (Search, u32) {
    searched(terms, |load| vec![misses(load)])
}

#[test]
fn a_system_without_a_limit_is_tried_to_the_end_and_no_further() {
    let (search, _) = of_one(with_limits(|limits| limits.to = 1000.0), |_| false);
    let bounds = search.bounds(0);
    assert_eq!((bounds.lower, bounds.upper, bounds.is_regular), (Some(1000.0), None, false));
    assert_eq!(search.interval(0), crossing::Limits { low: Some(1000.0), high: None });
}

#[test]
fn a_system_that_always_misses_has_no_capacity() {
    let (search, trials) = of_one(terms(), |_| true);
    assert_eq!(search.bounds(0).lower, None);
    assert!(trials < 30, "{trials}");
}

#[test]
fn an_accident_on_the_way_up_does_not_end_it() {
    let mut accident = true;
    let (search, _) =
        of_one(terms(), |load| load >= 1000.0 || (load > 200.0 && std::mem::replace(&mut accident, false)));
    assert!(search.bounds(0).lower.unwrap() > 900.0);
}

#[test]
fn both_ends_are_confirmed_five_times() {
    let (search, trials) = of_one(terms(), |load| load > 1000.0);
    let (bounds, interval) = (search.bounds(0), search.interval(0));
    assert!(bounds.is_regular);
    assert_eq!((interval.low, interval.high), (bounds.lower, bounds.upper));
    assert_eq!(bounds.lower.map(|load| search.trials_at(load)), Some(7), "two that found it, five more");
    assert!(trials < 40, "{trials}");
}

#[test]
fn a_load_that_does_not_stand_its_confirmation_is_given_up() {
    // Met the first two times, and never again.
    let mut made: BTreeMap<u64, u32> = BTreeMap::new();
    let (search, _) = of_one(terms(), |load| {
        let count = made.entry(load.to_bits()).or_default();
        *count += 1;
        load > 1000.0 || (load > 500.0 && *count > 2)
    });
    let lower = search.bounds(0).lower.unwrap();
    assert!(lower <= 500.0, "{lower}");
}

#[test]
fn goals_share_their_trials_and_each_has_its_own_capacity() {
    let both = Terms { goals: vec![goal("strict"), goal("loose")], ..terms() };
    let (search, trials) = searched(both, |load| vec![load > 480.0, load > 1900.0]);
    let [strict, loose] = [search.bounds(0), search.bounds(1)];
    assert!(strict.is_regular && strict.lower.unwrap() <= 480.0 && strict.upper.unwrap() > 480.0);
    assert!(loose.is_regular && loose.lower.unwrap() <= 1900.0 && loose.upper.unwrap() > 1900.0);
    let (_, alone) = of_one(terms(), |load| load > 480.0);
    let (_, other) = of_one(terms(), |load| load > 1900.0);
    assert!(trials < alone + other, "{trials} against {alone} and {other}");
}

#[test]
fn the_last_trials_of_a_small_budget_confirm_what_was_found() {
    for most in 0..40 {
        let mut search = Search::new(terms());
        let mut made = 0;
        while let Some(step) = search.next(most - made) {
            search.note(step.load, vec![step.load > 1000.0]);
            made += 1;
        }
        if most >= 24 {
            assert!(search.interval(0).low.is_some_and(|low| low <= 1000.0), "{most}");
        }
    }
}

/// A noisy system: a trial misses with a chance that goes from 16 % to 84 % within two percent of the load on either
/// side of the capacity. At least 19 of 20 searches have to find it within the width, and hold it in their interval.
#[test]
fn the_capacity_of_a_noisy_system_is_found_within_the_width() {
    let searches = 200;
    let (mut found, mut held, mut trials) = (0, 0, 0);
    let mut random = Normal::seeded(5);
    for _ in 0..searches {
        let truth = 200.0 * (4.0 * random.uniform()).exp();
        let (search, made) = of_one(terms(), |load| (load / truth).ln() + 0.02 * random.next() > 0.0);
        let (bounds, interval) = (search.bounds(0), search.interval(0));
        let lower = bounds.lower.unwrap();
        found += u32::from((truth / lower - 1.0).abs() <= 0.05);
        held += u32::from(
            interval.low.is_none_or(|low| low <= truth) && interval.high.is_none_or(|high| high >= truth),
        );
        trials += made;
    }
    assert!(found * 20 >= searches * 19, "within the width in {found} of {searches}");
    assert!(held * 20 >= searches * 19, "interval holds in {held} of {searches}");
    assert!(trials / searches <= 50, "{} trials each", trials / searches);
}

proptest! {
    #[test]
    fn what_is_found_lies_within_the_width_of_the_truth(truth in 20.0..500_000.0_f64) {
        let (search, trials) = of_one(terms(), |load| load > truth);
        let bounds = search.bounds(0);
        let found = bounds.lower.unwrap();
        prop_assert!(bounds.is_regular);
        // Loads have three digits.
        prop_assert!(found <= truth && truth <= found * 1.062, "{} for {}", found, truth);
        prop_assert!(trials < 60);
    }

    #[test]
    fn users_are_whole(truth in 1..3000_u32) {
        let terms = with_limits(|limits| *limits = Limits { from: 10.0, unit: LoadUnit::Users, ..*limits });
        let (search, _) = of_one(terms, |load| load > f64::from(truth));
        let found = search.bounds(0).lower.unwrap();
        prop_assert_eq!(found.fract(), 0.0);
        prop_assert!(found <= f64::from(truth) && f64::from(truth) < (found * 1.05).max(found + 1.0));
    }

    #[test]
    fn a_budget_is_kept_whatever_happens(seed: u64, most in 0..80_u32) {
        let mut random = Normal::seeded(seed);
        let mut search = Search::new(terms());
        let mut made = 0;
        while let Some(step) = search.next(most - made) {
            search.note(step.load, vec![random.uniform() < 0.5]);
            made += 1;
        }
        prop_assert!(made <= most);
    }
}
