//! Rounds that differ from each other in kind, not only by chance.

use serde::Serialize;

use super::arm::Curve;
use crate::run::{MeasuredRun, RunId};
use crate::sample::{Kind, PROBE_CLASS};
use crate::stats::groups::groups;

use std::sync::Arc;

/// The percentiles whose values over the rounds are looked at.
const LOOKED_AT: [f64; 2] = [0.5, 0.95];
/// Rounds below which an outage in one of them is not told from what happens all the time.
const LEAST_ROUNDS: usize = 3;
/// From this share of a run's requests on, what did not end well is an outage.
const OUTAGE: f64 = 0.01;
/// The other rounds have at most so much of it.
const ELSEWHERE: f64 = 0.1;
/// At most one round in so many has it: more often it is not rare.
const ONE_IN: usize = 4;

/// Rounds of an arm that fall into two groups, with nothing between them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoundGroups {
    /// Of which times: the name of a curve.
    pub name: String,
    /// The percentile, in (0, 1).
    pub p: f64,
    /// How many rounds are in the faster group.
    pub fast: usize,
    /// Its percentile, µs, as the geometric mean.
    pub fast_us: f64,
    /// How many rounds are in the slower group.
    pub slow: usize,
    /// Its percentile, µs.
    pub slow_us: f64,
}

/// An outage that only few rounds of an arm hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RareOutage {
    /// Rounds that hold it.
    pub with: usize,
    /// All rounds.
    pub rounds: usize,
    /// The run that holds most of it.
    pub run: RunId,
    /// Requests of that run that failed, were not answered or were dropped.
    pub failed: u64,
    /// All requests of that run.
    pub requests: u64,
    /// From the first of them being due to the last, s.
    pub within_s: f64,
    /// The share that did not end well in the other rounds together.
    pub elsewhere: f64,
    /// Load of all rounds together, s.
    pub measured_s: f64,
}

/// The curves of traffic classes and effects whose rounds fall into two groups, each once.
pub(super) fn round_groups(curves: &[Curve]) -> Vec<RoundGroups> {
    let of_curve = |curve: &Curve| {
        let anchors = curve.anchors.iter().filter(|(p, _)| LOOKED_AT.contains(p));
        let (p, found) = anchors.filter_map(|(p, values)| Some((*p, groups(values)?))).next()?;
        Some(RoundGroups {
            name: curve.name.clone(),
            p,
            fast: found.low.0,
            fast_us: found.low.1,
            slow: found.high.0,
            slow_us: found.high.1,
        })
    };
    curves.iter().filter(|curve| curve.is_class || curve.is_effect).filter_map(of_curve).collect()
}

/// How a run's requests ended.
struct Ended {
    run: RunId,
    failed: u64,
    requests: u64,
    first_us: i64,
    last_us: i64,
}

impl Ended {
    fn of(run: &MeasuredRun) -> Self {
        let samples = &run.samples;
        let mut ended = Self { run: run.facts.id, failed: 0, requests: 0, first_us: i64::MAX, last_us: i64::MIN };
        for (place, subject) in samples.subject.iter().enumerate() {
            let subject = &samples.subjects[*subject as usize];
            if subject.kind != Kind::Request || subject.traffic_class == PROBE_CLASS {
                continue;
            }
            ended.requests += 1;
            if !samples.outcome[place].is_answered() {
                ended.failed += 1;
                ended.first_us = ended.first_us.min(samples.intended_us[place]);
                ended.last_us = ended.last_us.max(samples.intended_us[place]);
            }
        }
        ended
    }

    fn share(&self) -> f64 {
        self.failed as f64 / self.requests.max(1) as f64
    }
}

/// The outage that only few of an arm's rounds hold, if there is one.
pub(super) fn rare_outage(runs: &[Arc<MeasuredRun>]) -> Option<RareOutage> {
    if runs.len() < LEAST_ROUNDS {
        return None;
    }
    let ended: Vec<Ended> = runs.iter().map(|run| Ended::of(run)).collect();
    let (with, without): (Vec<&Ended>, Vec<&Ended>) = ended.iter().partition(|run| run.share() >= OUTAGE);
    let worst = with.iter().max_by_key(|run| run.failed)?;
    let least = with.iter().map(|run| run.share()).fold(f64::INFINITY, f64::min);
    let sum = |of: fn(&Ended) -> u64| without.iter().map(|run| of(run)).sum::<u64>() as f64;
    let elsewhere = sum(|run| run.failed) / sum(|run| run.requests).max(1.0);
    let is_rare = with.len() <= (runs.len() / ONE_IN).max(1) && elsewhere <= ELSEWHERE * least;
    is_rare.then(|| RareOutage {
        with: with.len(),
        rounds: runs.len(),
        run: worst.run,
        failed: worst.failed,
        requests: worst.requests,
        within_s: (worst.last_us - worst.first_us) as f64 / 1e6,
        elsewhere,
        measured_s: runs.iter().map(|run| run.facts.load_s()).sum(),
    })
}
