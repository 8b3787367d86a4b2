//! Absolute claims about a quantile, such as "p95 is at most 300 ms", over the runs of an experiment.
//!
//! The t interval over the runs' quantiles does not know how few samples each of them rests on: with
//! ten samples a run, "p95 ≤ B" with the truth at B was supported in 6 to 59 % of experiments. So a second
//! interval has to agree with it: that of the share of samples beyond B.

use serde::Serialize;

use super::distribution::t_quantile;
use super::interval::Interval;
use super::mean::Moments;
use super::proportion::{Counters, wilson};
use super::quantile::type8;

/// What evidence says of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// It is on the claim's side.
    Supports,
    /// It is against the claim.
    Refutes,
    /// It leaves the claim open.
    Neither,
}

impl Says {
    /// What two pieces of evidence say together: what both say, or nothing.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Neither }
    }
}

/// A range of quantiles, in the samples' unit. An end that is none is open: nothing bounds it there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct OpenInterval {
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// The evidence on a quantile of a run's samples, over several runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuantileEvidence {
    /// The type 8 quantile of each run, in the samples' unit; infinite where a run's unanswered requests
    /// reach it.
    pub quantiles: Vec<f64>,
    /// The geometric mean of the quantiles; none if one is infinite.
    pub estimate: Option<f64>,
    /// The t interval of the mean logarithm over runs, mapped back: `exp(mean ± t_{N−1, 1−α/2}·s/√N)`. None if
    /// a quantile is infinite or not above 0.
    pub t_interval: Option<Interval>,
    /// The share of samples beyond a bound, inverted: the largest sample whose share beyond lies wholly
    /// above 1 − p, and the smallest whose share beyond lies wholly at or below 1 − p. All bounds in between
    /// are ones that the share does not decide.
    pub inverted: OpenInterval,
    /// What is shown: the hull of both, open where one of them is.
    pub interval: OpenInterval,
}

/// Evidence on one bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BoundEvidence {
    /// Samples beyond the bound in each run, unanswered ones among them.
    pub beyond: Vec<u64>,
    /// Their share with its run-level design effect.
    pub share: Counters,
    /// Where the true share lies, at level 1 − α: Wilson with that design effect and `t_{N−1, 1−α/2}`.
    pub share_interval: Interval,
    /// What the t interval over the quantiles says of "at most the bound".
    pub by_quantiles: Says,
    /// What the share beyond says of it.
    pub by_share: Says,
}

impl BoundEvidence {
    /// What is to be concluded of "the quantile is at most the bound": what both intervals say. A
    /// claim of "at least" is refuted where this supports, and the other way round.
    pub fn says(&self) -> Says {
        self.by_quantiles.and(self.by_share)
    }
}

impl QuantileEvidence {
    /// Evidence on the `p` quantile (0 < p < 1) at two-sided level 1 − `alpha`.
    ///
    /// `runs`: the samples of each run, ascending, without NaN, in any unit (times in µs); +∞ is a request
    /// that was not answered. None below two runs, or if a run has no samples.
    ///
    /// - One infinite quantile leaves the t interval without ends: it decides nothing. If all are infinite, the
    ///   quantile is beyond every bound.
    /// - Quantiles of 0 have no logarithm; they leave the t interval without ends, too.
    /// - Equal quantiles give a t interval of no width; the shown interval still has the width that the share
    ///   gives it.
    ///
    /// One pass over the pooled samples: O(n·(N + ln n)) for n samples in N runs.
    pub fn of<R: AsRef<[f64]>>(runs: &[R], p: f64, alpha: f64) -> Option<Self> {
        let quantiles = runs.iter().map(|run| type8(run.as_ref(), p)).collect::<Option<Vec<f64>>>()?;
        let has_logs = quantiles.iter().all(|q| *q > 0.0 && q.is_finite());
        let logs: Vec<f64> = quantiles.iter().map(|q| q.ln()).collect();
        let moments = Moments::of(&logs)?;
        let t_interval = has_logs.then(|| moments.interval(alpha).map(f64::exp));
        let inverted = invert(runs, p, alpha);
        let both = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| Some(pick(a?, b?));
        Some(Self {
            estimate: has_logs.then(|| moments.mean.exp()),
            interval: OpenInterval {
                low: both(t_interval.map(|t| t.low), inverted.low, f64::min),
                high: both(t_interval.map(|t| t.high), inverted.high, f64::max),
            },
            quantiles,
            t_interval,
            inverted,
        })
    }

