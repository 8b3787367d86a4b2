//! Requests over the time of a run: how many were due, how many were answered, how many were under way.

use std::sync::Arc;

use serde::Serialize;

use crate::run::MeasuredRun;
use crate::sample::{Kind, Outcome, PROBE_CLASS};
use crate::stats::quantile::median;

/// Users' requests over time, in windows from the run's start to the load's end; with several runs, medians. Points are
/// `(middle of the window in s, value)`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Traffic {
    /// Requests that were due per second: the load that was offered.
    pub due: Vec<(f64, f64)>,
    /// Requests that failed, had no answer or were never sent, per second, by when they were due.
    pub not_ok: Vec<(f64, f64)>,
    /// Requests under way, on average over the window.
    pub in_flight: Vec<(f64, f64)>,
}

/// The traffic of an arm's runs.
pub(super) fn traffic(runs: &[Arc<MeasuredRun>], window_s: f64) -> Traffic {
    let of_runs: Vec<Counted> = runs.iter().map(|run| Counted::of(run, window_s)).collect();
    let over_runs = |of: fn(&Counted) -> &Vec<f64>| {
        let longest = of_runs.iter().map(|run| of(run).len()).max().unwrap_or(0);
        let at = |window: usize| {
            let values: Vec<f64> = of_runs.iter().filter_map(|run| of(run).get(window).copied()).collect();
            Some(((window as f64 + 0.5) * window_s, median(&values)?))
        };
        (0..longest).filter_map(at).collect()
    };
    Traffic {
        due: over_runs(|run| &run.due),
        not_ok: over_runs(|run| &run.not_ok),
        in_flight: over_runs(|run| &run.in_flight),
    }
}

/// One run's values in each whole window of its load.
struct Counted {
    due: Vec<f64>,
    not_ok: Vec<f64>,
    in_flight: Vec<f64>,
}

impl Counted {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "windows of a run are few")]
    fn of(run: &MeasuredRun, window_s: f64) -> Self {
        // The window in which the load ends holds part of its load only.
        let windows = (run.facts.load_s() / window_s).floor() as usize;
        let mut counted =
            Self { due: vec![0.0; windows], not_ok: vec![0.0; windows], in_flight: vec![0.0; windows] };
        let columns = &run.samples;
        let is_users: Vec<bool> = columns
            .subjects
            .iter()
            .map(|subject| subject.kind == Kind::Request && subject.traffic_class != PROBE_CLASS)
            .collect();
        for place in (0..columns.subject.len()).filter(|place| is_users[columns.subject[*place] as usize]) {
            let at = (columns.intended_us[place] as f64 / 1e6 / window_s).floor();
            if let Some(due) = counted.due.get_mut(at.max(0.0) as usize) {
                *due += 1.0 / window_s;
                if !columns.outcome[place].is_answered() {
                    counted.not_ok[at.max(0.0) as usize] += 1.0 / window_s;
                }
            }
            if columns.outcome[place] != Outcome::Dropped {
                let span = [columns.sent_us[place], columns.done_us[place]].map(|us| us as f64 / 1e6);
                add_overlap(&mut counted.in_flight, span, window_s);
            }
        }
        counted
    }
}

/// Adds to each window the share of it that lies within a span of time, s.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "windows of a run are few")]
fn add_overlap(windows: &mut [f64], [from, to]: [f64; 2], window_s: f64) {
    let first = (from / window_s).floor().max(0.0) as usize;
    for (window, value) in windows.iter_mut().enumerate().skip(first) {
        let start = window as f64 * window_s;
        if start >= to {
            break;
        }
        *value += (to.min(start + window_s) - from.max(start)).max(0.0) / window_s;
    }
}

#[cfg(test)]
mod tests {
    use super::add_overlap;

    #[test]
    fn a_request_counts_in_each_window_for_as_long_as_it_is_under_way() {
        let mut windows = vec![0.0; 4];
        add_overlap(&mut windows, [0.5, 2.25], 1.0);
        add_overlap(&mut windows, [3.5, 9.0], 1.0);
        assert_eq!(windows, [0.5, 1.0, 0.25, 0.5]);
    }
}
