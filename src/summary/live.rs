//! What a run's samples came to so far, by endpoint: counts, times to two digits, and why samples
//! did not end well. It is fed with batches on their way into the store, and costs a request one
//! entry in a histogram; nothing is allocated for a request.

use std::collections::HashMap;
use std::sync::Arc;

use crate::sample::{Batch, EndpointId, Kind, Outcome, ReasonId, Sample, Subject};
use crate::stats::histogram::Times;

/// Reasons that are told apart, by endpoint and outcome; of further ones nothing is told.
const MOST_FAILURES: usize = 200;

/// Samples by outcome, in the order of [`Outcome::ALL`].
pub type Outcomes = [u64; Outcome::ALL.len()];

/// A run so far.
#[derive(Debug, Default)]
pub struct Live {
    endpoints: Vec<SoFar>,
    failures: Failures,
}

/// An endpoint so far.
#[derive(Debug)]
struct SoFar {
    kind: Kind,
    /// Whether it is asked by users, not by loadproof itself.
    counts: bool,
    outcomes: Outcomes,
    times: Times,
    /// Samples that were never answered: they have no end.
    endless: u64,
}

/// What a reader has seen already.
#[derive(Debug, Default)]
pub struct Seen {
    times: Times,
    endless: u64,
    answered: Vec<u64>,
}

/// A look at a run while it goes on: requests of users; effects and loadproof's own questions are
/// left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunSoFar {
    /// Requests by outcome so far.
    pub outcomes: Outcomes,
    /// Requests answered since the last look.
    pub answered: u64,
    /// p50, p95 and p99 of the response times since the last look, µs; infinite where they lie among requests that were never
    /// answered, none without any.
    pub quantiles_us: Option<[f64; 3]>,
}

/// A look at one endpoint, or at one effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndpointSoFar {
    /// Which one.
    pub endpoint: EndpointId,
    /// Its samples by outcome so far.
    pub outcomes: Outcomes,
    /// Answered since the last look.
    pub answered: u64,
    /// p50, p95 and the longest of all its times so far, µs; infinite as those of the run, none without any.
    pub times_us: Option<[f64; 3]>,
}

/// Samples that did not end well for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureSoFar {
    /// What was called.
    pub endpoint: EndpointId,
    /// How they ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: Arc<str>,
    /// How many.
    pub count: u64,
    /// When the first was known, µs since the run's start.
    pub first_us: i64,
    /// When the last was known.
    pub last_us: i64,
}

impl Live {
    /// Nothing yet of these endpoints.
    pub fn new(endpoints: &[Subject]) -> Self {
        let so_far = |endpoint: &Subject| SoFar {
            kind: endpoint.kind,
            counts: !endpoint.is_probe(),
            outcomes: Outcomes::default(),
            times: Times::default(),
            endless: 0,
        };
        Self { endpoints: endpoints.iter().map(so_far).collect(), failures: Failures::default() }
    }

    /// Takes a batch in.
    pub fn add(&mut self, batch: &Batch) {
        self.failures.learn(batch);
        for sample in &batch.samples {
            let endpoint = &mut self.endpoints[usize::from(sample.endpoint.0)];
            if !endpoint.counts {
                continue;
            }
            endpoint.outcomes[sample.outcome as usize] += 1;
            if sample.outcome.is_answered() {
                endpoint.times.record(u64::try_from(sample.done_us - sample.intended_us).unwrap_or(0));
            } else {
                endpoint.endless += u64::from(sample.outcome.is_unanswered(endpoint.kind));
                self.failures.count(batch.worker, sample);
            }
        }
    }

    fn requests(&self) -> impl Iterator<Item = &SoFar> {
        self.endpoints.iter().filter(|e| e.counts && e.kind == Kind::Request)
    }

    /// Requests by outcome so far.
    pub fn outcomes(&self) -> Outcomes {
        let mut all = Outcomes::default();
        for endpoint in self.requests() {
            for (sum, count) in all.iter_mut().zip(endpoint.outcomes) {
                *sum += count;
            }
        }
        all
    }

    /// A quantile of the response times of all requests so far, µs; infinite where it lies among those that were never answered,
    /// none without any.
    pub fn quantile_us(&self, p: f64) -> Option<f64> {
        self.times().quantile_with_endless_us(p, self.endless())
    }

    fn endless(&self) -> u64 {
        self.requests().map(|endpoint| endpoint.endless).sum()
    }

    /// The response times of all requests so far that were answered.
    fn times(&self) -> Times {
        let mut all = Times::default();
        for endpoint in self.requests() {
            all.add(&endpoint.times);
        }
        all
    }

