//! Did the system settle?

use super::{Check, Grade, requests};
use crate::run::MeasuredRun;
use crate::stats::quantile::median;
use crate::stats::warm_up::mser5;
use crate::unit;
use crate::verdict::evidence::span_of;

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

/// How long the warm-up lasted, µs: by MSER-5 over the medians of each second of the steady phase,
/// at least 5 s.
///
/// Source: White 1997, Simulation 69(6); medians in place of means, which a single pause spoils.
pub(in crate::verdict) fn warm_up_us(run: &MeasuredRun) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a run")]
    warm_up(run).map_or(0, |(trim_s, _)| (trim_s * 1e6) as i64)
}

/// Seconds to leave out, and whether the search met its cap; none for a phase too short to tell.
fn warm_up(run: &MeasuredRun) -> Option<(f64, bool)> {
    let cells = cells(run)?;
    // Where the least that is left out is too much, nothing can be told.
    if (cells.len() as f64) * TOO_LONG < LEAST_S {
        return None;
    }
    let trim = mser5(&cells, BATCH, MOST);
    Some(((trim.cells as f64).max(LEAST_S), trim.at_cap))
}

/// The median response time of each second of the steady phase, µs; a second without answers
/// repeats the one before it.
fn cells(run: &MeasuredRun) -> Option<Vec<f64>> {
    let (start, end) = span_of(&run.facts, "steady")?;
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
    let Some((start, end)) = span_of(&run.facts, "steady") else {
        return vec![Check::new(NAME, Grade::Warn, "the run has no steady phase")];
    };
    let seconds = (end - start) as f64 / 1e6;
    let (grade, text) = match warm_up(run) {
        None => {
            let least = unit::span(LEAST_S / TOO_LONG);
            (Grade::Warn, format!("{} are too short; at least {least} are needed", unit::span(seconds)))
        }
        Some((trim_s, at_cap)) if at_cap || trim_s > TOO_LONG * seconds => {
            let text = format!(
                "not reached: the first {} of {} differ from the rest; lengthen the runs",
                unit::span(trim_s),
                unit::span(seconds)
            );
            (Grade::Warn, text)
        }
        Some((trim_s, _)) if trim_s <= LEAST_S => (Grade::Valid, "no visible warm-up".to_owned()),
        Some((trim_s, _)) => (Grade::Valid, format!("after a warm-up of {}", unit::span(trim_s))),
    };
    vec![Check::new(NAME, grade, text)]
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
    }
}
