//! The figures of a run by which it is followed over releases.

use super::arm::{MeasuredRun, load_end_us};
use super::frame::{FrameError, summaries};
use super::summary::{Distribution, QUANTILES};
use crate::run::Figure;
use crate::sample::{Kind, Outcome, PROBE_CLASS, Subject};

/// Quantiles that are followed, with the samples that each needs: ten beyond it.
const FOLLOWED: [(&str, f64, u64); 3] = [("p50", 0.5, 20), ("p95", 0.95, 200), ("p99", 0.99, 1000)];

/// What all requests together are called.
pub const ALL_REQUESTS: &str = "all requests";

/// A run's figures: quantiles of each endpoint and effect, ms, and the throughput of all requests.
///
/// # Errors
/// If the samples cannot be summarised.
pub fn figures(run: &MeasuredRun) -> Result<Vec<Figure>, FrameError> {
    let load_s = load_end_us(&run.facts).map_or(run.facts.duration_s, |us| us as f64 / 1e6).max(1e-3);
    let mut figures = Vec::new();
    for summary in summaries(&run.samples, load_s)? {
        if summary.subject.traffic_class == PROBE_CLASS {
            continue;
        }
        let Some(times) = summary.response else { continue };
        let followed = FOLLOWED.iter().filter(|(_, _, needed)| times.n >= *needed);
        figures.extend(followed.map(|(metric, p, _)| Figure {
            run: run.facts.id,
            subject: summary.subject.clone(),
            name: (*metric).to_owned(),
            value: quantile(&times, *p) / 1e3,
            n: times.n,
        }));
    }
    figures.extend(throughput(run, load_s));
    Ok(figures)
}

fn quantile(times: &Distribution, p: f64) -> f64 {
    let place = QUANTILES.iter().position(|known| (known - p).abs() < 1e-12);
    place.map_or(f64::NAN, |place| times.quantiles_us[place])
}

fn throughput(run: &MeasuredRun, load_s: f64) -> Option<Figure> {
    let samples = &run.samples;
    let counts = |subject: &Subject| subject.kind == Kind::Request && subject.traffic_class != PROBE_CLASS;
    let counted: Vec<bool> = samples.subjects.iter().map(counts).collect();
    let ended = samples.subject.iter().zip(&samples.outcome);
    let ok =
        ended.filter(|(subject, outcome)| counted[**subject as usize] && **outcome == Outcome::Ok).count();
    (ok > 0).then(|| Figure {
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
