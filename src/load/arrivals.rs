//! Arrivals: at which times the journeys of an open load start. They follow from rate, kind and seed
//! alone: no clock, no worker.

use std::time::Duration;

use rand::SeedableRng;
use rand_distr::{Distribution, Gamma};
use rand_pcg::Pcg64Mcg;

use super::draw::exponential;
use super::part::Part;
use crate::scenario::load::Arrivals;
use crate::scenario::replay::Replay;
use crate::scenario::stages::Stages;

/// A start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// Its number among the starts of the whole load, from 0.
    pub(super) number: u64,
    /// When it is due, from the load's start on.
    pub(super) after: Duration,
}

/// The starts of one worker's part of a load, in the order of their times, until the load's end.
pub(super) struct Starts {
    process: Process,
    part: Part,
    /// The number of the next start.
    next: u64,
    run_time: Duration,
}

/// How times follow each other.
enum Process {
    /// Start `n` of the whole load is due after `n / rate_per_s`.
    Constant { rate_per_s: f64 },
    /// Gaps are drawn from the exponential distribution. Each part is a Poisson process of its own, at
    /// its share of the rate; together they are one at the whole rate.
    Poisson { part_rate_per_s: f64, rng: Pcg64Mcg, last_s: f64 },
    /// Start `n` of the whole load is due when the area under the rate has come to `n`.
    StagedConstant { stages: Stages },
    /// The same with draws from the exponential distribution in place of whole numbers: a Poisson process whose
    /// rate changes (its time is that of a process of rate 1).
    StagedPoisson { stages: Stages, parts: f64, rng: Pcg64Mcg, area: f64 },
    /// Gaps are drawn from a gamma distribution. A part of such starts is not of their kind, so each worker draws all and
    /// takes its own.
    Gamma { rate_per_s: f64, gaps: Gaps },
    /// The same in the time of a rate that changes.
    StagedGamma { stages: Stages, gaps: Gaps },
    /// As they were recorded.
    Replayed { replay: Replay },
    /// So many at a time, every so often.
    Bursts { size: u64, every: Duration },
}

/// Gaps of mean 1 between the starts of a whole load, whose squared coefficient of variation, and so the index of
/// dispersion of counts over long times, is that of a renewal process with gamma-distributed gaps (Cox and Lewis 1966,
/// chapter 4): 1 for a Poisson process.
struct Gaps {
    /// None for a dispersion that no gamma distribution has: all gaps are equal then.
    gamma: Option<Gamma<f64>>,
    rng: Pcg64Mcg,
    /// How many gaps were drawn.
    drawn: u64,
    sum: f64,
}

impl Gaps {
    fn new(dispersion: f64, seed: u64) -> Self {
        let gamma = Gamma::new(1.0 / dispersion, dispersion).ok();
        Self { gamma, rng: Pcg64Mcg::seed_from_u64(seed), drawn: 0, sum: 0.0 }
    }

    /// The sum of the gaps before a start; starts are asked for in order.
    fn until(&mut self, number: u64) -> f64 {
        while self.drawn <= number {
            self.sum += self.gamma.map_or(1.0, |gamma| gamma.sample(&mut self.rng));
            self.drawn += 1;
        }
        self.sum
    }
}

impl Starts {
    /// The starts of a `part` of a load at `rate_per_s` (of the whole load; positive).
    pub(super) fn new(kind: Arrivals, rate_per_s: f64, run_time: Duration, part: Part, seed: u64) -> Self {
        let process = match kind {
            Arrivals::Constant => Process::Constant { rate_per_s },
            Arrivals::Poisson => Process::Poisson {
                part_rate_per_s: rate_per_s / f64::from(part.of),
                rng: Pcg64Mcg::seed_from_u64(seed),
                last_s: 0.0,
            },
            Arrivals::Gamma { dispersion } => {
                Process::Gamma { rate_per_s, gaps: Gaps::new(dispersion, seed) }
            }
        };
        Self { process, part, next: part.index.into(), run_time }
    }

    /// The starts of a `part` of a load whose rate (of the whole load) changes.
    pub(super) fn staged(kind: Arrivals, stages: Stages, part: Part, seed: u64) -> Self {
        let run_time = stages.end();
        let process = match kind {
            Arrivals::Constant => Process::StagedConstant { stages },
            Arrivals::Poisson => Process::StagedPoisson {
                stages,
                parts: part.of.into(),
                rng: Pcg64Mcg::seed_from_u64(seed),
                area: 0.0,
            },
            Arrivals::Gamma { dispersion } => {
                Process::StagedGamma { stages, gaps: Gaps::new(dispersion, seed) }
            }
        };
        Self { process, part, next: part.index.into(), run_time }
    }

    /// The starts of a `part` of a load that was recorded.
    pub(super) fn replayed(replay: Replay, part: Part) -> Self {
        let run_time = replay.run_time();
        Self { process: Process::Replayed { replay }, part, next: part.index.into(), run_time }
    }

