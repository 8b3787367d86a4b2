//! From the runs of one arm to what they came to together.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::arm::{ArmSummary, Curve, SignalSeries};
use super::curves::{curves, throughput};
use super::faults;
use super::frame::{FrameError, summaries, total};
use super::modes;
use super::race;
use super::rounds::{rare_outage, round_groups};
use super::series::Series;
use super::stages;
use super::subject::{Distribution, OutcomeCounts, QUANTILES, Summary};
use super::tags;
use super::traffic::{Traffic, traffic};
use super::windows::{by_window, medians};
use crate::reading::SignalColumn;
use crate::run::{Arm, FailureReason, MeasuredRun, RunState, SlowSample};
use crate::sample::{Outcome, Subject};
use crate::stats::quantile::{geometric_mean, median};

/// About how many windows a curve over time has.
const WINDOWS: f64 = 100.0;

/// Sums up the runs of one arm, at least one.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn summarise(arm: Arm, runs: &[Arc<MeasuredRun>]) -> Result<ArmSummary, FrameError> {
    let window_s = window_s(runs);
    let per_run: Vec<Vec<Summary>> =
        runs.iter().map(|run| summaries(&run.samples, run.facts.load_s())).collect::<Result<_, _>>()?;
    let totals: Vec<Option<Summary>> =
        runs.iter().map(|run| total(&run.samples, run.facts.load_s())).collect::<Result<_, _>>()?;
    let totals: Vec<Summary> = totals.into_iter().flatten().collect();
    let known = tags::of_runs(runs);
    let tags: Vec<Vec<Summary>> =
        runs.iter().map(|run| tags::summaries(run, &known)).collect::<Result<_, _>>()?;
    let is_ordered = runs.iter().all(|run| run.is_ordered());
    // Of a run that was cut short little is known, and less can be said of what it has in common with others.
    let done: Vec<&MeasuredRun> =
        runs.iter().map(Arc::as_ref).filter(|run| run.facts.end.state == RunState::Done).collect();
    let curves = curves(runs, window_s);
    let main = curves.iter().filter(|curve| curve.is_class || curve.is_effect);
    let groups = |curve: &Curve| round_groups(&curve.name, &curve.anchors);
    Ok(ArmSummary {
        arm,
        modes: modes::several(runs),
        round_groups: if done.len() == runs.len() { main.filter_map(groups).collect() } else { Vec::new() },
        rare_outage: rare_outage(&done),
        runs: runs.iter().map(|r| r.facts.clone()).collect(),
        summaries: over_runs(&per_run),
        total: over_runs(&[totals]).pop(),
        tags: over_runs(&tags),
        drain_s: runs.iter().map(|r| r.facts.drain_s()).collect(),
        curves,
        signals: signals(runs),
        throughput: throughput(runs, window_s),
        traffic: if is_ordered { traffic(runs, window_s) } else { Traffic::default() },
        slowest: slowest(runs),
        reasons: reasons(runs),
        checksums: runs.iter().map(|r| r.checksum.clone()).collect(),
        stages: stages::metrics(runs),
        faults: faults::metrics(runs),
        races: race::metrics(
            &runs[0].facts.start.races,
            &runs.iter().map(|r| &r.samples).collect::<Vec<_>>(),
        ),
    })
}

/// The slowest requests of all runs, as many as each run gives.
fn slowest(runs: &[Arc<MeasuredRun>]) -> Vec<SlowSample> {
    let most = runs.iter().map(|run| run.slowest.len()).max().unwrap_or(0);
    let mut all: Vec<SlowSample> = runs.iter().flat_map(|run| run.slowest.iter().cloned()).collect();
    all.sort_by_key(|sample| std::cmp::Reverse(sample.response_us));
    all.truncate(most);
    all
}

