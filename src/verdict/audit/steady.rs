//! Did the system settle?

use super::{Check, Grade, requests};
use crate::run::MeasuredRun;
use crate::stats::quantile::median;
use crate::stats::warm_up::{mser5, p_of_start};
use crate::unit;
use crate::verdict::evidence::longest_steady;

/// The check's name.
pub(in crate::verdict) const NAME: &str = "steady state";
/// Cells of a batch: MSER-5.
const BATCH: usize = 5;
/// Most that may be taken for warm-up before the search ends.
const MOST: f64 = 0.5;
/// The least that is left out, s.
const LEAST_S: f64 = 5.0;
/// A warm-up of more than this share of the phase is no warm-up any more.
const TOO_LONG: f64 = 0.25;

/// A start that differs from the rest as much by chance alone more often than this is no warm-up.
const CHANCE: f64 = 0.01;

/// How long the warm-up lasted, µs: by MSER-5 over the medians of each second of the steady phase,
/// at least 5 s.
///
/// Source: White 1997, Simulation 69(6); medians in place of means, which a single pause spoils.
pub(in crate::verdict) fn warm_up_us(run: &MeasuredRun) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a run")]
    warm_up(run).map_or(0, |found| (found.trim_s * 1e6) as i64)
}

/// Seconds of steady phase that a run has to have for its warm-up to be at most a quarter of it, as far as this run
/// shows: infinite if it never became steady.
pub(in crate::verdict) fn wanted_s(run: &MeasuredRun) -> f64 {
    match warm_up(run) {
        None => LEAST_S / TOO_LONG,
        Some(WarmUp { is_over: false, .. }) => f64::INFINITY,
        Some(found) => found.trim_s / TOO_LONG,
    }
}

/// How a run's steady phase began.
struct WarmUp {
    /// Seconds to leave out.
    trim_s: f64,
    /// Whether what follows differs from it no longer.
    is_over: bool,
}

/// None for a phase too short to tell.
fn warm_up(run: &MeasuredRun) -> Option<WarmUp> {
    let cells = cells(run)?;
    // Where the least that is left out is too much, nothing can be told.
    if (cells.len() as f64) * TOO_LONG < LEAST_S {
        return None;
    }
    let trim = mser5(&cells, BATCH, MOST);
    let trim_s = (trim.cells as f64).max(LEAST_S);
    let is_long = trim.at_cap || trim_s > TOO_LONG * cells.len() as f64;
    // In a short run without a warm-up the search ends anywhere.
    let differs = || p_of_start(&cells, trim.cells).is_none_or(|p| p < CHANCE);
    Some(WarmUp { trim_s, is_over: !(is_long && differs()) })
}

/// The longest stretch in which the load was level, µs, as long as nothing was done to the system.
fn calm(run: &MeasuredRun) -> Option<(i64, i64)> {
    let (start, end) = longest_steady(&run.facts)?;
    let faults = run.facts.end.faults.iter().filter_map(|fault| fault.start_us);
    let first = faults.filter(|fault| (start..end).contains(fault)).min();
    Some((start, first.unwrap_or(end)))
}

/// The median response time of each second of the steady phase, µs; a second without answers
/// repeats the one before it.
fn cells(run: &MeasuredRun) -> Option<Vec<f64>> {
    let (start, end) = calm(run)?;
    let seconds = usize::try_from((end - start) / 1_000_000).ok()?;
    let mut by_second: Vec<Vec<f64>> = vec![Vec::new(); seconds];
    let samples = &run.samples;
    for i in requests(run).filter(|i| samples.outcome[*i].is_answered()) {
        let second = (samples.intended_us[i] - start).div_euclid(1_000_000);
        if let Some(cell) = usize::try_from(second).ok().and_then(|s| by_second.get_mut(s)) {
            cell.push((samples.done_us[i] - samples.intended_us[i]).max(1) as f64);
        }
    }
    let mut cells = Vec::with_capacity(seconds);
    for values in &by_second {
        let cell = median(values).or(cells.last().copied());
        cells.extend(cell);
    }
    Some(cells)
}

pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let Some((start, end)) = calm(run) else {
        let text = if run.facts.start.stages.is_empty() {
            "the run has no steady phase"
        } else {
            "the load never holds a level, so there is no steady phase"
        };
        return vec![Check::new(NAME, Grade::Warn, text)];
    };
    let seconds = (end - start) as f64 / 1e6;
    let several = run.facts.end.phases.iter().filter(|phase| phase.name == "steady").count() > 1;
    let of = if several { "; of the longest stretch in which the load is level" } else { "" };
    let (grade, text) = match warm_up(run) {
        None => {
            let least = unit::span(LEAST_S / TOO_LONG);
            (Grade::Warn, format!("{} are too short; at least {least} are needed", unit::span(seconds)))
        }
        Some(WarmUp { trim_s, is_over: false }) => {
            let text = format!(
                "not reached: the first {} of {} differ from the rest; lengthen the runs",
                unit::span(trim_s),
                unit::span(seconds)
            );
            (Grade::Warn, text)
        }
        Some(WarmUp { trim_s, .. }) if trim_s <= LEAST_S || trim_s > TOO_LONG * seconds => {
            (Grade::Valid, "no visible warm-up".to_owned())
        }
        Some(WarmUp { trim_s, .. }) => (Grade::Valid, format!("after a warm-up of {}", unit::span(trim_s))),
    };
    vec![Check::new(NAME, grade, text + of)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::audit::tests::run_of;

    /// A request every 100 ms for `seconds`, each as slow as `slow` says for its second, ms.
    fn traffic(seconds: i64, slow: impl Fn(i64) -> i64) -> MeasuredRun {
        let requests: Vec<(i64, i64, i64)> =
            (0..seconds * 10).map(|i| (i * 100, i * 100, i * 100 + slow(i / 10) + i % 3)).collect();
        run_of(&requests)
    }

    #[test]
    fn a_warm_up_is_found_and_an_endless_one_is_no_steady_state() {
        let warm = traffic(60, |s| if s < 10 { 80 } else { 20 });
        assert_eq!(warm_up_us(&warm), 10_000_000);
        assert_eq!(checks(&warm)[0].grade, Grade::Valid);
        let endless = traffic(60, |s| 20 + s * 3);
        assert_eq!(checks(&endless)[0].grade, Grade::Warn);
        assert_eq!(checks(&traffic(6, |_| 20))[0].grade, Grade::Warn);
        assert_eq!(
            (wanted_s(&warm), wanted_s(&endless), wanted_s(&traffic(6, |_| 20))),
            (40.0, f64::INFINITY, 20.0)
        );
    }

    #[test]
    fn a_short_run_that_wanders_about_its_level_is_steady() {
        let short = traffic(30, |s| 20 + [3, 0, 4, 1, 2, 5][usize::try_from(s % 6).unwrap()]);
        assert_eq!(checks(&short)[0].grade, Grade::Valid, "{}", checks(&short)[0].text);
        let slow_start = traffic(30, |s| if s < 12 { 40 } else { 20 + s % 3 });
        assert_eq!(checks(&slow_start)[0].grade, Grade::Warn);
    }
}
