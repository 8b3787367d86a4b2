//! Are the arms' answers of the same size? Smaller ones are sent sooner.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Check, Grade, requests};
use crate::run::MeasuredRun;
use crate::sample::{Outcome, Subject};
use crate::stats::quantile::median;
use crate::unit;

/// Shares by which the median answer of an endpoint may differ.
const DIFFERS: f64 = 0.2;

/// Whether the medians of the `ok` answers' sizes agree, endpoint by endpoint; none where sizes are not known.
pub(super) fn between(baseline: &[&Arc<MeasuredRun>], others: &[&Arc<MeasuredRun>]) -> Option<Check> {
    let (before, after) = (medians(baseline), medians(others));
    let share = |before: f64, after: f64| (after - before).abs() / before.max(1.0);
    let pairs = before.iter().filter_map(|(subject, before)| Some((subject, *before, *after.get(subject)?)));
    let (subject, before, after) = pairs.max_by(|a, b| share(a.1, a.2).total_cmp(&share(b.1, b.2)))?;
    let difference = share(before, after);
    let text = format!(
        "furthest apart: {}, {} bytes in the baseline and {} in the treatment (medians)",
        subject.title(),
        unit::significant(before),
        unit::significant(after)
    );
    Some(if difference > DIFFERS {
        Check::new("answer sizes", Grade::Warn, text)
    } else {
        Check::new("answer sizes", Grade::Valid, format!("alike; {text}"))
    })
}

/// Median sizes over runs of the runs' medians.
fn medians<'a>(runs: &[&'a Arc<MeasuredRun>]) -> BTreeMap<&'a Subject, f64> {
    let mut of_subjects: BTreeMap<&Subject, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let samples = &run.samples;
        let mut sizes: BTreeMap<&Subject, Vec<f64>> = BTreeMap::new();
        let is_sized = |i: &usize| *i < samples.bytes_in.len() && samples.outcome[*i] == Outcome::Ok;
        for i in requests(run).filter(is_sized) {
            let subject = &samples.subjects[samples.subject[i] as usize];
            sizes.entry(subject).or_default().push(f64::from(samples.bytes_in[i]));
        }
        for (subject, sizes) in sizes {
            of_subjects.entry(subject).or_default().extend(median(&sizes));
        }
    }
    of_subjects.into_iter().filter_map(|(subject, sizes)| Some((subject, median(&sizes)?))).collect()
}
