//! Arrivals: at which times the journeys of an open load start. They follow from rate, kind and seed
//! alone: no clock, no worker.

use std::time::Duration;

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::draw::exponential;
use super::part::Part;
use crate::scenario::load::Arrivals;

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
        };
        Self { process, part, next: part.index.into(), run_time }
    }
}

impl Iterator for Starts {
    type Item = Start;

    fn next(&mut self) -> Option<Start> {
        let number = self.next;
        let after_s = match &mut self.process {
            Process::Constant { rate_per_s } => number as f64 / *rate_per_s,
            Process::Poisson { part_rate_per_s, rng, last_s } => {
                *last_s += exponential(rng) / *part_rate_per_s;
                *last_s
            }
        };
        self.next += u64::from(self.part.of);
        // A time that is too long to be told lies past the end, too.
        let after = Duration::try_from_secs_f64(after_s).ok()?;
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
