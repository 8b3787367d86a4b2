//! How often a request of the treatment is faster than one of the baseline.

use std::collections::BTreeMap;

use serde::Serialize;

use super::curves::times;
use crate::run::MeasuredRun;
use crate::sample::{Kind, Outcome, PROBE_CLASS, Subject};
use crate::stats::interval::Interval;
use crate::stats::mann_whitney::MannWhitney;
use crate::stats::mean::Moments;
use crate::stats::sizes::Sizes;

/// Two-sided alpha of its interval; it informs and decides nothing.
const ALPHA: f64 = 0.05;
/// Share of an arm's requests that may be answered wrongly, and by which the arms' refusals may differ: beyond it a request
/// is faster because less was done for it.
const TOLERATED: f64 = 0.01;

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

/// Over rounds, the baseline's run first; none where a run has no request with a time, nor where the arms' requests fared
/// differently: a wrong answer, a refusal or an empty body is fast, and being faster by it is no merit.
///
/// Source: Vargha and Delaney 2000, Journal of Educational and Behavioral Statistics 25(2).
pub(super) fn superiority(rounds: &[[&MeasuredRun; 2]]) -> Option<Superiority> {
    let [before, after] = [0, 1].map(|arm| Fared::of(rounds.iter().map(|round| round[arm])));
    if !before.is_like(&after) {
        return None;
    }
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

fn is_users(subject: &Subject) -> bool {
    subject.kind == Kind::Request && subject.traffic_class != PROBE_CLASS
}

/// How the requests of an arm fared.
#[derive(Default)]
struct Fared<'a> {
    n: u64,
    wrong: u64,
    rejected: u64,
    /// Sizes of the `ok` answers, where they are known.
    sizes: BTreeMap<&'a Subject, Sizes>,
}

impl<'a> Fared<'a> {
    fn of(runs: impl Iterator<Item = &'a MeasuredRun>) -> Self {
        let mut fared = Self::default();
        for samples in runs.map(|run| &run.samples) {
            for i in 0..samples.subject.len() {
                let subject = &samples.subjects[samples.subject[i] as usize];
                if !is_users(subject) {
                    continue;
                }
                let outcome = samples.outcome[i];
                fared.n += 1;
                fared.wrong += u64::from(outcome == Outcome::Failed);
                fared.rejected += u64::from(outcome == Outcome::Rejected);
                if let Some(bytes) = samples.bytes_in.get(i).filter(|_| outcome == Outcome::Ok) {
                    fared.sizes.entry(subject).or_default().add(*bytes);
                }
            }
        }
        fared
    }

    fn share(&self, of: u64) -> f64 {
        of as f64 / self.n.max(1) as f64
    }

    /// Whether the requests of two arms fared alike: then the faster ones are the better ones.
    fn is_like(&self, after: &Self) -> bool {
        let are_right = [self, after].iter().all(|arm| arm.share(arm.wrong) <= TOLERATED);
        let refusals_differ = (self.share(self.rejected) - after.share(after.rejected)).abs() > TOLERATED;
        let are_other_answers = self.sizes.iter().any(|(subject, before)| {
            let share = |sizes: &Sizes, usual| sizes.shrunk(usual) as f64 / sizes.n().max(1) as f64;
            let both = before.median().zip(after.sizes.get(subject));
            both.is_some_and(|(usual, after)| share(after, usual) > share(before, usual) + 0.5)
        });
        are_right && !refusals_differ && !are_other_answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::RunFacts;
    use crate::sample::{Phase, SampleColumns};

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

    #[test]
    fn requests_that_fared_otherwise_are_not_called_faster() {
        let of = |outcome: Outcome, bytes: u32| {
            let mut run = run(&[Some(5); 10]);
            run.samples.bytes_in = vec![2000; 10];
            for i in 0..6 {
                (run.samples.outcome[i], run.samples.bytes_in[i]) = (outcome, bytes);
            }
            run
        };
        let (before, alike) = (run(&[Some(10); 10]), of(Outcome::Ok, 2000));
        assert_eq!(superiority(&[[&before, &alike]]).unwrap().share, 1.0);
        let whole = of(Outcome::Ok, 1900);
        for other in [of(Outcome::Rejected, 2000), of(Outcome::Failed, 2000), of(Outcome::Ok, 0)] {
            assert_eq!(superiority(&[[&whole, &other]]), None);
        }
        let refused = of(Outcome::Rejected, 2000);
        assert!(superiority(&[[&refused, &refused]]).is_some(), "refusals of both arms");
    }
}