    /// Evidence on the bound `at_most`, in the samples' unit. `runs`, `p` and `alpha` as in [`Self::of`],
    /// which gave `self`. None where that gives none.
    pub fn against<R: AsRef<[f64]>>(
        &self,
        runs: &[R],
        p: f64,
        alpha: f64,
        at_most: f64,
    ) -> Option<BoundEvidence> {
        let counts = runs.iter().map(AsRef::as_ref);
        let (beyond, n): (Vec<usize>, Vec<f64>) =
            counts.map(|run| (run.len() - run.partition_point(|x| *x <= at_most), run.len() as f64)).unzip();
        let k: Vec<f64> = beyond.iter().map(|k| *k as f64).collect();
        let share = Counters::of(&k, &n)?;
        let share_interval = share.interval(alpha);
        let allowed = 1.0 - p;
        let all_infinite = self.quantiles.iter().all(|q| q.is_infinite());
        let by_quantiles = match self.t_interval {
            Some(t) if t.high <= at_most => Says::Supports,
            Some(t) if t.low > at_most => Says::Refutes,
            None if all_infinite => Says::Refutes,
            _ => Says::Neither,
        };
        let by_share = if share_interval.high <= allowed {
            Says::Supports
        } else if share_interval.low > allowed {
            Says::Refutes
        } else {
            Says::Neither
        };
        let beyond = beyond.into_iter().map(|k| k as u64).collect();
        Some(BoundEvidence { beyond, share, share_interval, by_quantiles, by_share })
    }
}