/// Why samples did not end well, over all runs: counts add up.
fn reasons(runs: &[Arc<MeasuredRun>]) -> Vec<FailureReason> {
    let mut all: Vec<FailureReason> = Vec::new();
    for reason in runs.iter().flat_map(|run| &run.reasons) {
        let is_same = |known: &&mut FailureReason| {
            known.outcome == reason.outcome
                && known.endpoint == reason.endpoint
                && known.reason == reason.reason
        };
        match all.iter_mut().find(is_same) {
            Some(known) => {
                known.count += reason.count;
                known.first_us = known.first_us.min(reason.first_us);
                known.last_us = known.last_us.max(reason.last_us);
            }
            None => all.push(reason.clone()),
        }
    }
    all.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    all
}

/// The width of the windows of all curves over time: whole seconds, alike in all runs.
fn window_s(runs: &[Arc<MeasuredRun>]) -> f64 {
    let longest = runs.iter().map(|r| r.facts.load_s()).fold(0.0, f64::max);
    (longest / WINDOWS).ceil().max(1.0)
}

/// One summary per subject: counts add up, times and rates are geometric means over runs.
fn over_runs(runs: &[Vec<Summary>]) -> Vec<Summary> {
    let mut by_subject: BTreeMap<&Subject, Vec<&Summary>> = BTreeMap::new();
    for summary in runs.iter().flatten() {
        by_subject.entry(&summary.subject).or_default().push(summary);
    }
    by_subject.into_iter().map(|(subject, summaries)| merge(subject, &summaries)).collect()
}

fn merge(subject: &Subject, summaries: &[&Summary]) -> Summary {
    let mut counts = OutcomeCounts::default();
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for summary in summaries {
        counts.merge(&summary.counts);
        for (status, n) in &summary.statuses {
            *statuses.entry(*status).or_default() += n;
        }
    }
    let rates: Vec<f64> = summaries.iter().map(|s| s.rate_per_s).collect();
    let times = |of: fn(&Summary) -> Option<Distribution>| {
        mean_of(summaries.iter().filter_map(|summary| of(summary).or_else(|| never_answered(summary))))
    };
    Summary {
        subject: subject.clone(),
        counts,
        statuses: statuses.into_iter().collect(),
        rate_per_s: geometric_mean(&rates).unwrap_or(0.0),
        response: times(|s| s.response),
        service: times(|s| s.service),
    }
}

/// The times of a run in which nothing was answered: they have no end, and are not left out of the mean over runs. None where
/// nothing has a time at all.
fn never_answered(summary: &Summary) -> Option<Distribution> {
    let kind = summary.subject.kind;
    let unanswered = Outcome::ALL.into_iter().filter(|outcome| outcome.is_unanswered(kind));
    let n: u64 = unanswered.map(|outcome| summary.counts.of(outcome)).sum();
    (n > 0).then_some(Distribution {
        n,
        min_us: f64::INFINITY,
        mean_us: f64::INFINITY,
        quantiles_us: [f64::INFINITY; QUANTILES.len()],
        max_us: f64::INFINITY,
    })
}

fn mean_of(runs: impl Iterator<Item = Distribution>) -> Option<Distribution> {
    let runs: Vec<Distribution> = runs.collect();
    // As of one run: where nothing was answered in any there is nothing to show but that.
    if runs.iter().all(|run| run.min_us.is_infinite()) {
        return None;
    }
    let mean =
        |metric: fn(&Distribution) -> f64| geometric_mean(&runs.iter().map(metric).collect::<Vec<_>>());
    let mut quantiles_us = [0.0; QUANTILES.len()];
    for (i, quantile) in quantiles_us.iter_mut().enumerate() {
        *quantile = geometric_mean(&runs.iter().map(|d| d.quantiles_us[i]).collect::<Vec<_>>())?;
    }
    Some(Distribution {
        n: runs.iter().map(|d| d.n).sum(),
        min_us: mean(|d| d.min_us)?,
        mean_us: mean(|d| d.mean_us)?,
        quantiles_us,
        max_us: mean(|d| d.max_us)?,
    })
}

