//! The metrics of a run by which it is followed over releases.

use super::frame::{FrameError, summaries};
use super::subject::{Distribution, QUANTILES};
use crate::run::{MeasuredRun, Metric};
use crate::sample::{Kind, Outcome, PROBE_CLASS, Subject};

/// Quantiles that are followed, with the samples that each needs: ten beyond it.
const FOLLOWED: [(&str, f64, u64); 3] = [("p50", 0.5, 20), ("p95", 0.95, 200), ("p99", 0.99, 1000)];

/// What all requests together are called.
pub const ALL_REQUESTS: &str = "all requests";

/// A run's metrics: quantiles of each endpoint and effect, ms, and the throughput of all requests.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn metrics(run: &MeasuredRun) -> Result<Vec<Metric>, FrameError> {
    let load_s = run.facts.load_s();
    let mut metrics = Vec::new();
    for summary in summaries(&run.samples, load_s)? {
        if summary.subject.traffic_class == PROBE_CLASS {
            continue;
        }
        let Some(times) = summary.response else { continue };
        let followed = FOLLOWED.iter().filter(|(_, _, needed)| times.n >= *needed);
        let followed = followed.filter(|(_, p, _)| quantile(&times, *p).is_finite());
        metrics.extend(followed.map(|(metric, p, _)| Metric {
            run: run.facts.id,
            subject: summary.subject.clone(),
            name: (*metric).to_owned(),
            value: quantile(&times, *p) / 1e3,
            n: times.n,
        }));
    }
    metrics.extend(throughput(run, load_s));
    Ok(metrics)
}

fn quantile(times: &Distribution, p: f64) -> f64 {
    let place = QUANTILES.iter().position(|known| (known - p).abs() < 1e-12);
    place.map_or(f64::NAN, |place| times.quantiles_us[place])
}

fn throughput(run: &MeasuredRun, load_s: f64) -> Option<Metric> {
    let samples = &run.samples;
    let counts = |subject: &Subject| subject.kind == Kind::Request && subject.traffic_class != PROBE_CLASS;
    let counted: Vec<bool> = samples.subjects.iter().map(counts).collect();
    let is_done = |i: &usize| {
        counted[samples.subject[*i] as usize]
            && samples.outcome[*i] == Outcome::Ok
            && samples.done_us[*i] as f64 <= load_s * 1e6
    };
    let ok = (0..samples.subject.len()).filter(is_done).count();
    (ok > 0).then(|| Metric {
        run: run.facts.id,
        subject: Subject {
            kind: Kind::Request,
            traffic_class: String::new(),
            endpoint: ALL_REQUESTS.to_owned(),
        },
        name: "throughput".to_owned(),
        value: ok as f64 / load_s,
        n: ok as u64,
    })
}
