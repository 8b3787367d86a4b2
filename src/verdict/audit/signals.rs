//! Were the signals seen that somebody relies on?

use std::collections::BTreeSet;

use super::{Check, Grade};
use crate::claim::Claim;
use crate::reading::SignalColumn;
use crate::run::MeasuredRun;
use crate::stats::counter::increase;

/// Counters that began again during the run.
fn restarts(run: &MeasuredRun) -> Option<Check> {
    let began_again = |signal: &SignalColumn| {
        let readings: Vec<f64> = signal.readings.iter().map(|reading| reading.1).collect();
        let restarts = increase(&readings).filter(|_| signal.is_counter)?.restarts;
        (restarts > 0).then(|| format!("{} ({restarts} times)", signal.name))
    };
    let names: Vec<String> = run.signals.iter().filter_map(began_again).collect();
    let text = "began again at 0, so that their increases are lower bounds";
    (!names.is_empty()).then(|| Check::new("counters", Grade::Warn, format!("{} {text}", names.join(", "))))
}

pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let facts = &run.facts;
    let start = &facts.start;
    let is_here = |claim: &&Claim| {
        // A claim of a treatment's profile needs what the baseline shows as well.
        claim.is_about(&start.load, start.deployment.as_deref())
            && (start.arm.is_some() || claim.is_of(&start.profile))
    };
    let claims = facts.start.claims.iter().filter(is_here).map(|c| &c.value);
    let expressions = claims.chain(&facts.start.must_hold);
    let needed: BTreeSet<String> = expressions
        .filter_map(|e| e.statistics().ok())
        .flatten()
        .filter_map(|(_, statistic)| statistic.signal().map(str::to_owned))
        .collect();
    let unseen: Vec<&str> =
        run.signals.iter().filter(|s| s.readings.is_empty()).map(|s| s.name.as_str()).collect();
    let missed: Vec<&str> = unseen.iter().copied().filter(|name| needed.contains(*name)).collect();
    let (grade, text) = if !missed.is_empty() {
        // The claims that need them are invalid by themselves; the others are none the worse for it.
        (Grade::Warn, format!("not read, though claims need them: {}", missed.join(", ")))
    } else if !unseen.is_empty() {
        (Grade::Warn, format!("not read: {}", unseen.join(", ")))
    } else {
        (Grade::Valid, format!("all {} were read", run.signals.len()))
    };
    let mut checks = vec![Check::new("signals", grade, text)];
    checks.extend(restarts(run));
    checks
}
