//! Did the arms do the same work?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::deviation::{graded, words};
use super::{Check, Grade, keys, requests, sizes};
use crate::run::MeasuredRun;
use crate::run::machine::{VARIABLE, is_alike};
use crate::sample::Subject;
use crate::stats::contingency::two_samples;
use crate::unit;
use crate::verdict::is_baseline;

/// Checks of the arms against each other; none for a single arm.
pub(super) fn between_arms(runs: &[Arc<MeasuredRun>]) -> Vec<Check> {
    let (baseline, others): (Vec<_>, Vec<_>) = runs.iter().partition(|r| is_baseline(&r.facts));
    if baseline.is_empty() || others.is_empty() {
        return Vec::new();
    }
    let mut checks =
        vec![fingerprints(runs), seeds(runs), mix(&baseline, &others), machines(&baseline, &others)];
    checks.extend(interleaving(&baseline, &others));
    checks.extend(keys::between(&baseline, &others));
    checks.extend(sizes::of_answers(&baseline, &others));
    checks.extend(sizes::of_requests(&baseline, &others));
    checks
}

fn fingerprints(runs: &[Arc<MeasuredRun>]) -> Check {
    let name = "same work";
    let mut all: Vec<&str> = runs.iter().map(|r| r.facts.start.fingerprint.as_str()).collect();
    all.sort_unstable();
    all.dedup();
    let is_imported = runs.iter().any(|run| run.facts.imported().is_some());
    match all[..] {
        [one] if is_imported => {
            let text = format!(
                "workload {}, as far as known: imported runs state only tool and scenario",
                short(one)
            );
            Check::new(name, Grade::Warn, text)
        }
        [one] => match differing_variables(runs) {
            differing if differing.is_empty() => {
                Check::new(name, Grade::Valid, format!("workload {} in every run", short(one)))
            }
            differing => {
                let text = format!(
                    "workload {} in every run, but its requests ask for environment variables that differed: {}",
                    short(one),
                    differing.join(", ")
                );
                Check::new(name, Grade::Warn, text)
            }
        },
        _ => {
            let names: Vec<&str> = all.into_iter().map(short).collect();
            Check::new(name, Grade::Invalid, format!("different workloads: {}", names.join(", ")))
        }
    }
}

/// The variables whose values requests ask for, and which were not the same in all runs that know them.
fn differing_variables(runs: &[Arc<MeasuredRun>]) -> Vec<String> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in runs.iter().flat_map(|run| &run.facts.start.environment) {
        if let Some(variable) = name.strip_prefix(VARIABLE) {
            values.entry(variable).or_default().insert(value);
        }
    }
    values.into_iter().filter(|(_, values)| values.len() > 1).map(|(name, _)| format!("`{name}`")).collect()
}

/// Facts of the machine that change times, and whether more of it makes them better.
const MACHINE: [(&str, bool); 5] =
    [("processor", false), ("cores", true), ("memory", true), ("kernel", false), ("load workers", false)];

/// Whether the arms were measured on the same machine; where not, which way that matters.
fn machines(baseline: &[&Arc<MeasuredRun>], others: &[&Arc<MeasuredRun>]) -> Check {
    let name = "same machine";
    let fact = |runs: &[&Arc<MeasuredRun>], name: &str| runs[0].facts.start.environment.get(name).cloned();
    if !MACHINE.iter().any(|(name, _)| fact(baseline, name).is_some() && fact(others, name).is_some()) {
        return Check::new(name, Grade::Warn, "unknown: the machine of an arm is not recorded");
    }
    let differences: Vec<String> = MACHINE
        .iter()
        .filter_map(|(name, more_is_better)| {
            let (before, after) = (fact(baseline, name)?, fact(others, name)?);
            let number = |text: &str| text.split_whitespace().next()?.parse::<f64>().ok();
            let way = match (number(&before), number(&after)) {
                (Some(a), Some(b)) if *more_is_better && b > a => ", in favour of the treatment",
                (Some(a), Some(b)) if *more_is_better && b < a => ", to the disadvantage of the treatment",
                _ => ", which may look like an effect",
            };
            (!is_alike(name, &before, &after)).then(|| format!("{name}: {before} before, {after} now{way}"))
        })
        .collect();
    if differences.is_empty() {
        return Check::new(name, Grade::Valid, "the arms were measured on the same machine");
    }
    Check::new(name, Grade::Warn, differences.join("; "))
}

/// Whether the rounds of the arms alternate: else drift of the machine falls on one arm alone.
fn interleaving(baseline: &[&Arc<MeasuredRun>], others: &[&Arc<MeasuredRun>]) -> Option<Check> {
    let name = "interleaved rounds";
    let started = |runs: &[&Arc<MeasuredRun>]| -> Vec<String> {
        runs.iter().map(|r| r.facts.start.started_at.clone()).collect()
    };
    let (mut before, mut after) = (started(baseline), started(others));
    before.sort();
    after.sort();
    if before.len() < 2 || after.len() < 2 {
        return None;
    }
    let apart = before.last() < after.first() || after.last() < before.first();
    Some(if apart {
        let text = "all runs of one arm precede those of the other, so a change in between would look like an effect";
        Check::new(name, Grade::Warn, text)
    } else {
        Check::new(name, Grade::Valid, "the arms were interleaved")
    })
}

fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}

fn seeds(runs: &[Arc<MeasuredRun>]) -> Check {
    if runs.iter().any(|run| run.facts.imported().is_some()) {
        return Check::new("same seeds", Grade::Warn, "unknown: imported runs have no seeds");
    }
    let mut by_round: BTreeMap<Option<u32>, Vec<u64>> = BTreeMap::new();
    for run in runs {
        by_round.entry(run.facts.start.round).or_default().push(run.facts.start.seed);
    }
    let same = by_round.values().all(|seeds| seeds.iter().all(|s| *s == seeds[0]));
    let (grade, text) = if same {
        (Grade::Valid, "the arms of a round draw the same requests")
    } else {
        (Grade::Warn, "the arms drew different requests: give both the same --seed")
    };
    Check::new("same seeds", grade, text)
}

/// Whether the requests fell on the endpoints in the same shares: chi-square over arms and endpoints.
fn mix(baseline: &[&Arc<MeasuredRun>], others: &[&Arc<MeasuredRun>]) -> Check {
    let name = "same mix";
    let mut counts: BTreeMap<&Subject, [f64; 2]> = BTreeMap::new();
    for (arm, runs) in [baseline, others].into_iter().enumerate() {
        for run in runs {
            for i in requests(run) {
                counts.entry(&run.samples.subjects[run.samples.subject[i] as usize]).or_default()[arm] += 1.0;
            }
        }
    }
    let cells: Vec<[f64; 2]> = counts.values().copied().collect();
    let Some(found) = two_samples(&cells) else {
        return Check::new(name, Grade::Valid, "one endpoint only");
    };
    let totals = cells.iter().fold([0.0, 0.0], |sum: [f64; 2], c| [sum[0] + c[0], sum[1] + c[1]]);
    let mut furthest: (f64, &str) = (0.0, "");
    for (subject, of_arms) in &counts {
        let difference = of_arms[1] / totals[1] - of_arms[0] / totals[0];
        if difference.abs() > furthest.0.abs() {
            furthest = (difference, &subject.endpoint);
        }
    }
    let grade = graded(&found);
    let apart = if furthest.1.is_empty() {
        "no difference at all".to_owned()
    } else {
        format!("furthest apart: {} by {} points", furthest.1, unit::significant(furthest.0 * 100.0))
    };
    let text = format!("{} over {} endpoints; {apart}", words(&found), counts.len());
    Check::new(name, grade, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Arm;
    use crate::verdict::audit::tests::run_on;

    fn arm(arm: Arm, on_a: usize, on_b: usize) -> Arc<MeasuredRun> {
        let mut run = run_on(&[("GET /a", on_a), ("GET /b", on_b)]);
        run.facts.start.arm = Some(arm);
        run.facts.start.round = Some(1);
        Arc::new(run)
    }

    #[test]
    fn equal_shares_are_the_same_mix_whatever_the_amounts() {
        let [baseline, treatment] = [arm(Arm::Baseline, 700, 300), arm(Arm::Treatment, 1405, 595)];
        assert!(between_arms(&[baseline, treatment]).iter().all(|c| c.grade == Grade::Valid));
    }

    #[test]
    fn another_mix_and_another_workload_are_seen() {
        let [baseline, treatment] = [arm(Arm::Baseline, 700, 300), arm(Arm::Treatment, 500, 500)];
        let checks = between_arms(&[baseline, treatment]);
        assert_eq!(checks[2].grade, Grade::Invalid, "{}", checks[2].text);
        let [baseline, mut treatment] = [arm(Arm::Baseline, 700, 300), arm(Arm::Treatment, 700, 300)];
        Arc::get_mut(&mut treatment).unwrap().facts.start.fingerprint = "other".to_owned();
        assert_eq!(between_arms(&[baseline, treatment])[0].grade, Grade::Invalid);
    }

    #[test]
    fn another_value_of_a_variable_that_requests_ask_for_is_seen() {
        let with = |side: Arm, value: Option<&str>| {
            let mut run = arm(side, 700, 300);
            let facts = &mut Arc::get_mut(&mut run).unwrap().facts.start.environment;
            facts.extend(value.map(|value| ("variable NOTE".to_owned(), value.to_owned())));
            run
        };
        let check = |before, after| {
            between_arms(&[with(Arm::Baseline, before), with(Arm::Treatment, after)]).swap_remove(0)
        };
        assert_eq!(check(Some("3fa1"), Some("3fa1")).grade, Grade::Valid);
        // A run that was made before such facts were kept knows nothing of it.
        assert_eq!(check(None, Some("3fa1")).grade, Grade::Valid);
        let found = check(Some("3fa1"), Some("not set"));
        assert_eq!(found.grade, Grade::Warn);
        assert!(found.text.contains("`NOTE`"), "{}", found.text);
    }
}
