//! Were the signals seen that somebody relies on, all the time?

use std::collections::BTreeSet;

use super::{Check, Grade};
use crate::claim::Claim;
use crate::reading::{RECEIVE_DELAY, SignalColumn};
use crate::run::MeasuredRun;
use crate::stats::counter::{self, Falls};
use crate::verdict::evidence::unread;

/// Counters that began again during the run, and those that cannot be told.
fn restarts(run: &MeasuredRun) -> Option<Check> {
    let of = |meant: Falls| {
        let counters = run.signals.iter().filter(|signal| signal.is_counter);
        let falls = |signal: &&SignalColumn| {
            let points: Vec<(f64, f64)> =
                signal.readings.iter().map(|(at, value)| (*at as f64 / 1e6, *value)).collect();
            counter::falls(&points) == meant
        };
        counters.filter(falls).map(|signal| signal.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let told = |names: String, text: &str| (!names.is_empty()).then(|| format!("{names} {text}"));
    let texts: Vec<String> = [
        told(of(Falls::Restart), "began again at 0, so that the increase is a lower bound"),
        told(
            of(Falls::Unexplained),
            "decreased in a way that no single restart explains (do several processes answer in turn?), so the increase is unknown",
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!texts.is_empty()).then(|| Check::new("counters", Grade::Warn, texts.join("; ")))
}

/// Signals that could not be read for a while.
fn interruptions(run: &MeasuredRun) -> Option<Check> {
    let end_us = run.facts.load_end_us()?;
    let of_signal = |signal: &SignalColumn| {
        let unread = unread(signal, (0, end_us))?;
        Some(format!("{} {}", signal.name, unread.span()))
    };
    // Nobody reads that one: it is told of answers, as they come.
    let read = run.signals.iter().filter(|signal| signal.name != RECEIVE_DELAY);
    let texts: Vec<String> = read.filter_map(of_signal).collect();
    (!texts.is_empty()).then(|| {
        let text =
            format!("not read for a while: {}; their values in that time are unknown", texts.join(", "));
        Check::new("readings", Grade::Warn, text)
    })
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
    checks.extend(interruptions(run));
    checks
}
