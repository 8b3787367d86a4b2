//! Did requests go out when they should, and all of them?

use std::ops::Range;

use super::{Check, Grade, exchanges, requests};
use crate::run::{MeasuredRun, PartFacts, RunStart};
use crate::sample::Outcome;
use crate::stats::quantile::type8;
use crate::unit;

/// The executor whose starts do not wait for answers.
const OPEN: &str = "open";
/// How late the generator was.
pub(super) const LAG: &str = "scheduling lag";
/// A lag below this is no matter, whatever the system's speed.
pub(super) const SMALL_LAG_US: f64 = 2_000.0;
/// A lag below this makes no run invalid.
pub(super) const LARGE_LAG_US: f64 = 20_000.0;
/// Shares of the p99 response time from which a lag counts.
const LAG_SHARES: (f64, f64) = (0.1, 0.5);
/// One place of so many is between two requests, when all are in use.
const TURNING_OVER: u32 = 20;
/// Shares of the offered rate that may be missing.
const MISSING: (f64, f64) = (0.02, 0.1);

pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let mut checks = vec![lag(run)];
    checks.extend(rate(run));
    checks.extend(dropped(run));
    checks
}

/// How late requests went out though a place was free: that is the generator's own doing. Those that were due during a
/// fault do not count: a system that accepts no connection makes them late.
fn lag(run: &MeasuredRun) -> Check {
    let name = LAG;
    let samples = &run.samples;
    let free = free_places(run);
    let mut lags = Vec::new();
    let mut responses = Vec::new();
    for (i, was_free) in requests(run).zip(free) {
        if samples.outcome[i] == Outcome::Dropped {
            continue;
        }
        if was_free && !run.facts.is_under_fault(samples.intended_us[i]) {
            lags.push((samples.sent_us[i] - samples.intended_us[i]) as f64);
        }
        responses.push((samples.done_us[i] - samples.intended_us[i]) as f64);
    }
    lags.sort_by(f64::total_cmp);
    responses.sort_by(f64::total_cmp);
    let (Some(lag), Some(response)) = (type8(&lags, 0.99), type8(&responses, 0.99)) else {
        if run.facts.end.faults.is_empty() || responses.is_empty() {
            return Check::new(name, Grade::Valid, "nothing was sent");
        }
        return Check::new(name, Grade::Warn, "not known: everything was due during a fault");
    };
    let share = lag / response.max(1.0);
    let grade = if lag >= LARGE_LAG_US && share >= LAG_SHARES.1 {
        Grade::Invalid
    } else if lag >= SMALL_LAG_US && share >= LAG_SHARES.0 {
        Grade::Warn
    } else {
        Grade::Valid
    };
    let outside = if run.facts.end.faults.is_empty() { "" } else { " outside of faults" };
    let text = format!("p99 {}{outside}, {} of the p99 response time", unit::time(lag), unit::share(share));
    let hint =
        if grade == Grade::Valid { "" } else { "; the generator is late: give it more CPU or less load" };
    Check::new(name, grade, text + hint)
}

/// For each request, in order, whether it was due while places of an open load were free. A start that
/// waits for a place is the system's doing, not the generator's.
///
/// Places are dealt out to workers, and one that an answer has freed is not taken again at once: a few
/// that look free may be none that this start could have had.
pub(super) fn free_places(run: &MeasuredRun) -> Vec<bool> {
    let all: Vec<usize> = requests(run).collect();
    let mut free = vec![true; all.len()];
    for open in open_parts(&run.facts.start) {
        let of_part: Vec<(usize, usize)> =
            all.iter().copied().enumerate().filter(|(_, i)| open.has(run, *i)).collect();
        mark_taken(run, &open, &of_part, &mut free);
    }
    free
}

/// The users of an open load, or of an open part of one.
pub(super) struct OpenPart {
    users: Range<u32>,
    max_in_flight: u32,
}

impl OpenPart {
    /// Whether a sample is of it.
    fn has(&self, run: &MeasuredRun, i: usize) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is the user")]
        run.samples.caller.get(i).is_none_or(|caller| self.users.contains(&(*caller as u32)))
    }
}

pub(super) fn open_parts(start: &RunStart) -> Vec<OpenPart> {
    let load = &start.load_facts;
    if start.parts.is_empty() {
        let is_open = load.executor == OPEN;
        let whole = OpenPart { users: 0..u32::MAX, max_in_flight: load.max_in_flight };
        return if is_open { vec![whole] } else { Vec::new() };
    }
    let of_part = |part: &PartFacts| OpenPart {
        users: part.first_user..part.first_user.saturating_add(part.max_in_flight),
        max_in_flight: part.max_in_flight,
    };
    start.parts.iter().filter(|part| part.executor == OPEN).map(of_part).collect()
}

