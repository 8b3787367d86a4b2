//! Did the arms send the same, and are their answers of the same size? Smaller ones are sent sooner.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Check, Grade, requests};
use crate::run::MeasuredRun;
use crate::sample::{Outcome, Subject};
use crate::stats::mean::Moments;
use crate::stats::quantile::median;
use crate::unit;

/// Share by which the median answer of an endpoint may differ.
const ANSWERS_DIFFER: f64 = 0.2;
/// Share by which the mean request of an endpoint may differ: loadproof makes them itself, of the same draws.
const REQUESTS_DIFFER: f64 = 0.05;
/// A mean so many times the other, and at least so many bytes apart, is of other requests.
const OTHER_REQUESTS: (f64, f64) = (2.0, 16.0);
/// Standard errors by which means have to differ to be more than chance.
const BEYOND_CHANCE: f64 = 4.0;

/// Whether the medians of the `ok` answers' sizes agree, endpoint by endpoint; none where sizes are not known.
pub(super) fn of_answers(baseline: &[&Arc<MeasuredRun>], others: &[&Arc<MeasuredRun>]) -> Option<Check> {
    let (before, after) = (medians(baseline), medians(others));
    let share = |before: f64, after: f64| (after - before).abs() / before.max(1.0);
    let pairs = before.iter().filter_map(|(subject, before)| Some((subject, *before, *after.get(subject)?)));
    let (subject, before, after) = pairs.max_by(|a, b| share(a.1, a.2).total_cmp(&share(b.1, b.2)))?;
    let difference = share(before, after);
    let text = furthest_apart(subject, before, after, "medians");
    Some(if difference > ANSWERS_DIFFER {
        Check::new("answer sizes", Grade::Warn, text)
    } else {
        Check::new("answer sizes", Grade::Valid, format!("alike; {text}"))
    })
}

/// Whether the arms sent bodies of the same size, endpoint by endpoint: where they did not, something that stands in no
/// fingerprint has changed the requests. None where sizes are not known.
pub(super) fn of_requests(baseline: &[&Arc<MeasuredRun>], others: &[&Arc<MeasuredRun>]) -> Option<Check> {
    let name = "request sizes";
    // Tools count what they send in ways of their own.
    if baseline.iter().chain(others).any(|run| run.facts.imported().is_some()) {
        return None;
    }
    let (before, after) = (sent(baseline), sent(others));
    let share =
        |(_, before, after): &(&Subject, f64, f64)| (before - after).abs() / before.min(*after).max(1.0);
    let is_beyond_chance = |before: &Moments, after: &Moments| {
        let error = (before.sd.powi(2) / before.n as f64 + after.sd.powi(2) / after.n as f64).sqrt();
        (before.mean - after.mean).abs() > BEYOND_CHANCE * error
    };
    let pairs: Vec<(&Subject, Moments, Moments)> = before
        .into_iter()
        .filter_map(|(subject, before)| Some((subject, before, *after.get(subject)?)))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let apart = pairs
        .iter()
        .filter(|(_, before, after)| is_beyond_chance(before, after))
        .map(|(subject, before, after)| (*subject, before.mean, after.mean))
        .max_by(|a, b| share(a).total_cmp(&share(b)));
    let Some((subject, before, after)) = apart.filter(|found| share(found) > REQUESTS_DIFFER) else {
        return Some(Check::new(name, Grade::Valid, "the arms sent bodies of the same size"));
    };
    let text = furthest_apart(subject, before, after, "means");
    let (ratio, bytes) = OTHER_REQUESTS;
    let are_others = before.max(after) >= ratio * before.min(after) && (before - after).abs() >= bytes;
    Some(if are_others {
        Check::new(name, Grade::Invalid, format!("not the same work; {text}"))
    } else {
        Check::new(name, Grade::Warn, text)
    })
}