/// The bounds that the share beyond does not decide, see [`QuantileEvidence::inverted`].
///
/// From the largest sample down, counting what lies beyond. The design effect changes from sample to sample, so
/// that bisection would not do; below the first sample that is decided against, none can be a larger one.
fn invert<R: AsRef<[f64]>>(runs: &[R], p: f64, alpha: f64) -> OpenInterval {
    let mut pooled: Vec<(f64, usize)> = Vec::new();
    for (run, samples) in runs.iter().enumerate() {
        pooled.extend(samples.as_ref().iter().map(|x| (*x, run)));
    }
    pooled.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let n: Vec<f64> = runs.iter().map(|run| run.as_ref().len() as f64).collect();
    let t = t_quantile(1.0 - alpha / 2.0, n.len() as f64 - 1.0);
    let allowed = 1.0 - p;
    let mut beyond = vec![0.0; n.len()];
    let mut found = OpenInterval::default();
    for equal in pooled.chunk_by(|a, b| a.0 == b.0) {
        let value = equal[0].0;
        if value.is_finite()
            && let Some(share) = Counters::of(&beyond, &n)
        {
            let interval = wilson(share.ratio * share.n, share.n, t, share.deff);
            if interval.high <= allowed {
                found.high = Some(value);
            }
            if interval.low > allowed {
                found.low = Some(value);
                break;
            }
        }
        for (_, run) in equal {
            beyond[*run] += 1.0;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `runs` runs of n samples from `1/n` to 1, each stretched a little by its place.
    fn even(runs: usize, n: usize) -> Vec<Vec<f64>> {
        let run = |r: usize| (1..=n).map(|i| (i as f64 / n as f64) * (1.0 + 0.01 * r as f64)).collect();
        (0..runs).map(run).collect()
    }

    fn says(runs: &[Vec<f64>], p: f64, at_most: f64) -> Says {
        let evidence = QuantileEvidence::of(runs, p, 0.01).unwrap();
        evidence.against(runs, p, 0.01, at_most).unwrap().says()
    }

    #[test]
    fn both_intervals_have_to_agree() {
        let runs = even(5, 400);
        assert_eq!(says(&runs, 0.95, 1.2), Says::Supports);
        assert_eq!(says(&runs, 0.95, 0.7), Says::Refutes);
        assert_eq!(says(&runs, 0.95, 0.97), Says::Neither);
        // Far below the bound, but five samples a run cannot tell what one in twenty does.
        let few = even(5, 5);
        let evidence = QuantileEvidence::of(&few, 0.95, 0.01).unwrap();
        let bound = evidence.against(&few, 0.95, 0.01, 50.0).unwrap();
        assert_eq!((bound.by_quantiles, bound.by_share), (Says::Supports, Says::Neither));
        assert_eq!(evidence.interval.high, None);
    }

    #[test]
    fn what_is_not_answered_is_beyond_every_bound() {
        let mut runs = even(5, 400);
        runs[2].extend([f64::INFINITY; 40]);
        let evidence = QuantileEvidence::of(&runs, 0.95, 0.01).unwrap();
        assert_eq!(evidence.quantiles[2], f64::INFINITY);
        assert_eq!((evidence.t_interval, evidence.estimate), (None, None));
        assert_eq!(evidence.interval, OpenInterval::default());
        let bound = evidence.against(&runs, 0.95, 0.01, 1e9).unwrap();
        assert_eq!(bound.beyond, [0, 0, 40, 0, 0]);
        assert_eq!(bound.says(), Says::Neither);
        for run in &mut runs {
            run.extend([f64::INFINITY; 100]);
        }
        assert_eq!(says(&runs, 0.95, 1e9), Says::Refutes);
    }

    #[test]
    fn too_little_gives_nothing() {
        assert_eq!(QuantileEvidence::of::<Vec<f64>>(&[], 0.5, 0.05), None);
        assert_eq!(QuantileEvidence::of(&[[1.0, 2.0]], 0.5, 0.05), None);
        assert_eq!(QuantileEvidence::of(&[vec![1.0], vec![]], 0.5, 0.05), None);
    }

    #[test]
    fn equal_samples_decide_on_both_sides_of_their_value() {
        let runs = vec![vec![3.0; 200]; 5];
        let evidence = QuantileEvidence::of(&runs, 0.95, 0.01).unwrap();
        assert_eq!(evidence.estimate.map(|e| (e * 1e9).round() / 1e9), Some(3.0));
        assert_eq!(evidence.inverted, OpenInterval { low: None, high: Some(3.0) });
        assert_eq!(says(&runs, 0.95, 2.9), Says::Refutes);
        assert_eq!(says(&runs, 0.95, 3.1), Says::Supports);
        // Zeros have no logarithm.
        let zeros = QuantileEvidence::of(&[[0.0, 0.0], [0.0, 1.0]], 0.2, 0.05).unwrap();
        assert_eq!((zeros.t_interval, zeros.estimate), (None, None));
    }

    proptest! {
        #[test]
        fn a_higher_bound_never_loses_the_support_of_the_quantiles_and_units_do_not_matter(
            runs in prop::collection::vec(prop::collection::vec(0.001..1.0_f64, 1..60), 2..8),
            p in 0.5..0.99_f64, low in 0.0..1.5_f64, more in 0.0..1.0_f64,
        ) {
            let sort = |unit: f64| -> Vec<Vec<f64>> {
                runs.iter().map(|run| {
                    let mut run: Vec<f64> = run.iter().map(|x| x * unit).collect();
                    run.sort_by(f64::total_cmp);
                    run
                }).collect()
            };
            // A power of two scales without rounding.
            let (plain, scaled) = (sort(1.0), sort(1024.0));
            let evidence = QuantileEvidence::of(&plain, p, 0.05).unwrap();
            let at = |bound: f64| evidence.against(&plain, p, 0.05, bound).unwrap();
            let (lower, higher) = (at(low), at(low + more));
            if lower.by_quantiles == Says::Supports {
                prop_assert_eq!(higher.by_quantiles, Says::Supports);
            }
            prop_assert!(lower.beyond.iter().zip(&higher.beyond).all(|(a, b)| a >= b));
            let other = QuantileEvidence::of(&scaled, p, 0.05).unwrap();
            prop_assert_eq!(other.inverted.high, evidence.inverted.high.map(|h| h * 1024.0));
            prop_assert_eq!(other.inverted.low, evidence.inverted.low.map(|l| l * 1024.0));
        }

        #[test]
        fn the_share_decides_on_the_inverted_limits_and_on_no_sample_between_them(
            runs in prop::collection::vec(prop::collection::vec(1_u32..40, 20..60), 2..6), p in 0.3..0.9_f64,
        ) {
            let runs: Vec<Vec<f64>> = runs.iter().map(|run| {
                let mut run: Vec<f64> = run.iter().map(|x| f64::from(*x)).collect();
                run.sort_by(f64::total_cmp);
                run
            }).collect();
            let evidence = QuantileEvidence::of(&runs, p, 0.05).unwrap();
            let by_share = |bound: f64| evidence.against(&runs, p, 0.05, bound).unwrap().by_share;
            let OpenInterval { low, high } = evidence.inverted;
            prop_assert!(low.is_none_or(|low| by_share(low) == Says::Refutes));
            prop_assert!(high.is_none_or(|high| by_share(high) == Says::Supports));
            let between = runs.iter().flatten().filter(|x| {
                low.is_none_or(|low| **x > low) && high.is_none_or(|high| **x < high)
            });
            for sample in between {
                prop_assert_eq!(by_share(*sample), Says::Neither);
            }
        }
    }
}
