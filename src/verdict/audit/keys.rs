//! Were the keys as popular as the scenario states, and alike in both arms?

use std::collections::BTreeMap;
use std::sync::Arc;

use super::deviation::{graded, words};
use super::{Check, requests};
use crate::run::MeasuredRun;
use crate::sample::Key;
use crate::stats::contingency::{one_sample, two_samples};

/// Fewer requests tell nothing of popularity.
const LEAST: f64 = 200.0;
/// Buckets that 40 bits of a number can fall into.
const BUCKETS: usize = 40;

/// Counts by bucket of the keys of one list that one endpoint was asked for. An endpoint by itself:
/// a journey that asks several of them for one key has drawn it once.
type Counts = [f64; BUCKETS];

/// Each list's check against what is stated.
pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let lists = run.facts.start.keys.iter().enumerate();
    let checks = lists.filter(|(_, facts)| !facts.bucket_shares.is_empty()).filter_map(|(list, facts)| {
        let (endpoint, counts) = busiest(&counts(run, list))?;
        let found = one_sample(&counts[..facts.bucket_shares.len()], &facts.bucket_shares)?;
        let text = format!("`{}` at {endpoint}: stated {}, {}", facts.name, facts.text, words(&found));
        Some(Check::new("key popularity", graded(&found), text))
    });
    checks.collect()
}

/// The arms against each other; none where no run has keys.
pub(super) fn between(baseline: &[&Arc<MeasuredRun>], others: &[&Arc<MeasuredRun>]) -> Option<Check> {
    let lists = &baseline.first()?.facts.start.keys;
    let summed = |runs: &[&Arc<MeasuredRun>], list| {
        let mut sum: BTreeMap<String, Counts> = BTreeMap::new();
        for run in runs {
            for (endpoint, counts) in counts(run, list) {
                let all = sum.entry(endpoint).or_insert([0.0; BUCKETS]);
                all.iter_mut().zip(counts).for_each(|(all, n)| *all += n);
            }
        }
        sum
    };
    let drawn = lists.iter().enumerate().filter(|(_, facts)| facts.is_drawn);
    let checks = drawn.filter_map(|(list, facts)| {
        let (before, after) = (summed(baseline, list), summed(others, list));
        let (endpoint, before) = busiest(&before)?;
        let after = after.get(&endpoint)?;
        let cells: Vec<[f64; 2]> = before.iter().zip(after).map(|(b, a)| [*b, *a]).collect();
        let found = two_samples(&cells)?;
        let text = format!("`{}` at {endpoint}: {}", facts.name, words(&found));
        Some(Check::new("same keys", graded(&found), text))
    });
    checks.max_by_key(|check| check.grade)
}

/// The endpoint with most requests, if these are enough.
fn busiest(counts: &BTreeMap<String, Counts>) -> Option<(String, Counts)> {
    let all = |counts: &Counts| counts.iter().sum::<f64>();
    let (endpoint, counts) = counts.iter().max_by(|a, b| all(a.1).total_cmp(&all(b.1)))?;
    (all(counts) >= LEAST).then(|| (endpoint.clone(), *counts))
}

fn counts(run: &MeasuredRun, list: usize) -> BTreeMap<String, Counts> {
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    for i in requests(run) {
        let Some((of, number)) = run.samples.key.get(i).and_then(|key| key.parts()) else { continue };
        if of == list {
            let endpoint = &run.samples.subjects[run.samples.subject[i] as usize].endpoint;
            let buckets = match counts.get_mut(endpoint) {
                Some(buckets) => buckets,
                None => counts.entry(endpoint.clone()).or_insert([0.0; BUCKETS]),
            };
            buckets[Key::bucket(number).min(BUCKETS - 1)] += 1.0;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;
    use crate::run::{Arm, KeyFacts};
    use crate::verdict::audit::tests::run_on;

    /// A run that asked for key 1 `hot` times and for keys 2 and 3 `cold` times, as stated or not.
    fn run(arm: Arm, hot: usize, cold: usize) -> Arc<MeasuredRun> {
        let mut run = run_on(&[("GET /a", hot + cold)]);
        run.facts.start.arm = Some(arm);
        run.facts.start.keys = vec![KeyFacts {
            name: "product".to_owned(),
            text: "80 % of draws to 1 of 3 keys".to_owned(),
            bucket_shares: vec![0.8, 0.2],
            is_drawn: true,
        }];
        run.samples.key = (0..hot + cold).map(|i| Key::new(0, if i < hot { 1 } else { 3 })).collect();
        Arc::new(run)
    }

    #[test]
    fn keys_as_stated_are_valid_and_others_are_not() {
        assert_eq!(checks(&run(Arm::Baseline, 810, 190))[0].grade, Grade::Valid);
        let off = &checks(&run(Arm::Baseline, 500, 500))[0];
        assert_eq!(off.grade, Grade::Invalid, "{}", off.text);
        assert!(checks(&run(Arm::Baseline, 50, 50)).is_empty(), "too few to tell");
    }

    #[test]
    fn arms_with_different_keys_are_told_apart() {
        let [a, b, c] =
            [run(Arm::Baseline, 800, 200), run(Arm::Treatment, 790, 210), run(Arm::Treatment, 300, 700)];
        assert_eq!(between(&[&a], &[&b]).unwrap().grade, Grade::Valid);
        assert_eq!(between(&[&a], &[&c]).unwrap().grade, Grade::Invalid);
    }
}