/// Signals as they were read; with several runs, medians per second.
fn signals(runs: &[Arc<MeasuredRun>]) -> Vec<SignalSeries> {
    let mut by_name: BTreeMap<&str, Vec<&SignalColumn>> = BTreeMap::new();
    for signal in runs.iter().flat_map(|r| &r.signals).filter(|s| !s.readings.is_empty()) {
        by_name.entry(&signal.name).or_default().push(signal);
    }
    by_name
        .into_iter()
        .map(|(name, columns)| SignalSeries {
            series: Series { name: name.to_owned(), points: signal_points(&columns, columns[0].is_counter) },
            unit: columns[0].unit.clone(),
            is_counter: columns[0].is_counter,
        })
        .collect()
}

fn signal_points(columns: &[&SignalColumn], is_counter: bool) -> Vec<(f64, f64)> {
    let points = |column: &SignalColumn| -> Vec<(f64, f64)> {
        column.readings.iter().map(|(us, value)| (*us as f64 / 1e6, *value)).collect()
    };
    if let [single] = columns {
        return points(single);
    }
    let mut windows: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for column in columns {
        let points = if is_counter { increases(&points(column)) } else { points(column) };
        for (window, values) in by_window(&points, 1.0) {
            let value = if is_counter { Some(values.iter().sum()) } else { median(&values) };
            windows.entry(window).or_default().extend(value);
        }
    }
    let medians = medians(windows, 1.0);
    if is_counter { summed_up(&medians) } else { medians }
}

/// The increases of a counter between readings; a counter that falls was reset.
fn increases(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let first = points.first().map(|point| (point.0, 0.0));
    let rises = points.windows(2).map(|pair| (pair[1].0, (pair[1].1 - pair[0].1).max(0.0)));
    first.into_iter().chain(rises).collect()
}

/// A counter again from its increases. Each run counts from a level of its own, so a median over the levels of several
/// runs could fall; one over their increases cannot.
fn summed_up(increases: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let sum = |sum: &mut f64, (at, increase): &(f64, f64)| {
        *sum += increase;
        Some((*at, *sum))
    };
    increases.iter().scan(0.0, sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Kind;

    #[test]
    fn a_run_in_which_nothing_was_answered_is_not_left_out_of_the_times() {
        let run = |ok, error, us: Option<f64>| Summary {
            subject: Subject {
                kind: Kind::Request,
                traffic_class: String::new(),
                endpoint: "GET /".to_owned(),
            },
            counts: OutcomeCounts { ok, error, ..OutcomeCounts::default() },
            statuses: Vec::new(),
            rate_per_s: 1.0,
            response: us.map(|us| Distribution {
                n: ok,
                min_us: us,
                mean_us: us,
                quantiles_us: [us; QUANTILES.len()],
                max_us: us,
            }),
            service: None,
        };
        let of = |runs: &[Summary]| over_runs(&runs.iter().map(|run| vec![run.clone()]).collect::<Vec<_>>());
        let merged = of(&[run(9, 0, Some(5.0)), run(0, 9, None)]);
        assert_eq!(merged[0].response.unwrap().quantiles_us[0], f64::INFINITY);
        assert_eq!(of(&[run(0, 9, None), run(0, 9, None)])[0].response, None);
        assert_eq!(of(&[run(9, 0, Some(5.0)), run(0, 0, None)])[0].response.unwrap().quantiles_us[0], 5.0);
    }

    #[test]
    fn a_counter_over_runs_never_shrinks_whatever_levels_they_count_from() {
        let column = |start: f64, seconds: i64| SignalColumn {
            name: "requests".to_owned(),
            unit: String::new(),
            is_counter: true,
            readings: (0..seconds).map(|s| (s * 1_000_000, start + s as f64 * 2.0)).collect(),
        };
        // The run that counts from the highest level ends first.
        let columns = [column(1000.0, 5), column(0.0, 9), column(50.0, 9)];
        let points = signal_points(&columns.iter().collect::<Vec<_>>(), true);
        assert!(points.windows(2).all(|pair| pair[1].1 >= pair[0].1), "{points:?}");
        assert_eq!(points.last().unwrap().1, 16.0);
    }
}