    /// The starts of a `part` of a load of so many bursts.
    pub(super) fn bursts(size: u32, every: Duration, times: u32, part: Part) -> Self {
        let process = Process::Bursts { size: u64::from(size.max(1)), every };
        Self { process, part, next: part.index.into(), run_time: every.saturating_mul(times) }
    }
}

impl Iterator for Starts {
    type Item = Start;

    fn next(&mut self) -> Option<Start> {
        let number = self.next;
        // A time that is too long to be told lies past the end, too.
        let of_seconds = |seconds| Duration::try_from_secs_f64(seconds).ok();
        let after = match &mut self.process {
            Process::Constant { rate_per_s } => of_seconds(number as f64 / *rate_per_s),
            Process::Poisson { part_rate_per_s, rng, last_s } => {
                *last_s += exponential(rng) / *part_rate_per_s;
                of_seconds(*last_s)
            }
            Process::StagedConstant { stages } => stages.reaches(number as f64),
            Process::StagedPoisson { stages, parts, rng, area } => {
                *area += exponential(rng) * *parts;
                stages.reaches(*area)
            }
            Process::Gamma { rate_per_s, gaps } => of_seconds(gaps.until(number) / *rate_per_s),
            Process::StagedGamma { stages, gaps } => stages.reaches(gaps.until(number)),
            Process::Replayed { replay } => replay.due(number),
            Process::Bursts { size, every } => every.checked_mul(u32::try_from(number / *size).ok()?),
        }?;
        self.next += u64::from(self.part.of);
        (after < self.run_time).then_some(Start { number, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Part = Part { index: 0, of: 1 };

    fn starts(kind: Arrivals, rate_per_s: f64, run_s: u64, part: Part, seed: u64) -> Vec<Start> {
        Starts::new(kind, rate_per_s, Duration::from_secs(run_s), part, seed).collect()
    }

    fn gaps_s(starts: &[Start]) -> Vec<f64> {
        starts.windows(2).map(|pair| pair[1].after.as_secs_f64() - pair[0].after.as_secs_f64()).collect()
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced_from_the_start_on() {
        let starts = starts(Arrivals::Constant, 4.0, 1, WHOLE, 1);
        let after_ms: Vec<u128> = starts.iter().map(|s| s.after.as_millis()).collect();
        assert_eq!(after_ms, [0, 250, 500, 750], "the one at the run time itself is past the end");
        assert_eq!(starts.iter().map(|s| s.number).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }

    #[test]
    fn constant_arrivals_are_the_same_however_many_workers_share_them() {
        let whole = starts(Arrivals::Constant, 30.0, 10, WHOLE, 1);
        let mut parts: Vec<Start> = (0..4)
            .flat_map(|index| starts(Arrivals::Constant, 30.0, 10, Part { index, of: 4 }, index.into()))
            .collect();
        parts.sort_by_key(|start| start.number);
        assert_eq!(parts, whole);
        assert_eq!(whole.len(), 300);
    }

    #[test]
    fn poisson_arrivals_have_exponential_gaps_of_the_mean_that_the_rate_says() {
        let starts = starts(Arrivals::Poisson, 50.0, 1_000, WHOLE, 7);
        let gaps = gaps_s(&starts);
        let n = gaps.len() as f64;
        // 50 000 of them: the standard error of the mean is 0.45 %.
        let mean = gaps.iter().sum::<f64>() / n;
        assert!((mean * 50.0 - 1.0).abs() < 0.02, "mean gap {mean} s");
        // Exponential: the standard deviation is the mean, and a share exp(-x) exceeds x means.
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n;
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.03, "standard deviation {} s", variance.sqrt());
        for x in [0.1, 0.5, 1.0, 2.0, 4.0] {
            let beyond = gaps.iter().filter(|gap| **gap > x * mean).count() as f64 / n;
            assert!((beyond - (-x).exp()).abs() < 0.01, "{beyond} of the gaps exceed {x} means");
        }
    }

    #[test]
    fn gamma_arrivals_have_the_dispersion_that_is_stated() {
        for (dispersion, of_gaps) in [(0.25, 0.5), (1.0, 1.0), (4.0, 2.0)] {
            let starts = starts(Arrivals::Gamma { dispersion }, 50.0, 2_000, WHOLE, 7);
            let gaps = gaps_s(&starts);
            let n = gaps.len() as f64;
            let mean = gaps.iter().sum::<f64>() / n;
            assert!((mean * 50.0 - 1.0).abs() < 0.03, "mean gap {mean} s at {dispersion}");
            let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n).sqrt();
            assert!((deviation / mean / of_gaps - 1.0).abs() < 0.05, "{deviation} s at {dispersion}");
            // Counts in stretches much longer than a gap: their variance is the dispersion times their mean.
            let mut counts = [0.0; 1_000];
            for start in &starts {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place")]
                let place = (start.after.as_secs_f64() / 2.0) as usize;
                counts[place] += 1.0;
            }
            let mean = counts.iter().sum::<f64>() / 1_000.0;
            let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / 999.0;
            // The standard error of a variance of 1 000 values is 4.5 %.
            assert!(
                (variance / mean / dispersion - 1.0).abs() < 0.2,
                "{variance} around {mean} at {dispersion}"
            );
        }
    }

    #[test]
    fn workers_share_one_gamma_process() {
        let kind = Arrivals::Gamma { dispersion: 9.0 };
        let whole = starts(kind, 30.0, 10, WHOLE, 3);
        let parts = (0..4).flat_map(|index| starts(kind, 30.0, 10, Part { index, of: 4 }, 3));
        let mut parts: Vec<Start> = parts.collect();
        parts.sort_by_key(|start| start.number);
        assert_eq!(parts, whole);
        let hilly = Starts::staged(kind, hill(), WHOLE, 3).count();
        assert!((800..1_200).contains(&hilly), "1 000 are expected: {hilly}");
    }

    #[test]
    fn recorded_starts_come_as_they_came_whoever_makes_them() {
        let replay = Replay::of_times("log.csv", &[0, 0, 300, 1_000], 2.0);
        let of = |index| Starts::replayed(replay.clone(), Part { index, of: 2 });
        let mut starts: Vec<Start> = of(0).chain(of(1)).collect();
        starts.sort_by_key(|start| start.number);
        let after_ms: Vec<u128> = starts.iter().map(|start| start.after.as_millis()).collect();
        assert_eq!(after_ms, [0, 0, 150, 500]);
    }

    /// Up to 100 per second in 10 s, and down again.
    fn hill() -> Stages {
        let mut stages = Stages::default();
        stages.change("", 100.0, Duration::from_secs(10));
        stages.change("", 0.0, Duration::from_secs(10));
        stages
    }

    #[test]
    fn a_rate_that_changes_starts_as_many_as_the_area_under_it_says() {
        let parts =
            (0..3).flat_map(|index| Starts::staged(Arrivals::Constant, hill(), Part { index, of: 3 }, 1));
        let mut starts: Vec<Start> = parts.collect();
        starts.sort_by_key(|start| start.number);
        assert_eq!(starts.len(), 1_000);
        assert!(starts.is_sorted_by_key(|start| start.after));
        let until = |s| starts.iter().filter(|start| start.after < Duration::from_secs(s)).count();
        assert_eq!([until(2), until(10), until(15)], [20, 500, 875]);
    }

    #[test]
    fn a_poisson_process_follows_a_rate_that_changes() {
        let mut up = [0_usize; 2];
        for seed in 0..20 {
            for start in Starts::staged(Arrivals::Poisson, hill(), WHOLE, seed) {
                up[usize::from(start.after >= Duration::from_secs(10))] += 1;
            }
        }
        // 10 000 expected in each half, with a standard deviation of 100.
        assert!(up.iter().all(|n| (9_500..10_500).contains(n)), "{up:?}");
        let starts = Starts::staged(Arrivals::Poisson, hill(), WHOLE, 7);
        let first = starts.take_while(|start| start.after < Duration::from_secs(1)).count();
        assert!(first < 20, "5 are expected in the first second: {first}");
    }

    #[test]
    fn bursts_start_at_once_whoever_starts_them() {
        let of = |index| Starts::bursts(5, Duration::from_secs(2), 3, Part { index, of: 2 });
        let mut after: Vec<u64> = of(0).chain(of(1)).map(|start| start.after.as_secs()).collect();
        after.sort_unstable();
        assert_eq!(after, [0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4]);
    }

    #[test]
    fn poisson_arrivals_follow_from_their_seed() {
        let of_seed = |seed| starts(Arrivals::Poisson, 50.0, 10, WHOLE, seed);
        assert_eq!(of_seed(7), of_seed(7));
        assert_ne!(of_seed(7), of_seed(8));
    }

    #[test]
    fn the_parts_of_a_poisson_process_have_their_share_of_the_rate_and_their_own_numbers() {
        let part = Part { index: 2, of: 5 };
        let starts = starts(Arrivals::Poisson, 100.0, 500, part, 3);
        // 10 000 expected, with a standard deviation of 100.
        assert!((9_500..10_500).contains(&starts.len()), "{}", starts.len());
        assert!(starts.iter().all(|start| start.number % 5 == 2));
    }

    #[test]
    fn arrivals_are_in_order_and_end_with_the_run_time() {
        for kind in [Arrivals::Constant, Arrivals::Poisson] {
            let mut arrivals = Starts::new(kind, 20.0, Duration::from_secs(30), WHOLE, 5);
            let starts: Vec<Start> = arrivals.by_ref().collect();
            assert!(starts.is_sorted_by_key(|start| start.after));
            let last = starts.last().unwrap().after;
            assert!((Duration::from_secs(28)..Duration::from_secs(30)).contains(&last), "{last:?}");
            assert_eq!(arrivals.next(), None, "nothing comes after the end");
        }
    }

    #[test]
    fn a_rate_so_low_that_the_second_start_is_beyond_all_time_has_one_start() {
        assert_eq!(starts(Arrivals::Constant, 1e-300, 60, WHOLE, 1).len(), 1);
        assert_eq!(starts(Arrivals::Poisson, 1e-300, 60, WHOLE, 1).len(), 0);
    }
}
