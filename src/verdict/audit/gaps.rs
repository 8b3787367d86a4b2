//! Did a Poisson load go out as one? The times at which journeys begin, as intended and as sent.

use std::collections::BTreeMap;

use super::arrivals::{free_places, open_parts};
use super::{Check, Grade, requests};
use crate::run::MeasuredRun;
use crate::sample::{Outcome, Phase};
use crate::stats::anderson_darling::{self, REJECTS_AT_1_PERCENT, REJECTS_AT_5_PERCENT};
use crate::stats::quantile::type8;
use crate::unit;

/// Starts that are looked at. With many more, the rounding to a microsecond would be found.
const MOST: usize = 1_000;
/// Half of a microsecond stands for gaps that are rounded to 0.
const ROUNDED: f64 = 0.5;
/// Share of starts that may have waited for a place: their times are the system's doing.
const WAITED: f64 = 0.01;
/// Share of the p99 response time from which a lateness counts.
const MATTERS: f64 = 0.1;

/// The first request of a journey, µs.
#[derive(Clone, Copy)]
struct Start {
    intended: i64,
    sent: i64,
    done: i64,
    was_free: bool,
}

/// Whether the gaps that were sent are exponential, where those that were intended are.
pub(super) fn checks(run: &MeasuredRun) -> Option<Check> {
    if open_parts(&run.facts.start).len() != 1 {
        return None;
    }
    let starts = starts(run);
    let intended = anderson_darling::exponential(&gaps(starts.iter().map(|start| start.intended)))?;
    // Of gaps that are no Poisson process's, evenly spaced ones among them, nothing is claimed.
    if intended >= REJECTS_AT_5_PERCENT {
        return None;
    }
    let name = "arrival gaps";
    let count = unit::count(starts.len() as u64);
    let waited = starts.iter().filter(|start| !start.was_free).count() as u64;
    if waited as f64 > WAITED * starts.len() as f64 {
        let text = format!("not known: of {count} starts, {} waited for a place", unit::count(waited));
        return Some(Check::new(name, Grade::Valid, text));
    }
    let sent = anderson_darling::exponential(&gaps(starts.iter().map(|start| start.sent)))?;
    let statistics = format!(
        "Anderson-Darling {sent:.2} as sent, {intended:.2} as intended, of {count} starts (1 %: {REJECTS_AT_1_PERCENT})"
    );
    if sent < REJECTS_AT_1_PERCENT {
        return Some(Check::new(
            name,
            Grade::Valid,
            format!("requests went out as a Poisson process: {statistics}"),
        ));
    }
    let sorted = |of: fn(&Start) -> i64| {
        let mut times: Vec<f64> = starts.iter().map(|start| of(start) as f64).collect();
        times.sort_by(f64::total_cmp);
        type8(&times, 0.99)
    };
    let late = sorted(|start| start.sent - start.intended)?;
    let share = late / sorted(|start| start.done - start.intended)?.max(1.0);
    let text = format!(
        "the lateness of sending (p99 {}) has changed the gaps of the Poisson process: {statistics}",
        unit::time(late)
    );
    Some(if share >= MATTERS {
        Check::new(name, Grade::Warn, text + "; use --spin, more CPU or less load")
    } else {
        Check::new(
            name,
            Grade::Valid,
            format!("{text}; it is {} of the p99 response time", unit::share(share)),
        )
    })
}

/// The first starts of the steady phase, in the order of their intended times.
fn starts(run: &MeasuredRun) -> Vec<Start> {
    let samples = &run.samples;
    let mut of_journeys: BTreeMap<u32, Start> = BTreeMap::new();
    for (i, was_free) in requests(run).zip(free_places(run)) {
        let (intended, sent, done) = (samples.intended_us[i], samples.sent_us[i], samples.done_us[i]);
        let (Some(journey), Phase::Steady) = (samples.journey.get(i), samples.phase[i]) else { continue };
        let was_free =
            was_free && samples.outcome[i] != Outcome::Dropped && !run.facts.is_under_fault(intended);
        let start = Start { intended, sent, done, was_free };
        let known = of_journeys.entry(*journey).or_insert(start);
        if intended < known.intended {
            *known = start;
        }
    }
    let mut starts: Vec<Start> = of_journeys.into_values().collect();
    starts.sort_by_key(|start| start.intended);
    starts.truncate(MOST);
    starts
}

/// The gaps between times, in the order of time.
fn gaps(times: impl Iterator<Item = i64>) -> Vec<f64> {
    let mut times: Vec<i64> = times.collect();
    times.sort_unstable();
    times.windows(2).map(|pair| ((pair[1] - pair[0]) as f64).max(ROUNDED)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::audit::tests::open_run;

    /// Starts of a Poisson process in ms, each at an ideal gap, in a mixed order.
    fn poisson(n: i64) -> Vec<i64> {
        let gap = |i: i64| -(1.0 - ((i * 37 % n) as f64 + 0.5) / n as f64).ln() * 1000.0;
        let mut at = 0.0;
        #[expect(clippy::cast_possible_truncation, reason = "a time of a test")]
        let next = |i| {
            at += gap(i);
            at as i64
        };
        (0..n).map(next).collect()
    }

    fn run(sent: impl Fn(i64) -> i64) -> MeasuredRun {
        let requests: Vec<(i64, i64, i64)> =
            poisson(200).into_iter().map(|at| (at, sent(at), sent(at) + 5)).collect();
        let mut run = open_run(1_000, &requests);
        run.samples.journey = (0..200).collect();
        run
    }

    #[test]
    fn a_poisson_load_that_goes_out_on_time_is_one() {
        let check = checks(&run(|at| at)).unwrap();
        assert_eq!(check.grade, Grade::Valid);
        assert!(check.text.starts_with("requests went out as a Poisson process"), "{}", check.text);
    }

    #[test]
    fn bunches_that_lateness_makes_are_seen() {
        // All that is due within five seconds goes out at once.
        let check = checks(&run(|at| (at / 5_000 + 1) * 5_000)).unwrap();
        assert_eq!(check.grade, Grade::Warn, "{}", check.text);
        assert!(check.text.contains("--spin"), "{}", check.text);
    }

    #[test]
    fn of_even_arrivals_nothing_is_said() {
        let requests: Vec<(i64, i64, i64)> = (0..200).map(|i| (i * 10, i * 10, i * 10 + 5)).collect();
        let mut even = open_run(1_000, &requests);
        even.samples.journey = (0..200).collect();
        assert_eq!(checks(&even), None);
    }
}
