//! Times that fall into several modes: a quantile of them is one mode's or the other's by chance.

use std::sync::Arc;

use serde::Serialize;

use crate::run::MeasuredRun;
use crate::sample::{PROBE_CLASS, SampleColumns, Subject};
use crate::stats::modes::{Bins, Mode};

/// The times of one subject in one arm, where they have several modes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Histogram {
    /// What was called, or which effect.
    pub subject: Subject,
    /// Lower edge of the first bin, µs; bins are equally wide on a logarithmic scale.
    pub low_us: f64,
    /// Upper edge of the last bin, µs.
    pub high_us: f64,
    /// Each bin's share of the times, as the mean over the runs.
    pub shares: Vec<f64>,
    /// The modes, the fastest first: where each is highest, µs, and its share of the times.
    pub modes: Vec<HistogramMode>,
    /// In how many runs several modes are visible.
    pub runs_with: usize,
    /// Runs behind it.
    pub runs: usize,
}

/// A mode of a [`Histogram`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HistogramMode {
    /// Where it is highest, µs.
    pub at_us: f64,
    /// Its share of the times, in [0, 1].
    pub share: f64,
}

/// The subjects of an arm whose answered times have several modes in most runs.
pub(super) fn several(runs: &[Arc<MeasuredRun>]) -> Vec<Histogram> {
    let mut subjects: Vec<&Subject> = runs.iter().flat_map(|run| &run.samples.subjects).collect();
    subjects.sort();
    subjects.dedup();
    subjects.retain(|subject| subject.traffic_class != PROBE_CLASS);
    subjects.into_iter().filter_map(|subject| histogram(subject, runs)).collect()
}

fn histogram(subject: &Subject, runs: &[Arc<MeasuredRun>]) -> Option<Histogram> {
    let times: Vec<Vec<f64>> = runs.iter().map(|run| answered(&run.samples, subject)).collect();
    let bins = Bins::of(&times)?;
    let counts: Vec<Vec<f64>> = times.iter().map(|times| bins.count(times)).collect();
    let runs_with = counts.iter().filter(|counts| bins.modes(counts).len() > 1).count();
    if runs_with * 2 <= runs.len() {
        return None;
    }
    let share = |place: usize| {
        let of_runs = counts.iter().zip(&times).map(|(counts, times)| counts[place] / times.len() as f64);
        of_runs.sum::<f64>() / runs.len() as f64
    };
    let shares: Vec<f64> = (0..counts.first()?.len()).map(share).collect();
    // As many as the runs have on average: what chance makes of a small part of one is gone in the mean.
    let all = times.iter().map(|times| times.len() as f64).sum::<f64>() / runs.len() as f64;
    let modes = bins.modes(&shares.iter().map(|share| share * all).collect::<Vec<_>>());
    let (low_us, high_us) = bins.range();
    let mode = |mode: &Mode| HistogramMode { at_us: mode.at, share: mode.share };
    let modes: Vec<HistogramMode> = modes.iter().map(mode).collect();
    (modes.len() > 1).then(|| Histogram {
        subject: subject.clone(),
        low_us,
        high_us,
        shares,
        modes,
        runs_with,
        runs: runs.len(),
    })
}

/// The response times of a subject's answered samples, µs, in ascending order.
fn answered(samples: &SampleColumns, subject: &Subject) -> Vec<f64> {
    let wanted: Vec<bool> = samples.subjects.iter().map(|other| other == subject).collect();
    let is_wanted = |i: &usize| wanted[samples.subject[*i] as usize] && samples.outcome[*i].is_answered();
    let us = |i: usize| (samples.done_us[i] - samples.intended_us[i]) as f64;
    let mut times: Vec<f64> = (0..samples.subject.len()).filter(is_wanted).map(us).collect();
    times.sort_by(f64::total_cmp);
    times
}
