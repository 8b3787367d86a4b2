//! How often a request of the treatment is faster than one of the baseline.

use serde::Serialize;

use super::curves::times;
use crate::run::MeasuredRun;
use crate::sample::{Kind, PROBE_CLASS, Subject};
use crate::stats::interval::Interval;
use crate::stats::mann_whitney::MannWhitney;
use crate::stats::mean::Moments;

/// Two-sided alpha of its interval; it informs and decides nothing.
const ALPHA: f64 = 0.05;

/// The probability of superiority of the treatment's requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Superiority {
    /// The share of pairs of requests, one of each arm in the same round, of which the treatment's is the faster one: the mean
    /// over the rounds, in [0, 1]. Ties count half; a request that was never answered is slower than all that were.
    pub share: f64,
    /// Where the true share lies, at 95 %, by a t interval over the rounds; none below two rounds.
    pub interval: Option<Interval>,
    /// Rounds behind it.
    pub rounds: usize,
}

/// Over rounds, the baseline's run first; none where a run has no request with a time.
///
/// Source: Vargha and Delaney 2000, Journal of Educational and Behavioral Statistics 25(2).
pub(super) fn superiority(rounds: &[[&MeasuredRun; 2]]) -> Option<Superiority> {
    let is_users = |subject: &Subject| subject.kind == Kind::Request && subject.traffic_class != PROBE_CLASS;
    let of_round = |arms: &[&MeasuredRun; 2]| {
        let [baseline, treatment] = arms
            .map(|run| times(&run.samples, &is_users).into_iter().map(|(_, us)| us).collect::<Vec<f64>>());
        let pairs = MannWhitney::of(&baseline, &treatment)?;
        Some(pairs.u / (pairs.n as f64 * pairs.m as f64))
    };
    let shares: Vec<f64> = rounds.iter().map(of_round).collect::<Option<_>>()?;
    if shares.is_empty() {
        return None;
    }
    let within = |interval: Interval| Interval { low: interval.low.max(0.0), high: interval.high.min(1.0) };
    Some(Superiority {
        share: shares.iter().sum::<f64>() / shares.len() as f64,
        interval: Moments::of(&shares).map(|moments| within(moments.interval(ALPHA))),
        rounds: shares.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunFacts;
    use crate::sample::{Outcome, Phase, SampleColumns};

    /// A run of requests that took so many µs; none of one that was never answered.
    fn run(times_us: &[Option<i64>]) -> MeasuredRun {
        let n = times_us.len();
        let subject =
            Subject { kind: Kind::Request, traffic_class: String::new(), endpoint: "GET /".to_owned() };
        let outcome = |us: &Option<i64>| if us.is_some() { Outcome::Ok } else { Outcome::Error };
        let samples = SampleColumns {
            subjects: vec![subject],
            subject: vec![0; n],
            outcome: times_us.iter().map(outcome).collect(),
            phase: vec![Phase::Steady; n],
            status: vec![200; n],
            intended_us: vec![0; n],
            sent_us: vec![0; n],
            done_us: times_us.iter().map(|us| us.unwrap_or(1)).collect(),
            ..SampleColumns::default()
        };
        MeasuredRun {
            facts: RunFacts::default(),
            samples,
            signals: Vec::new(),
            reasons: Vec::new(),
            slowest: Vec::new(),
            checksum: String::new(),
            seal: crate::run::Seal::default(),
            soft_checks: Vec::new(),
        }
    }

    #[test]
    fn pairs_are_of_one_round_and_what_was_never_answered_loses_them() {
        let [b1, t1] = [run(&[Some(10), Some(20)]), run(&[Some(5), Some(15)])];
        // Faster in 3 of 4 pairs.
        assert_eq!(
            superiority(&[[&b1, &t1]]).unwrap(),
            Superiority { share: 0.75, interval: None, rounds: 1 }
        );
        // Two equal ones are half a pair; one that was never answered is slower than all, and like its kind.
        let [b2, t2] = [run(&[Some(10), None]), run(&[Some(10), None])];
        let found = superiority(&[[&b1, &t1], [&b2, &t2]]).unwrap();
        assert_eq!((found.share, found.rounds), (0.625, 2));
        let interval = found.interval.unwrap();
        assert!(interval.low >= 0.0 && interval.high <= 1.0 && interval.contains(found.share));
        assert_eq!(superiority(&[[&b1, &run(&[None])]]).unwrap().share, 0.0);
        assert_eq!(superiority(&[[&b1, &run(&[])]]), None);
        assert_eq!(superiority(&[]), None);
    }
}
