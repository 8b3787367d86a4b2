//! Were the signals seen that somebody relies on?

use std::collections::BTreeSet;

use super::{Check, Grade};
use crate::run::MeasuredRun;

pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let facts = &run.facts;
    let expressions = facts.start.claims.iter().map(|c| &c.value).chain(&facts.start.must_hold);
    let needed: BTreeSet<String> = expressions
        .filter_map(|e| e.statistics().ok())
        .flatten()
        .filter_map(|(_, statistic)| statistic.signal().map(str::to_owned))
        .collect();
    let unseen: Vec<&str> =
        run.signals.iter().filter(|s| s.readings.is_empty()).map(|s| s.name.as_str()).collect();
    let missed: Vec<&str> = unseen.iter().copied().filter(|name| needed.contains(*name)).collect();
    let (grade, text) = if !missed.is_empty() {
        (Grade::Invalid, format!("not read, but needed by claims: {}", missed.join(", ")))
    } else if !unseen.is_empty() {
        (Grade::Warn, format!("not read: {}", unseen.join(", ")))
    } else {
        (Grade::Valid, format!("all {} were read", run.signals.len()))
    };
    vec![Check::new("signals", grade, text)]
}
