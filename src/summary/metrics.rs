//! The metrics of a run by which it is followed over releases.

use super::frame::{FrameError, summaries, total};
use super::subject::{Distribution, OutcomeCounts, QUANTILES, Summary};
use crate::run::{MeasuredRun, Metric};
use crate::sample::{Kind, Outcome, PROBE_CLASS, Subject};
use crate::stats::quantile::type8;

/// Quantiles that are followed, with the samples that each needs: ten beyond it.
const FOLLOWED: [(&str, f64, u64); 3] = [("p50", 0.5, 20), ("p95", 0.95, 200), ("p99", 0.99, 1000)];

/// What all requests together are called.
pub const ALL_REQUESTS: &str = "all requests";

/// A run's metrics for other programs: the finite quantiles of each endpoint and effect, ms, and the throughput of all
/// requests.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn metrics(run: &MeasuredRun) -> Result<Vec<Metric>, FrameError> {
    let mut metrics = followed(run)?;
    metrics.retain(|metric| metric.name != Metric::ANSWERED && metric.value.is_finite());
    Ok(metrics)
}

/// All that a run is followed by: of each endpoint and effect its quantiles, ms, and the share that ended as expected;
/// of all requests that share and the throughput.
///
/// A quantile is ∞ where too many samples were never answered, or answered wrongly: a release whose failures come at once must
/// not look as fast as ever. It is missing where too few were answered at all. Every run
/// has a throughput: one without an `ok` answer has that of 0.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn followed(run: &MeasuredRun) -> Result<Vec<Metric>, FrameError> {
    let load_s = run.facts.load_s();
    let summaries = summaries(&run.samples, load_s)?;
    Ok(followed_of(run, &summaries, total(&run.samples, load_s)?.as_ref()))
}

/// As [`followed`], where the run has been summed up already: by subject, and all requests together.
pub fn followed_of(run: &MeasuredRun, summaries: &[Summary], total: Option<&Summary>) -> Vec<Metric> {
    let load_s = run.facts.load_s();
    let metric = |subject: &Subject, name: &str, value: f64, n: u64| Metric {
        run: run.facts.id,
        subject: subject.clone(),
        name: name.to_owned(),
        value,
        n,
    };
    let answered = |subject: &Subject, counts: &OutcomeCounts| {
        let n = counts.total();
        (n > 0).then(|| metric(subject, Metric::ANSWERED, (counts.ok + counts.rejected) as f64 / n as f64, n))
    };
    let mut metrics = Vec::new();
    for summary in summaries {
        if summary.subject.traffic_class == PROBE_CLASS {
            continue;
        }
        metrics.extend(answered(&summary.subject, &summary.counts));
        let Some(times) = summary.response else { continue };
        let followed = FOLLOWED.iter().filter(|(_, _, needed)| times.n >= *needed);
        let all = (summary.counts.failed > 0).then(|| with_wrong_answers(run, &summary.subject));
        let us = |p: f64| match &all {
            Some(all) => type8(all, p).unwrap_or(f64::NAN),
            None => quantile(&times, p),
        };
        metrics.extend(followed.map(|(name, p, _)| metric(&summary.subject, name, us(*p) / 1e3, times.n)));
    }
    let all =
        Subject { kind: Kind::Request, traffic_class: String::new(), endpoint: ALL_REQUESTS.to_owned() };
    metrics.extend(total.and_then(|total| answered(&all, &total.counts)));
    let ok = ok_within_load(run, load_s);
    metrics.push(metric(&all, Metric::THROUGHPUT, ok as f64 / load_s, ok));
    metrics
}

/// The response times of all samples of a subject in order, µs: one that was never answered, or wrongly, took for ever.
fn with_wrong_answers(run: &MeasuredRun, subject: &Subject) -> Vec<f64> {
    let samples = &run.samples;
    let is_wanted: Vec<bool> = samples.subjects.iter().map(|other| other == subject).collect();
    let time = |i: usize| {
        let is_answered = samples.outcome[i].is_answered();
        if is_answered { (samples.done_us[i] - samples.intended_us[i]) as f64 } else { f64::INFINITY }
    };
    let wanted = (0..samples.subject.len()).filter(|i| is_wanted[samples.subject[*i] as usize]);
    let mut times: Vec<f64> = wanted.map(time).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn quantile(times: &Distribution, p: f64) -> f64 {
    let place = QUANTILES.iter().position(|known| (known - p).abs() < 1e-12);
    place.map_or(f64::NAN, |place| times.quantiles_us[place])
}

fn ok_within_load(run: &MeasuredRun, load_s: f64) -> u64 {
    let samples = &run.samples;
    let counts = |subject: &Subject| subject.kind == Kind::Request && subject.traffic_class != PROBE_CLASS;
    let counted: Vec<bool> = samples.subjects.iter().map(counts).collect();
    let is_done = |i: &usize| {
        counted[samples.subject[*i] as usize]
            && samples.outcome[*i] == Outcome::Ok
            && samples.done_us[*i] as f64 <= load_s * 1e6
    };
    (0..samples.subject.len()).filter(is_done).count() as u64
}