    /// A look at the whole and at each endpoint; what the reader is told of counts from its last look.
    pub fn look(&self, seen: &mut Seen) -> (RunSoFar, Vec<EndpointSoFar>) {
        seen.answered.resize(self.endpoints.len(), 0);
        let mut answered_in_all = 0;
        let mut endpoints_so_far = Vec::new();
        for (number, (endpoint, seen)) in (0..).zip(self.endpoints.iter().zip(&mut seen.answered)) {
            let so_far = answered(&endpoint.outcomes);
            let since = so_far - std::mem::replace(seen, so_far);
            if !endpoint.counts {
                continue;
            }
            if endpoint.kind == Kind::Request {
                answered_in_all += since;
            }
            endpoints_so_far.push(EndpointSoFar {
                endpoint: EndpointId(number),
                outcomes: endpoint.outcomes,
                answered: since,
                times_us: metrics(endpoint),
            });
        }
        let times = self.times();
        let recent = times.since(&std::mem::replace(&mut seen.times, times.clone()));
        let endless = self.endless();
        let endless = endless - std::mem::replace(&mut seen.endless, endless);
        let quantile = |p| recent.quantile_with_endless_us(p, endless);
        let quantiles_us = quantile(0.5).zip(quantile(0.95)).zip(quantile(0.99));
        let so_far = RunSoFar {
            outcomes: self.outcomes(),
            answered: answered_in_all,
            quantiles_us: quantiles_us.map(|((p50, p95), p99)| [p50, p95, p99]),
        };
        (so_far, endpoints_so_far)
    }

    /// Why samples did not end well so far, in the order in which it was first seen.
    pub fn failures(&self) -> &[FailureSoFar] {
        &self.failures.rows
    }
}

fn answered(outcomes: &Outcomes) -> u64 {
    outcomes[Outcome::Ok as usize] + outcomes[Outcome::Rejected as usize]
}

fn metrics(endpoint: &SoFar) -> Option<[f64; 3]> {
    let quantile = |p| endpoint.times.quantile_with_endless_us(p, endpoint.endless);
    let longest = if endpoint.endless > 0 { Some(f64::INFINITY) } else { endpoint.times.max_us() };
    Some([quantile(0.5)?, quantile(0.95)?, longest?])
}

/// Samples that did not end well.
#[derive(Debug, Default)]
struct Failures {
    rows: Vec<FailureSoFar>,
    places: HashMap<(u16, EndpointId, Outcome, ReasonId), Option<usize>>,
    /// Each worker counts its own reasons.
    reasons: HashMap<u16, Vec<Arc<str>>>,
}

impl Failures {
    fn learn(&mut self, batch: &Batch) {
        if !batch.new_reasons.is_empty() {
            let known = self.reasons.entry(batch.worker).or_default();
            known.extend(batch.new_reasons.iter().map(|text| Arc::from(text.as_str())));
        }
    }

