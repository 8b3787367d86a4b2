//! What a gate over releases finds.

use proptest::prelude::*;

use super::*;
use crate::stats::regimes::{Ties, begins};

/// So many releases about a level.
fn about(level: f64, n: usize) -> Vec<f64> {
    [0.99, 1.01, 1.0, 0.995, 1.005].iter().cycle().take(n).map(|wobble| level * wobble).collect()
}

/// The standing of every release when it was the newest.
fn history(values: &[f64], accepted: &[usize], worse: Worse) -> Vec<Standing> {
    (1..=values.len()).map(|n| now(&values[..n], accepted, worse)).collect()
}

fn now(values: &[f64], accepted: &[usize], worse: Worse) -> Standing {
    updated(values, accepted, &[], worse)
}

/// With updates of the machine's software.
fn updated(values: &[f64], accepted: &[usize], updates: &[usize], worse: Worse) -> Standing {
    let found = lifted(values, 0.001).and_then(|values| begins(&values, Ties::Counted));
    let begins = found.unwrap_or_default();
    standing(&Releases {
        values,
        begins: &begins,
        accepted,
        updates,
        worse,
        resolution: 0.001,
        errors: &[],
        halts: &[],
    })
}

fn is_regression(standing: &Standing) -> bool {
    matches!(standing, Standing::Regression { .. })
}

#[test]
fn four_releases_are_enough_to_hold_the_next_against() {
    let mut values = about(10.0, 4);
    assert_eq!(now(&values, &[], Worse::Up), Standing::TooFew { points: 4 });
    values.push(15.0);
    assert!(
        matches!(now(&values, &[], Worse::Up), Standing::Suspect { ratio } if (ratio - 1.5).abs() < 0.01)
    );
    values.push(15.1);
    let found = now(&values, &[], Worse::Up);
    assert!(
        matches!(found, Standing::Regression { ratio, since: 4 } if (ratio - 1.51).abs() < 0.01),
        "{found:?}"
    );
    // For a rate the same is better.
    assert!(matches!(now(&values[..5], &[], Worse::Down), Standing::Better { .. }));
}

#[test]
fn an_old_spike_does_not_make_a_doubling_usual() {
    let mut values = about(100.0, 12);
    values[7] = 175.0;
    values.extend([200.0, 201.0]);
    let history = history(&values, &[], Worse::Up);
    assert!(matches!(history[7], Standing::Suspect { .. }));
    assert_eq!(history[8], Standing::Usual);
    assert!(matches!(history[12], Standing::Suspect { .. }));
    assert!(matches!(history[13], Standing::Regression { since: 12, .. }));
}

#[test]
fn a_rate_of_0_is_a_regression_by_itself() {
    let mut values = about(50.0, 14);
    values.extend([0.0, 0.0]);
    let history = history(&values, &[], Worse::Down);
    assert_eq!(history[13], Standing::Usual);
    assert_eq!(history[14], Standing::Regression { ratio: 0.0, since: 14 });
    assert!(matches!(history[15], Standing::Regression { since: 14, .. }));
    values.push(50.0);
    assert_eq!(now(&values, &[], Worse::Down), Standing::Usual);
    // Even after a single release; but what never worked has not become worse.
    assert!(is_regression(&now(&[50.0, 0.0], &[], Worse::Down)));
    assert_eq!(now(&[0.0, 0.0], &[], Worse::Down), Standing::TooFew { points: 2 });
    assert_eq!(now(&[0.0; 9], &[], Worse::Down), Standing::Usual);
}

#[test]
fn a_regression_stays_until_it_is_mended() {
    let mut values = about(100.0, 12);
    values.extend(about(200.0, 12));
    let standings = history(&values, &[], Worse::Up);
    assert!(matches!(standings[12], Standing::Suspect { .. }));
    for standing in &standings[13..] {
        assert!(matches!(standing, Standing::Regression { ratio, since: 12 } if (ratio - 2.0).abs() < 0.05));
    }
    values.push(100.5);
    assert_eq!(now(&values, &[], Worse::Up), Standing::Usual);
    values.push(200.0);
    assert!(!matches!(now(&values, &[], Worse::Up), Standing::Usual));
}

