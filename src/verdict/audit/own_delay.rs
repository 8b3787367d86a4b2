//! How much of the response times is loadproof's own: requests that it sent late though a place was free, and answers
//! that had come and waited to be read.

use std::collections::HashMap;

use super::arrivals::{SMALL_LAG_US, free_places};
use super::{Check, Grade, requests};
use crate::reading::RECEIVE_DELAY;
use crate::run::MeasuredRun;
use crate::sample::Outcome;
use crate::stats::quantile::type8;
use crate::unit;

/// Share of the p99 response time from which it counts.
const MATTERS: f64 = 0.1;
/// Answers of which fewer do not show a p99.
const FEWEST: usize = 100;

/// What is loadproof's of the median and of p99, by the answers whose receive time the kernel has told; none of a run that
/// did not ask for these.
pub(super) fn checks(run: &MeasuredRun) -> Option<Check> {
    let name = "own delay";
    let delays = &run.signals.iter().find(|signal| signal.name == RECEIVE_DELAY)?.readings;
    if delays.is_empty() {
        let text = "unknown: the kernel reported no receive times (available for HTTP/1.1 over TCP)";
        return Some(Check::new(name, Grade::Valid, text));
    }
    // A reading stands at the time at which its answer was complete.
    let delay_at: HashMap<i64, f64> = delays.iter().copied().collect();
    let samples = &run.samples;
    let (mut measured, mut without) = (Vec::new(), Vec::new());
    for (i, was_free) in requests(run).zip(free_places(run)) {
        let (intended, sent, done) = (samples.intended_us[i], samples.sent_us[i], samples.done_us[i]);
        let Some(delay) = delay_at.get(&done).filter(|_| samples.outcome[i] != Outcome::Dropped) else {
            continue;
        };
        let late = if was_free && !run.facts.is_under_fault(intended) { (sent - intended).max(0) } else { 0 };
        let response = (done - intended) as f64;
        measured.push(response);
        without.push((response - late as f64 - delay).max(0.0));
    }
    measured.sort_by(f64::total_cmp);
    without.sort_by(f64::total_cmp);
    let at = |p| {
        let (response, rest) = (type8(&measured, p)?, type8(&without, p)?);
        Some((response, (response - rest).max(0.0)))
    };
    let (p50, p99) = (at(0.5)?, at(0.99)?);
    let told = |name: &str, (response, own): (f64, f64)| {
        format!(
            "{} of {name} {} ({})",
            unit::time(own),
            unit::time(response),
            unit::share(own / response.max(1.0))
        )
    };
    let count = unit::count(measured.len() as u64);
    if measured.len() < FEWEST {
        let text = format!(
            "{}, by the kernel's receive times of {count} answers: too few for p99",
            told("p50", p50)
        );
        return Some(Check::new(name, Grade::Valid, text));
    }
    let matters = p99.1 >= SMALL_LAG_US && p99.1 / p99.0.max(1.0) >= MATTERS;
    let (grade, hint) = if matters {
        (Grade::Warn, "; that is loadproof's, not the system's: give it more CPU or less load")
    } else {
        (Grade::Valid, "")
    };
    let text = format!(
        "{} and {}, by the kernel's receive times of {count} answers{hint}",
        told("p50", p50),
        told("p99", p99)
    );
    Some(Check::new(name, grade, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::SignalColumn;
    use crate::verdict::audit::tests::run_of;

    /// Requests that take 10 ms, of which so many µs each answer has waited.
    fn run(requests: i64, delay_us: f64) -> MeasuredRun {
        let times: Vec<(i64, i64, i64)> = (0..requests).map(|i| (i * 20, i * 20, i * 20 + 10)).collect();
        let mut run = run_of(&times);
        run.signals.push(SignalColumn {
            name: RECEIVE_DELAY.to_owned(),
            unit: "µs".to_owned(),
            is_counter: false,
            readings: times.iter().map(|(_, _, done)| (done * 1_000, delay_us)).collect(),
        });
        run
    }

    #[test]
    fn what_answers_waited_is_told_and_called_when_it_matters() {
        let check = checks(&run(200, 100.0)).unwrap();
        assert_eq!(check.grade, Grade::Valid);
        assert!(check.text.contains("1.0%") || check.text.contains("1 %"), "{}", check.text);
        assert_eq!(checks(&run(200, 4_000.0)).unwrap().grade, Grade::Warn);
    }

    #[test]
    fn what_is_not_known_is_called_so() {
        assert_eq!(checks(&run_of(&[(0, 0, 1)])), None, "nobody asked");
        let none = checks(&run(0, 0.0)).unwrap();
        assert!(none.text.starts_with("unknown:"), "{}", none.text);
        assert!(checks(&run(50, 1.0)).unwrap().text.ends_with("too few for p99"));
    }
}