/// `of_part`: places in `free` and in the samples.
fn mark_taken(run: &MeasuredRun, part: &OpenPart, of_part: &[(usize, usize)], free: &mut [bool]) {
    let samples = &run.samples;
    let workers = run.facts.start.load_facts.workers;
    let few = (part.max_in_flight / TURNING_OVER).max(u32::from(workers.saturating_sub(1)));
    let most = i64::from(part.max_in_flight.saturating_sub(few).max(1));
    // (time, change, none for a question about the time before it)
    let mut events: Vec<(i64, i64, Option<usize>)> = Vec::with_capacity(of_part.len() * 3);
    for (place, i) in of_part {
        events.push((samples.intended_us[*i], 0, Some(*place)));
        if samples.outcome[*i] != Outcome::Dropped {
            events.push((samples.sent_us[*i], 1, None));
            events.push((samples.done_us[*i], -1, None));
        }
    }
    events.sort_unstable();
    let mut taken = 0;
    for (_, change, question) in events {
        taken += change;
        if let Some(place) = question {
            free[place] = taken < most;
        }
    }
}

/// The rate that was asked for, and the one that went out: of open loads, where the two can differ.
fn rate(run: &MeasuredRun) -> Option<Check> {
    let load = &run.facts.start.load_facts;
    let rate = load.rate_per_s?;
    let end_us = run.facts.load_end_us()?;
    let samples = &run.samples;
    let (mut due, mut sent) = (0_u64, 0_u64);
    for i in requests(run).filter(|i| samples.intended_us[*i] < end_us) {
        due += 1;
        sent += u64::from(samples.outcome[i] != Outcome::Dropped && samples.sent_us[i] <= end_us);
    }
    let seconds = end_us as f64 / 1e6;
    let share = if due == 0 { 0.0 } else { sent as f64 / due as f64 };
    let grade = Grade::of(1.0 - share, MISSING.0, MISSING.1);
    let text = format!(
        "{} requests were due during the load (requested rate: {} journeys/s{}), {} were sent ({})",
        unit::rate(due as f64 / seconds),
        unit::plain(rate),
        if run.facts.start.stages.is_empty() { "" } else { " on average" },
        unit::rate(sent as f64 / seconds),
        unit::share(share)
    );
    // What could not go out because all places were taken is the system's doing, and stays in the
    // response times; the run is the weaker for it, not void.
    Some(Check::new("offered and achieved rate", grade.min(Grade::Warn), text))
}

fn dropped(run: &MeasuredRun) -> Option<Check> {
    if open_parts(&run.facts.start).is_empty() {
        return None;
    }
    let dropped = requests(run).filter(|i| run.samples.outcome[*i] == Outcome::Dropped).count();
    let all = dropped + exchanges(run).count();
    let grade = if dropped == 0 { Grade::Valid } else { Grade::Warn };
    let hint = if dropped == 0 {
        ""
    } else {
        "; times are of those that were sent: raise max_in_flight or lower the rate"
    };
    let text =
        format!("{} of {} starts were dropped{hint}", unit::count(dropped as u64), unit::count(all as u64));
    Some(Check::new("dropped", grade, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::audit::tests::{open_run, run_of};

    #[test]
    fn a_late_generator_is_told_from_a_full_system() {
        // (intended, sent, done) in ms: late by 30 ms with nothing under way …
        let late = run_of(&[(0, 30, 31), (100, 130, 131), (200, 230, 231)]);
        assert_eq!(lag(&late).grade, Grade::Invalid);
        // … and late because the only place is taken.
        let full = open_run(1, &[(0, 0, 100), (10, 100, 200), (20, 200, 300)]);
        assert_eq!(lag(&full).grade, Grade::Valid, "{}", lag(&full).text);
    }

    #[test]
    fn a_place_that_is_between_two_requests_is_not_free() {
        // 39 of 40 places are taken, the last is turning over: starts that wait then wait for the system.
        let mut requests = vec![(0, 0, 100); 39];
        requests.extend((1..20).map(|i| (i, 90, 100)));
        assert_eq!(lag(&open_run(40, &requests)).grade, Grade::Valid);
        // With plenty of places the same lag is the generator's.
        assert_eq!(lag(&open_run(400, &requests)).grade, Grade::Invalid);
    }

    #[test]
    fn a_lag_that_the_system_dwarfs_is_no_matter() {
        let slow = run_of(&[(0, 5, 900), (1000, 1005, 1900), (2000, 2005, 2900)]);
        assert_eq!(lag(&slow).grade, Grade::Valid);
    }
}
