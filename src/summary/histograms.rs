//! Histograms of a run's times: what is kept of it beside its samples, and instead of them once they are pruned.
//!
//! They tell what a run was like, to within 0.1 % of each time. No verdict rests on them.

use serde::Serialize;

use super::subject::OutcomeCounts;
use crate::run::StoredHistogram;
use crate::sample::{Batch, Kind, Outcome, PROBE_CLASS, Phase, Subject, TimedSample};
use crate::stats::histogram::Spectrum;

pub use crate::stats::histogram::NotASpectrum;

/// Outcomes times phases: the cells of a subject.
const CELLS: usize = Outcome::ALL.len() * Phase::ALL.len();

/// Quantiles that are told of kept histograms.
pub const KEPT_QUANTILES: [f64; 4] = [0.5, 0.95, 0.99, 0.999];

/// The samples of a subject that ended in one way in one phase.
#[derive(Clone, Debug, Default)]
struct Cell {
    samples: u64,
    response: Spectrum,
    service: Spectrum,
}

/// Histograms of a run, while its samples come in. Memory depends on how many endpoints it has and how far their times are
/// apart, and not on how many samples there are.
#[derive(Clone, Debug, Default)]
pub struct Histograms(Vec<[Option<Box<Cell>>; CELLS]>);

impl Histograms {
    /// Takes samples in as a worker hands them over.
    pub fn add_batch(&mut self, batch: &Batch) {
        for sample in &batch.samples {
            self.add(&sample.into());
        }
    }

    /// Takes a sample in.
    pub fn add(&mut self, sample: &TimedSample) {
        if self.0.len() <= sample.subject {
            self.0.resize_with(sample.subject + 1, Default::default);
        }
        let place = sample.outcome as usize * Phase::ALL.len() + sample.phase as usize;
        let cell = self.0[sample.subject][place].get_or_insert_default();
        cell.samples += 1;
        let since = |from_us: i64| u64::try_from(sample.done_us - from_us).unwrap_or(0);
        cell.response.add(since(sample.intended_us));
        cell.service.add(since(sample.sent_us));
    }

    /// As the store keeps them, in order of subject. `subjects`: what the places of the samples mean.
    pub fn stored(&self, subjects: &[Subject]) -> Vec<StoredHistogram> {
        let mut stored = Vec::new();
        for (subject, cells) in subjects.iter().zip(&self.0) {
            for (outcome, cells) in Outcome::ALL.into_iter().zip(cells.chunks(Phase::ALL.len())) {
                // What was never answered took for ever: the time at which it was given up is none.
                let has_end = !outcome.is_unanswered(subject.kind);
                for (phase, cell) in Phase::ALL.into_iter().zip(cells) {
                    let Some(cell) = cell else { continue };
                    stored.push(StoredHistogram {
                        subject: subject.clone(),
                        outcome,
                        phase,
                        samples: cell.samples,
                        response: has_end.then(|| cell.response.bytes()),
                        service: has_end.then(|| cell.service.bytes()),
                    });
                }
            }
        }
        stored.sort_by(|a, b| (&a.subject, a.outcome, a.phase).cmp(&(&b.subject, b.outcome, b.phase)));
        stored
    }
}

/// What histograms tell of the response times of a subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeptTimes {
    /// What was called; none for all requests of users together.
    pub subject: Option<Subject>,
    /// How its samples ended.
    pub counts: OutcomeCounts,
    /// Quantiles of its response times, µs, in the order of [`KEPT_QUANTILES`], by the nearest rank and to within 0.1 %;
    /// infinite where too many samples were never answered. None where no sample has a time.
    pub quantiles_us: Option<[f64; KEPT_QUANTILES.len()]>,
}

/// Counts and times that come together.
#[derive(Debug, Default)]
struct Together {
    counts: OutcomeCounts,
    times: Spectrum,
    endless: u64,
}

impl Together {
    fn add(&mut self, histogram: &StoredHistogram) -> Result<(), NotASpectrum> {
        let StoredHistogram { subject, outcome, samples, response, .. } = histogram;
        self.counts.add(*outcome, *samples);
        if outcome.is_unanswered(subject.kind) {
            self.endless += samples;
        } else if outcome.is_answered() {
            // A wrong answer has no time.
            self.times.add_all(&Spectrum::of_bytes(response.as_deref().unwrap_or_default())?);
        }
        Ok(())
    }

    fn kept(&self, subject: Option<Subject>) -> KeptTimes {
        let has_times = self.times.count() > 0;
        let quantile = |p| self.times.quantile_with_endless_us(p, self.endless).unwrap_or(f64::NAN);
        KeptTimes {
            subject,
            counts: self.counts,
            quantiles_us: has_times.then(|| KEPT_QUANTILES.map(quantile)),
        }
    }
}