fn furthest_apart(subject: &Subject, before: f64, after: f64, what: &str) -> String {
    format!(
        "furthest apart: {}, {} bytes in the baseline and {} in the treatment ({what})",
        subject.title(),
        unit::significant(before),
        unit::significant(after)
    )
}

/// Median sizes over runs of the runs' medians.
fn medians<'a>(runs: &[&'a Arc<MeasuredRun>]) -> BTreeMap<&'a Subject, f64> {
    let mut of_subjects: BTreeMap<&Subject, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let samples = &run.samples;
        let is_sized = |i: &usize| *i < samples.bytes_in.len() && samples.outcome[*i] == Outcome::Ok;
        let of_run = by_subject(run, is_sized, |i| samples.bytes_in[i]);
        for (subject, sizes) in of_run {
            of_subjects.entry(subject).or_default().extend(median(&sizes));
        }
    }
    of_subjects.into_iter().filter_map(|(subject, sizes)| Some((subject, median(&sizes)?))).collect()
}

/// The sizes of the bodies that were sent, over all runs: of requests that were answered, whatever the answer.
fn sent<'a>(runs: &[&'a Arc<MeasuredRun>]) -> BTreeMap<&'a Subject, Moments> {
    let mut of_subjects: BTreeMap<&Subject, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let samples = &run.samples;
        let is_sized = |i: &usize| *i < samples.bytes_out.len() && samples.status[*i] > 0;
        for (subject, sizes) in by_subject(run, is_sized, |i| samples.bytes_out[i]) {
            of_subjects.entry(subject).or_default().extend(sizes);
        }
    }
    of_subjects.into_iter().filter_map(|(subject, sizes)| Some((subject, Moments::of(&sizes)?))).collect()
}

/// The sizes of a run's requests or answers, by what was called.
fn by_subject(
    run: &MeasuredRun,
    is_wanted: impl Fn(&usize) -> bool,
    size: impl Fn(usize) -> u32,
) -> BTreeMap<&Subject, Vec<f64>> {
    let mut sizes: BTreeMap<&Subject, Vec<f64>> = BTreeMap::new();
    for i in requests(run).filter(is_wanted) {
        let subject = &run.samples.subjects[run.samples.subject[i] as usize];
        sizes.entry(subject).or_default().push(f64::from(size(i)));
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::audit::tests::run_on;

    /// A run that sent bodies of these sizes in turn.
    fn run(sizes: &[u32]) -> Arc<MeasuredRun> {
        let mut run = run_on(&[("POST /a", 100)]);
        run.samples.bytes_out = sizes.iter().copied().cycle().take(100).collect();
        Arc::new(run)
    }

    fn grade(before: &[u32], after: &[u32]) -> Option<Grade> {
        of_requests(&[&run(before)], &[&run(after)]).map(|check| check.grade)
    }

    #[test]
    fn other_bodies_are_other_work() {
        assert_eq!(grade(&[11], &[96]), Some(Grade::Invalid));
        assert_eq!(grade(&[96], &[11]), Some(Grade::Invalid));
        assert_eq!(grade(&[0], &[96]), Some(Grade::Invalid));
        assert_eq!(grade(&[11], &[13]), Some(Grade::Warn));
        assert_eq!(grade(&[2], &[6]), Some(Grade::Warn));
        assert_eq!(grade(&[11], &[11]), Some(Grade::Valid));
        assert_eq!(grade(&[0], &[0]), Some(Grade::Valid));
    }

    #[test]
    fn bodies_that_are_drawn_differ_by_chance() {
        assert_eq!(grade(&[100, 900, 100, 900, 900], &[900, 100, 100, 900, 100]), Some(Grade::Valid));
        assert_eq!(grade(&[100, 102], &[101, 103]), Some(Grade::Valid));
    }

    #[test]
    fn sizes_that_are_not_known_are_not_compared() {
        assert_eq!(of_requests(&[&Arc::new(run_on(&[("POST /a", 10)]))], &[&run(&[11])]), None);
    }
}
