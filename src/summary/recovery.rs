//! How long after an event a run's requests are again as they were before it.

use crate::run::MeasuredRun;
use crate::sample::{Outcome, Phase};
use crate::stats::recovery::{NoRecovery, Request, time_to_recover_as_expected};

/// Seconds from an event's end until response times and outcomes are back in the band that they kept before it, and how
/// many requests tell; infinite if they never are.
///
/// `selected`: places of requests in the run's columns. `is_expected`: which outcomes are no fault. `event_us`: its start and
/// end, µs since the run's start.
///
/// # Errors
/// If too little was measured before or after the event.
pub fn seconds_after(
    run: &MeasuredRun,
    selected: impl Iterator<Item = usize>,
    is_expected: impl Fn(Outcome) -> bool,
    event_us: (i64, i64),
) -> Result<(f64, u64), NoRecovery> {
    let steady = run.facts.end.phases.iter().find(|phase| phase.name == Phase::Steady.word());
    let s = |us: i64| us as f64 / 1e6;
    let samples = &run.samples;
    let requests: Vec<Request> = selected
        .map(|i| {
            // Those whose answers were wrong have no time, but they are no recovery either.
            let is_as_expected = is_expected(samples.outcome[i]);
            let took = (samples.done_us[i] - samples.intended_us[i]) as f64 / 1e3;
            Request {
                at_s: s(samples.intended_us[i]),
                done_s: s(samples.done_us[i]),
                time: if is_as_expected { took } else { f64::INFINITY },
                is_as_expected,
            }
        })
        .collect();
    let steady_us = steady.map_or(0, |phase| phase.start_us);
    let recovered = time_to_recover_as_expected(&requests, s(steady_us), s(event_us.0), s(event_us.1))?;
    Ok((recovered.unwrap_or(f64::INFINITY), requests.len() as u64))
}