/// What the histograms of a run tell of each subject, in order; polling requests of effects are left out.
///
/// # Errors
/// If one of them cannot be read.
pub fn by_subject(histograms: &[StoredHistogram]) -> Result<Vec<KeptTimes>, NotASpectrum> {
    let mut subjects: Vec<&Subject> = histograms.iter().map(|one| &one.subject).collect();
    subjects.retain(|subject| subject.traffic_class != PROBE_CLASS);
    subjects.sort();
    subjects.dedup();
    let of = |subject: &Subject| {
        let mut together = Together::default();
        for histogram in histograms.iter().filter(|one| one.subject == *subject) {
            together.add(histogram)?;
        }
        Ok(together.kept(Some(subject.clone())))
    };
    subjects.into_iter().map(of).collect()
}

/// What they tell of all requests of users together; none without one.
///
/// # Errors
/// As [`by_subject`].
pub fn of_all_requests(histograms: &[StoredHistogram]) -> Result<Option<KeptTimes>, NotASpectrum> {
    let mut together = Together::default();
    let is_users = |subject: &Subject| subject.kind == Kind::Request && subject.traffic_class != PROBE_CLASS;
    for histogram in histograms.iter().filter(|one| is_users(&one.subject)) {
        together.add(histogram)?;
    }
    Ok((together.counts.total() > 0).then(|| together.kept(None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(kind: Kind, endpoint: &str) -> Subject {
        Subject { kind, traffic_class: String::new(), endpoint: endpoint.to_owned() }
    }

    fn sample(subject: usize, outcome: Outcome, ms: i64) -> TimedSample {
        let (phase, intended_us) = (Phase::Steady, 500);
        TimedSample { subject, outcome, phase, intended_us, sent_us: 700, done_us: 500 + ms * 1000 }
    }

    #[test]
    fn what_was_never_answered_takes_for_ever_and_a_wrong_answer_has_no_time() {
        let subjects = [subject(Kind::Request, "GET /b"), subject(Kind::Effect, "seen")];
        let mut histograms = Histograms::default();
        for ms in 1..=98 {
            histograms.add(&sample(0, Outcome::Ok, ms));
        }
        histograms.add(&sample(0, Outcome::Error, 30_000));
        histograms.add(&sample(0, Outcome::Dropped, 1));
        histograms.add(&sample(0, Outcome::Failed, 9_000));
        histograms.add(&sample(1, Outcome::Ok, 5));
        histograms.add(&sample(1, Outcome::Failed, 10_000));
        let stored = histograms.stored(&subjects);
        let error = stored.iter().find(|one| one.outcome == Outcome::Error).unwrap();
        assert_eq!((error.samples, &error.response, &error.service), (1, &None, &None));
        let seen = |one: &&StoredHistogram| one.subject.kind == Kind::Effect;
        assert_eq!(stored.iter().filter(seen).filter(|one| one.response.is_some()).count(), 1);

        let [get, seen] = &by_subject(&stored).unwrap()[..] else { panic!("two subjects") };
        assert_eq!((get.counts.total(), get.counts.failed), (101, 1));
        let [p50, p95, p99, p999] = get.quantiles_us.unwrap();
        assert!(
            (p50 / 50_000.0 - 1.0).abs() <= 0.001 && (p95 / 95_000.0 - 1.0).abs() <= 0.001,
            "{p50} {p95}"
        );
        assert_eq!((p99, p999), (f64::INFINITY, f64::INFINITY));
        assert_eq!(seen.quantiles_us.unwrap()[1], f64::INFINITY);
        let all = of_all_requests(&stored).unwrap().unwrap();
        assert_eq!((all.counts, all.quantiles_us), (get.counts, get.quantiles_us));
    }

    #[test]
    fn polling_is_left_out_and_nothing_has_no_times() {
        let mut probe = subject(Kind::Request, "GET /poll");
        probe.traffic_class = PROBE_CLASS.to_owned();
        let mut histograms = Histograms::default();
        histograms.add(&sample(0, Outcome::Ok, 1));
        let stored = histograms.stored(&[probe]);
        assert_eq!(stored.len(), 1);
        assert_eq!(by_subject(&stored).unwrap(), []);
        assert_eq!(of_all_requests(&stored).unwrap(), None);
        let mut histograms = Histograms::default();
        histograms.add(&sample(0, Outcome::Error, 1));
        let stored = histograms.stored(&[subject(Kind::Request, "GET /")]);
        assert_eq!(of_all_requests(&stored).unwrap().unwrap().quantiles_us, None);
    }
}
