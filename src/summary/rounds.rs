//! Rounds that differ from each other in kind, not only by chance.

use serde::Serialize;

use crate::run::{MeasuredRun, RunId};
use crate::sample::{Kind, PROBE_CLASS};
use crate::stats::groups::groups;

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

/// The groups that times fall into, if they do: by percentile the values of the rounds, µs. `name`: of which times.
pub(super) fn round_groups(name: &str, percentiles: &[(f64, Vec<f64>)]) -> Option<RoundGroups> {
    let mut looked_at = percentiles.iter().filter(|(p, _)| LOOKED_AT.contains(p));
    let (p, found) = looked_at.find_map(|(p, values)| Some((*p, groups(values)?)))?;
    Some(RoundGroups {
        name: name.to_owned(),
        p,
        fast: found.low.0,
        fast_us: found.low.1,
        slow: found.high.0,
        slow_us: found.high.1,
    })
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
        let mut ended =
            Self { run: run.facts.id, failed: 0, requests: 0, first_us: i64::MAX, last_us: i64::MIN };
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
pub(super) fn rare_outage(runs: &[&MeasuredRun]) -> Option<RareOutage> {
    let ended: Vec<Ended> = runs.iter().map(|run| Ended::of(run)).collect();
    rare(&ended, runs.iter().map(|run| run.facts.load_s()).sum())
}

/// `measured_s`: load of all rounds together.
fn rare(ended: &[Ended], measured_s: f64) -> Option<RareOutage> {
    if ended.len() < LEAST_ROUNDS {
        return None;
    }
    let (with, without): (Vec<&Ended>, Vec<&Ended>) = ended.iter().partition(|run| run.share() >= OUTAGE);
    let worst = with.iter().max_by_key(|run| run.failed)?;
    let least = with.iter().map(|run| run.share()).fold(f64::INFINITY, f64::min);
    let sum = |of: fn(&Ended) -> u64| without.iter().map(|run| of(run)).sum::<u64>() as f64;
    let elsewhere = sum(|run| run.failed) / sum(|run| run.requests).max(1.0);
    let is_rare = with.len() <= (ended.len() / ONE_IN).max(1) && elsewhere <= ELSEWHERE * least;
    is_rare.then(|| RareOutage {
        with: with.len(),
        rounds: ended.len(),
        run: worst.run,
        failed: worst.failed,
        requests: worst.requests,
        within_s: (worst.last_us - worst.first_us) as f64 / 1e6,
        elsewhere,
        measured_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds of 1000 requests, of which so many failed.
    fn found(failed: &[u64]) -> Option<RareOutage> {
        let ended = |(run, failed): (i64, &u64)| Ended {
            run: RunId(run),
            failed: *failed,
            requests: 1000,
            first_us: 2_000_000,
            last_us: 5_000_000,
        };
        rare(&(1..).zip(failed).map(ended).collect::<Vec<_>>(), 300.0)
    }

    #[test]
    fn an_outage_is_rare_if_few_rounds_hold_it_and_the_others_next_to_nothing() {
        let outage = found(&[0, 0, 80, 1, 0]).unwrap();
        assert_eq!((outage.run, outage.with, outage.rounds, outage.failed), (RunId(3), 1, 5, 80));
        assert_eq!((outage.within_s, outage.elsewhere, outage.measured_s), (3.0, 0.00025, 300.0));
        // All the time, in many rounds, a few failures, and rounds too few to tell.
        for failed in
            [&[80, 70, 90, 60, 80][..], &[80, 0, 70, 0, 0], &[9, 0, 0, 0, 0], &[80, 9, 9, 9, 9], &[80, 0]]
        {
            assert_eq!(found(failed), None, "{failed:?}");
        }
        assert_eq!(found(&[80, 0, 70, 0, 0, 0, 0, 0]).unwrap().with, 2);
    }
}