    fn count(&mut self, worker: u16, sample: &Sample) {
        let key = (worker, sample.endpoint, sample.outcome, sample.reason);
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let place = self.place(worker, sample);
                self.places.insert(key, place);
                place
            }
        };
        if let Some(place) = place {
            let row = &mut self.rows[place];
            row.count += 1;
            row.first_us = row.first_us.min(sample.done_us);
            row.last_us = row.last_us.max(sample.done_us);
        }
    }

    /// The row of a sample like no other of its worker; none if there is no room for one more.
    fn place(&mut self, worker: u16, sample: &Sample) -> Option<usize> {
        let reason = usize::from(sample.reason.0)
            .checked_sub(1)
            .and_then(|place| self.reasons.get(&worker)?.get(place).cloned())
            .unwrap_or_else(|| Arc::from(""));
        let is_same = |row: &FailureSoFar| {
            (row.endpoint, row.outcome, &row.reason) == (sample.endpoint, sample.outcome, &reason)
        };
        if let Some(place) = self.rows.iter().position(is_same) {
            return Some(place);
        }
        if self.rows.len() == MOST_FAILURES {
            return None;
        }
        self.rows.push(FailureSoFar {
            endpoint: sample.endpoint,
            outcome: sample.outcome,
            reason,
            count: 0,
            first_us: sample.done_us,
            last_us: sample.done_us,
        });
        Some(self.rows.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::PROBE_CLASS;
    use crate::sample::tests::PLAIN;

    fn endpoints() -> Vec<Subject> {
        let endpoint = |name: &str, class: &str, kind| Subject {
            endpoint: name.to_owned(),
            traffic_class: class.to_owned(),
            kind,
        };
        vec![
            endpoint("GET /", "", Kind::Request),
            endpoint("GET /poll", PROBE_CLASS, Kind::Request),
            endpoint("visible", "", Kind::Effect),
        ]
    }

    fn sample(endpoint: u16, outcome: Outcome, reason: u16, at_us: i64, took_us: i64) -> Sample {
        Sample {
            endpoint: EndpointId(endpoint),
            outcome,
            status: 0,
            reason: ReasonId(reason),
            intended_us: at_us,
            sent_us: at_us,
            first_byte_us: at_us + took_us,
            done_us: at_us + took_us,
            ..PLAIN
        }
    }

    fn batch(worker: u16, new_reasons: &[&str], samples: Vec<Sample>) -> Batch {
        let new_reasons = new_reasons.iter().map(|&text| text.to_owned()).collect();
        Batch { worker, samples, new_reasons, ..Batch::default() }
    }

    #[test]
    fn readers_are_told_what_is_new_to_each_of_them() {
        let mut live = Live::new(&endpoints());
        let (mut often, mut seldom) = (Seen::default(), Seen::default());
        live.add(&batch(
            0,
            &[],
            vec![sample(0, Outcome::Ok, 0, 0, 1_000), sample(1, Outcome::Ok, 0, 0, 9_000)],
        ));
        assert_eq!(live.look(&mut often).0.answered, 1);
        live.add(&batch(
            0,
            &[],
            vec![sample(0, Outcome::Rejected, 0, 5, 4_000), sample(2, Outcome::Ok, 0, 0, 50_000)],
        ));
        let (so_far, endpoints) = live.look(&mut often);
        assert_eq!((so_far.outcomes, so_far.answered), ([1, 1, 0, 0, 0], 1));
        let [p50, ..] = so_far.quantiles_us.unwrap();
        assert!((p50 / 4_000.0 - 1.0).abs() < 0.01, "{p50}");
        // The probe is left out, the effect is not.
        let told: Vec<(u16, u64)> = endpoints.iter().map(|e| (e.endpoint.0, e.answered)).collect();
        assert_eq!(told, [(0, 1), (2, 1)]);
        assert_eq!(live.look(&mut seldom).0.answered, 2);
        assert_eq!(live.look(&mut often).0, RunSoFar { answered: 0, quantiles_us: None, ..so_far });
    }

    #[test]
    fn what_was_never_answered_is_not_left_out_of_the_quantiles() {
        let mut live = Live::new(&endpoints());
        let mut seen = Seen::default();
        let mut samples: Vec<Sample> = (0..60).map(|at| sample(0, Outcome::Ok, 0, at, 1_000)).collect();
        samples.extend((0..40).map(|at| sample(0, Outcome::Error, 0, at, 30_000_000)));
        // An effect that was given up was never seen; a wrong answer has no time.
        samples.extend([
            sample(2, Outcome::Failed, 0, 0, 9),
            sample(2, Outcome::Ok, 0, 0, 9),
            sample(0, Outcome::Failed, 0, 0, 9),
        ]);
        live.add(&batch(0, &[], samples));
        let (run, endpoints) = live.look(&mut seen);
        let [p50, p95, p99] = run.quantiles_us.unwrap();
        assert!((p50 / 1_000.0 - 1.0).abs() < 0.01, "{p50}");
        assert_eq!([p95, p99], [f64::INFINITY; 2]);
        assert_eq!(live.quantile_us(0.95), Some(f64::INFINITY));
        let effect = endpoints.iter().find(|e| e.endpoint.0 == 2).unwrap();
        assert_eq!(effect.times_us.unwrap()[1..], [f64::INFINITY; 2]);
        // What was unanswered before the last look is not so again.
        live.add(&batch(0, &[], vec![sample(0, Outcome::Ok, 0, 0, 1_000)]));
        assert!(live.look(&mut seen).0.quantiles_us.unwrap()[2].is_finite());
    }

    #[test]
    fn the_same_reason_of_two_workers_is_one_row() {
        let mut live = Live::new(&endpoints());
        live.add(&batch(0, &["a", "b"], vec![sample(0, Outcome::Failed, 2, 10, 5)]));
        live.add(&batch(
            1,
            &["b"],
            vec![sample(0, Outcome::Failed, 1, 0, 5), sample(0, Outcome::Error, 1, 7, 0)],
        ));
        let rows: Vec<_> =
            live.failures().iter().map(|f| (&*f.reason, f.outcome, f.count, f.first_us, f.last_us)).collect();
        assert_eq!(rows, [("b", Outcome::Failed, 2, 5, 15), ("b", Outcome::Error, 1, 7, 7)]);
    }

    #[test]
    fn reasons_beyond_measure_are_only_counted() {
        let mut live = Live::new(&endpoints());
        let reasons: Vec<String> = (0..MOST_FAILURES + 3).map(|n| format!("reason {n}")).collect();
        let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
        let samples =
            (1..=MOST_FAILURES + 3).map(|n| sample(0, Outcome::Failed, u16::try_from(n).unwrap(), 0, 0));
        let samples = samples.collect();
        live.add(&batch(0, &reasons, samples));
        assert_eq!(live.failures().len(), MOST_FAILURES);
    }
}