#[test]
fn a_regression_stays_until_its_level_is_accepted() {
    let mut values = about(100.0, 12);
    values.extend(about(200.0, 4));
    assert!(is_regression(&now(&values, &[], Worse::Up)));
    assert_eq!(now(&values, &[15], Worse::Up), Standing::Usual);
    values.extend(about(200.0, 6));
    for standing in &history(&values, &[15], Worse::Up)[15..] {
        assert_eq!(*standing, Standing::Usual);
    }
    // The new level is what counts from now on.
    values.extend([260.0, 261.0]);
    assert!(is_regression(&now(&values, &[15], Worse::Up)));
    // A usual release may be accepted: nothing changes.
    assert_eq!(now(&about(100.0, 9), &[6], Worse::Up), Standing::Usual);
}

#[test]
fn a_jump_by_a_factor_of_a_thousand_is_found_after_eight_releases() {
    let mut values = about(0.36, 8);
    values.extend(about(521.0, 4));
    assert!(matches!(now(&values, &[], Worse::Up), Standing::Regression { since: 8, .. }));
}

#[test]
fn a_small_change_that_no_single_release_shows_is_a_regression_until_a_change_back() {
    // 4 % of noise, 10 % of change: every release lies in the band.
    let noise = [0.96, 1.03, 1.0, 0.95, 1.04, 1.02, 0.97, 1.05, 0.99, 1.01];
    let at = |level: f64| noise.iter().cycle().take(30).map(move |wobble| level * wobble);
    let mut values: Vec<f64> = at(100.0).chain(at(110.0)).collect();
    let band = Band::of(&values[..30]).unwrap();
    assert!(band.reach_ln > 0.1);
    let found = now(&values, &[], Worse::Up);
    assert!(matches!(found, Standing::Regression { since: 30, .. }), "{found:?}");
    assert!(!is_regression(&now(&values, &[45], Worse::Up)));
    values.extend(at(100.0));
    assert!(!is_regression(&now(&values, &[], Worse::Up)));
}

#[test]
fn a_change_back_into_the_old_band_mends_though_it_is_not_all_the_way() {
    let noise = [0.96, 1.03, 1.0, 0.95, 1.04, 1.02, 0.97, 1.05, 0.99, 1.01];
    let at = |level: f64| noise.iter().cycle().take(20).map(move |wobble| level * wobble);
    let values: Vec<f64> = at(100.0).chain(at(200.0)).chain(at(105.0)).collect();
    assert!(is_regression(&now(&values[..40], &[], Worse::Up)));
    assert!(!is_regression(&now(&values, &[], Worse::Up)));
}

#[test]
fn what_creeps_is_a_regression_though_no_release_stands_out() {
    let creeping: Vec<f64> = about(100.0, 14).iter().zip(0..).map(|(v, i)| v * 1.03_f64.powi(i)).collect();
    let found = now(&creeping, &[], Worse::Up);
    assert!(matches!(found, Standing::Regression { since: 0, .. }), "{found:?}");
    assert!(!is_regression(&now(&creeping, &[], Worse::Down)), "for a rate that is better");
    // Until somebody accepts it.
    assert!(!is_regression(&now(&creeping, &[13], Worse::Up)));
    // What stays within 10 % is borne.
    let slowly: Vec<f64> = about(100.0, 14).iter().zip(0..).map(|(v, i)| v * 1.004_f64.powi(i)).collect();
    assert!(!is_regression(&now(&slowly, &[], Worse::Up)));
}

#[test]
fn a_better_level_is_what_later_releases_are_held_against() {
    let mut values = about(100.0, 12);
    values.extend(about(50.0, 12));
    assert_eq!(now(&values, &[], Worse::Up), Standing::Usual);
    values.extend([100.0, 100.0]);
    assert!(is_regression(&now(&values, &[], Worse::Up)));
}

#[test]
fn unanswered_releases_are_worse_and_strange_values_tell_nothing() {
    let mut values = about(10.0, 8);
    values.push(f64::INFINITY);
    assert!(matches!(now(&values, &[], Worse::Up), Standing::Suspect { .. }));
    values.push(f64::INFINITY);
    assert!(is_regression(&now(&values, &[], Worse::Up)));
    assert_eq!(now(&[], &[], Worse::Up), Standing::TooFew { points: 0 });
    assert_eq!(now(&[1.0, f64::NAN], &[], Worse::Up), Standing::TooFew { points: 2 });
}

#[test]
fn after_an_update_of_the_machine_the_band_is_wider_and_not_gone() {
    let mut values = about(100.0, 12);
    let narrow = Band::of(&values).unwrap().reach_ln;
    let slower = 100.0 * (1.5 * narrow).exp();
    values.extend([slower, slower]);
    assert!(is_regression(&now(&values, &[], Worse::Up)));
    assert_eq!(updated(&values, &[], &[12], Worse::Up), Standing::Usual);
    // What lies beyond the wider one is as bad as ever.
    values[12..].fill(200.0);
    let found = updated(&values, &[], &[12], Worse::Up);
    assert!(matches!(found, Standing::Regression { since: 12, .. }), "{found:?}");
    // After four releases the update is known: what comes then is not put down to it.
    values.truncate(12);
    values.extend(about(slower, 4));
    assert_eq!(updated(&values, &[], &[12], Worse::Up), Standing::Usual);
    values.extend([200.0, 200.0]);
    assert!(is_regression(&updated(&values, &[], &[12], Worse::Up)));
}

#[test]
fn a_lasting_change_with_an_update_counts_beyond_the_wider_band_only() {
    let shifted = |level: f64| [about(100.0, 20), about(level, 20)].concat();
    assert!(is_regression(&now(&shifted(105.0), &[], Worse::Up)));
    assert!(!is_regression(&updated(&shifted(105.0), &[], &[20], Worse::Up)));
    assert!(is_regression(&updated(&shifted(130.0), &[], &[20], Worse::Up)));
    // An update long before or after it is no excuse.
    assert!(is_regression(&updated(&shifted(105.0), &[], &[10], Worse::Up)));
    assert!(is_regression(&updated(&shifted(105.0), &[], &[30], Worse::Up)));
}

#[test]
fn a_band_leaves_outliers_out_and_is_never_narrower_than_3_percent() {
    assert_eq!(Band::of(&[1.0; 3]), None);
    let flat = Band::of(&[5.0; 4]).unwrap();
    assert_eq!(flat, Band { mean_ln: 5.0_f64.ln(), reach_ln: 1.03_f64.ln() });
    let mut values = about(100.0, 12);
    let clean = Band::of(&values).unwrap();
    values.insert(5, 900.0);
    let spiked = Band::of(&values).unwrap();
    assert!((spiked.mean_ln - clean.mean_ln).abs() < 0.01 && spiked.reach_ln < 1.2 * clean.reach_ln);
}

proptest! {
    #[test]
    fn units_do_not_matter_and_directions_mirror(
        values in prop::collection::vec(0.5..2.0_f64, 1..25), accepted in prop::collection::vec(0_usize..25, 0..2),
    ) {
        let at = |values: &[f64], worse| {
            standing(&Releases { values, begins: &[], accepted: &accepted, updates: &[], worse, resolution: 0.001, errors: &[], halts: &[] })
        };
        let kind = |standing: Standing| std::mem::discriminant(&standing);
        let scaled: Vec<f64> = values.iter().map(|v| v * 1000.0).collect();
        let inverse: Vec<f64> = values.iter().map(|v| 1.0 / v).collect();
        let found = kind(at(&values, Worse::Up));
        prop_assert_eq!(kind(at(&scaled, Worse::Up)), found);
        prop_assert_eq!(kind(at(&inverse, Worse::Down)), found);
    }
}
