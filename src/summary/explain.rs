//! Which part of the traffic carries a difference between two arms: endpoint, outcome, phase or slice of time.
//!
//! **The tail.** Samples slower than the p99 of the faster arm are counted in both: one in a hundred there, more in the slower
//! arm. The difference of these shares is a plain sum over any parts of the traffic, and each part's share of it falls apart into
//! what changed *within* it and what comes from its being asked for more or less often (*mix*):
//! `Δ = Σ w̄·(s₂ − s₁) + Σ (w₂ − w₁)·(s̄ − S̄)`, with w a part's share of the traffic, s the share of it that is slower, bars
//! means over the arms and S̄ the mean over all traffic. Exact, in whatever order. Source: Kitagawa 1955, Journal of the American
//! Statistical Association 50(272).
//!
//! **Throughput** is a sum of rates as it stands.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::run::MeasuredRun;
use crate::sample::{Kind, Outcome, PROBE_CLASS, Subject};
use crate::stats::interval::Interval;
use crate::stats::mean::Moments;
use crate::stats::quantile::{geometric_mean, type8};
use crate::unit;

/// The quantile whose change is explained.
const QUANTILE: f64 = 0.99;
/// Samples of one kind that each arm of a round needs: ten beyond the quantile.
const LEAST_SAMPLES: usize = 1000;
/// Slices of time.
const SLICES: i64 = 8;
/// Two-sided alpha of the intervals; they inform and decide nothing.
const ALPHA: f64 = 0.05;

/// What is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The share of users' requests that are slower than the faster arm's p99.
    RequestTail,
    /// The same of effects.
    EffectTail,
    /// Answered users' requests per second of load.
    Throughput,
}

/// By what the traffic is parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parting {
    /// What was called.
    Endpoint,
    /// How it ended.
    Outcome,
    /// The run's phase when it was due.
    Phase,
    /// When it was due, in equal slices from the run's start to the load's end.
    Time,
}

/// A difference and what carries it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// What is explained.
    pub of: Measure,
    /// The faster arm's p99, µs, as the geometric mean of the rounds; none of a throughput.
    pub threshold_us: Option<f64>,
    /// Mean of the baseline's rounds: a share, or a rate per second.
    pub baseline: f64,
    /// The same of the treatment.
    pub treatment: f64,
    /// Where the true difference lies, at 95 %; none below two rounds.
    pub difference: Option<Interval>,
    /// The parts, one list for each way of parting; each list adds up to the difference.
    pub partings: Vec<(Parting, Vec<Part>)>,
}

/// A part of the traffic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// Its share of the baseline's traffic, in [0, 1].
    pub baseline_share: f64,
    /// Its share of the treatment's traffic.
    pub treatment_share: f64,
    /// The baseline's value within it: the share that is slower, or its rate.
    pub baseline: f64,
    /// The same of the treatment.
    pub treatment: f64,
    /// What it adds to the difference by what changed within it.
    pub within: f64,
    /// What it adds by being asked for more or less often; 0 of a throughput.
    pub mix: f64,
    /// Where the sum of both lies, at 95 %; none below two rounds.
    pub carries: Option<Interval>,
}

impl Explanation {
    /// `treatment − baseline`.
    pub fn change(&self) -> f64 {
        self.treatment - self.baseline
    }

    /// What the mix of endpoints adds to it.
    pub fn mix_of_endpoints(&self) -> f64 {
        let of_endpoints = self.partings.iter().filter(|(by, _)| *by == Parting::Endpoint);
        of_endpoints.flat_map(|(_, parts)| parts).map(|part| part.mix).sum()
    }
}

/// Explains what differs between arms: for each round the baseline's run, and the treatment's. Nothing is said of what too
/// few samples carry.
pub(super) fn explain(rounds: &[[&MeasuredRun; 2]]) -> Vec<Explanation> {
    let arms = |runs: &[&MeasuredRun; 2]| {
        let end_us = load_end(runs[0]).max(load_end(runs[1]));
        runs.map(|run| Arm::of(run, end_us))
    };
    let rounds: Vec<[Arm; 2]> = rounds.iter().map(arms).collect();
    if rounds.is_empty() {
        return Vec::new();
    }
    let tail = |of, kind| tail(of, kind, &rounds);
    [tail(Measure::RequestTail, Kind::Request), tail(Measure::EffectTail, Kind::Effect), throughput(&rounds)]
        .into_iter()
        .flatten()
        .collect()
}

fn load_end(run: &MeasuredRun) -> i64 {
    run.facts.load_end_us().unwrap_or_else(|| run.samples.done_us.iter().copied().max().unwrap_or(0)).max(1)
}

/// A sample as far as it matters here.
struct Seen {
    kind: Kind,
    endpoint: usize,
    outcome: Outcome,
    phase: &'static str,
    slice: usize,
    /// Infinite if it was never answered.
    response_us: f64,
}

/// One arm's run of a round.
struct Arm {
    endpoints: Vec<String>,
    samples: Vec<Seen>,
    load_s: f64,
    /// Where the last slice of time ends.
    end_us: i64,
}

impl Arm {
    fn of(run: &MeasuredRun, end_us: i64) -> Self {
        let columns = &run.samples;
        let counts = |place: usize| {
            let subject = &columns.subjects[columns.subject[place] as usize];
            subject.kind == Kind::Effect || subject.traffic_class != PROBE_CLASS
        };
        let seen = |place: usize| {
            let due_us = columns.intended_us[place].clamp(0, end_us - 1);
            Seen {
                kind: columns.subjects[columns.subject[place] as usize].kind,
                endpoint: columns.subject[place] as usize,
                outcome: columns.outcome[place],
                phase: columns.phase[place].word(),
                slice: usize::try_from(due_us * SLICES / end_us).unwrap_or(0),
                response_us: if columns.outcome[place].is_answered() {
                    (columns.done_us[place] - columns.intended_us[place]) as f64
                } else {
                    f64::INFINITY
                },
            }
        };
        Self {
            endpoints: columns.subjects.iter().map(Subject::title).collect(),
            samples: (0..columns.subject.len()).filter(|place| counts(*place)).map(seen).collect(),
            load_s: load_end(run) as f64 / 1e6,
            end_us,
        }
    }

    /// The samples of a kind that were answered.
    fn answered(&self, kind: Kind) -> impl Iterator<Item = &Seen> {
        self.samples.iter().filter(move |seen| seen.kind == kind && seen.outcome.is_answered())
    }

    /// The samples of a kind that have a time: those that were answered, and those that never were.
    fn timed(&self, kind: Kind) -> impl Iterator<Item = &Seen> {
        let has_time = |seen: &Seen| seen.outcome.is_answered() || seen.outcome.is_unanswered(seen.kind);
        self.samples.iter().filter(move |seen| seen.kind == kind && has_time(seen))
    }

    /// The part that a sample belongs to.
    fn part(&self, by: Parting, seen: &Seen) -> Key<'_> {
        match by {
            Parting::Endpoint => (0, &self.endpoints[seen.endpoint]),
            Parting::Outcome => (seen.outcome as usize, seen.outcome.word()),
            Parting::Phase => (0, seen.phase),
            Parting::Time => (seen.slice, ""),
        }
    }

    /// For each part, how many samples it has and how many of these are wanted.
    fn count<'a>(
        &'a self,
        by: Parting,
        samples: impl Iterator<Item = &'a Seen>,
        is_wanted: impl Fn(&Seen) -> bool,
    ) -> Counts<'a> {
        let mut counts = Counts::new();
        for seen in samples {
            let [all, wanted] = counts.entry(self.part(by, seen)).or_default();
            *all += 1.0;
            *wanted += f64::from(u8::from(is_wanted(seen)));
        }
        counts
    }
}

/// A part's place among the others, and its name; slices of time have none until they are shown.
type Key<'a> = (usize, &'a str);
/// Samples of each part, and how many of them are wanted.
type Counts<'a> = BTreeMap<Key<'a>, [f64; 2]>;

/// What one round says of one part.
#[derive(Clone, Copy, Default)]
struct Share {
    shares: [f64; 2],
    values: [f64; 2],
    within: f64,
    mix: f64,
}

fn tail(of: Measure, kind: Kind, rounds: &[[Arm; 2]]) -> Option<Explanation> {
    let mut thresholds = Vec::new();
    for arms in rounds {
        let quantiles = arms.each_ref().map(|arm| {
            let mut times: Vec<f64> = arm.timed(kind).map(|seen| seen.response_us).collect();
            times.sort_by(f64::total_cmp);
            type8(&times, QUANTILE).filter(|_| times.len() >= LEAST_SAMPLES)
        });
        let [Some(baseline), Some(treatment)] = quantiles else { return None };
        let threshold = baseline.min(treatment);
        // Both arms left so much unanswered that the threshold is infinite: nothing is slower.
        if threshold.is_infinite() {
            return None;
        }
        thresholds.push(threshold);
    }
    let is_slower = |round: usize| {
        let threshold = thresholds[round];
        move |seen: &Seen| seen.response_us > threshold
    };
    let partings = [Parting::Endpoint, Parting::Outcome, Parting::Phase, Parting::Time].map(|by| {
        let counts = |(round, arms)| {
            let arms: &[Arm; 2] = arms;
            arms.each_ref().map(|arm| arm.count(by, arm.timed(kind), is_slower(round)))
        };
        let of_rounds: Vec<_> = rounds.iter().enumerate().map(counts).collect();
        (by, over_rounds(&of_rounds.iter().map(kitagawa).collect::<Vec<_>>(), end_us(rounds)))
    });
    let totals: Vec<[f64; 2]> = rounds
        .iter()
        .enumerate()
        .map(|(round, arms)| {
            arms.each_ref().map(|arm| {
                let slower = arm.timed(kind).filter(|seen| is_slower(round)(seen)).count();
                slower as f64 / arm.timed(kind).count() as f64
            })
        })
        .collect();
    let threshold_us = geometric_mean(&thresholds);
    Some(Explanation { threshold_us, ..explanation(of, &totals, partings.into()) })
}

/// The parts of one round: shares of traffic, shares within, and what each adds to the difference.
fn kitagawa<'a>(arms: &[Counts<'a>; 2]) -> BTreeMap<Key<'a>, Share> {
    let totals = arms
        .each_ref()
        .map(|parts| parts.values().fold([0.0, 0.0], |[n, slower], part| [n + part[0], slower + part[1]]));
    let overall = totals.iter().map(|[n, slower]| slower / n).sum::<f64>() / 2.0;
    let mut shares = BTreeMap::new();
    for key in arms.iter().flat_map(BTreeMap::keys) {
        let counts = arms.each_ref().map(|parts| parts.get(key).copied().unwrap_or_default());
        let weights = [0, 1].map(|arm| counts[arm][0] / totals[arm][0]);
        let slower = counts.map(|[n, slower]| (n > 0.0).then(|| slower / n));
        // A part that one arm lacks changed nothing within: all that it adds, it adds by being there.
        let values = match slower {
            [Some(baseline), Some(treatment)] => [baseline, treatment],
            [Some(only), None] | [None, Some(only)] => [only, only],
            [None, None] => [0.0, 0.0],
        };
        let within = f64::midpoint(weights[0], weights[1]) * (values[1] - values[0]);
        let mix = (weights[1] - weights[0]) * (f64::midpoint(values[0], values[1]) - overall);
        shares.insert(*key, Share { shares: weights, values, within, mix });
    }
    shares
}

fn throughput(rounds: &[[Arm; 2]]) -> Option<Explanation> {
    let of_parting = |by: Parting| {
        let all = |arm| {
            let arm: &Arm = arm;
            arm.count(by, arm.answered(Kind::Request), |_| true)
        };
        let of_rounds: Vec<_> =
            rounds.iter().map(|[b, t]| ([all(b), all(t)], [b.load_s, t.load_s])).collect();
        let rates: Vec<_> = of_rounds.iter().map(|(counts, load_s)| rates(counts, *load_s)).collect();
        (by, over_rounds(&rates, end_us(rounds)))
    };
    let totals: Vec<[f64; 2]> = rounds
        .iter()
        .map(|arms| arms.each_ref().map(|arm| arm.answered(Kind::Request).count() as f64 / arm.load_s))
        .collect();
    let has_any = totals.iter().all(|[baseline, treatment]| *baseline > 0.0 && *treatment > 0.0);
    let partings = [Parting::Endpoint, Parting::Outcome, Parting::Time].map(of_parting);
    (has_any && !totals.is_empty()).then(|| explanation(Measure::Throughput, &totals, partings.into()))
}

/// The parts of one round: rates, and their differences.
fn rates<'a>(arms: &[Counts<'a>; 2], load_s: [f64; 2]) -> BTreeMap<Key<'a>, Share> {
    let totals = arms.each_ref().map(|parts| parts.values().map(|part| part[0]).sum::<f64>());
    let mut shares = BTreeMap::new();
    for key in arms.iter().flat_map(BTreeMap::keys) {
        let counts = arms.each_ref().map(|parts| parts.get(key).map_or(0.0, |part| part[0]));
        let values = [counts[0] / load_s[0], counts[1] / load_s[1]];
        let weights = [counts[0] / totals[0].max(1.0), counts[1] / totals[1].max(1.0)];
        shares.insert(*key, Share { shares: weights, values, within: values[1] - values[0], mix: 0.0 });
    }
    shares
}

/// Where the slices of time end, µs; of rounds that differ a little, as in the first.
fn end_us(rounds: &[[Arm; 2]]) -> i64 {
    rounds.first().map_or(1, |arms| arms[0].end_us)
}

fn explanation(of: Measure, totals: &[[f64; 2]], partings: Vec<(Parting, Vec<Part>)>) -> Explanation {
    let mean = |arm: usize| totals.iter().map(|total| total[arm]).sum::<f64>() / totals.len() as f64;
    let differences: Vec<f64> = totals.iter().map(|[baseline, treatment]| treatment - baseline).collect();
    Explanation {
        of,
        threshold_us: None,
        baseline: mean(0),
        treatment: mean(1),
        difference: Moments::of(&differences).map(|moments| moments.interval(ALPHA)),
        partings,
    }
}

/// Means over the rounds; a part that a round lacks adds nothing there.
fn over_rounds(rounds: &[BTreeMap<Key<'_>, Share>], end_us: i64) -> Vec<Part> {
    let keys: BTreeSet<Key<'_>> = rounds.iter().flat_map(BTreeMap::keys).copied().collect();
    let part = |key: Key<'_>| {
        let shares: Vec<Share> =
            rounds.iter().map(|round| round.get(&key).copied().unwrap_or_default()).collect();
        let mean = |of: fn(&Share) -> f64| shares.iter().map(of).sum::<f64>() / shares.len() as f64;
        let carries: Vec<f64> = shares.iter().map(|share| share.within + share.mix).collect();
        Part {
            name: name(key, end_us),
            baseline_share: mean(|share| share.shares[0]),
            treatment_share: mean(|share| share.shares[1]),
            baseline: mean(|share| share.values[0]),
            treatment: mean(|share| share.values[1]),
            within: mean(|share| share.within),
            mix: mean(|share| share.mix),
            carries: Moments::of(&carries).map(|moments| moments.interval(ALPHA)),
        }
    };
    keys.into_iter().map(part).collect()
}

/// A slice of time by its ends, anything else by its own name.
fn name((place, name): Key<'_>, end_us: i64) -> String {
    let clock = |slice: usize| unit::clock(end_us as f64 / 1e6 * slice as f64 / SLICES as f64);
    if name.is_empty() { format!("{} to {}", clock(place), clock(place + 1)) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts<'a>(parts: &[(&'a str, u32, u32)]) -> Counts<'a> {
        parts.iter().map(|(name, all, slower)| ((0, *name), [f64::from(*all), f64::from(*slower)])).collect()
    }

    #[test]
    fn a_shift_within_one_endpoint_is_no_shift_of_the_mix() {
        let shares = kitagawa(&[
            counts(&[("slow", 500, 5), ("fast", 500, 5)]),
            counts(&[("slow", 500, 45), ("fast", 500, 5)]),
        ]);
        let slow = shares[&(0, "slow")];
        assert!((slow.within - 0.04).abs() < 1e-12 && slow.mix.abs() < 1e-12);
        assert!(shares[&(0, "fast")].within.abs() < 1e-12);
    }

    #[test]
    fn more_calls_to_a_slow_endpoint_are_a_shift_of_the_mix() {
        let shares = kitagawa(&[
            counts(&[("slow", 100, 10), ("fast", 900, 0)]),
            counts(&[("slow", 300, 30), ("fast", 700, 0)]),
        ]);
        let mix: f64 = shares.values().map(|share| share.mix).sum();
        assert!((mix - 0.02).abs() < 1e-12);
        assert!(shares.values().all(|share| share.within.abs() < 1e-12));
    }

    #[test]
    fn an_endpoint_of_one_arm_only_adds_by_being_there() {
        let shares = kitagawa(&[counts(&[("old", 100, 1)]), counts(&[("old", 50, 0), ("new", 50, 20)])]);
        assert!(shares[&(0, "new")].within.abs() < 1e-12 && shares[&(0, "new")].mix > 0.0);
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_difference(
            parts in proptest::collection::vec((1_u32..500, 0_u32..100, 1_u32..500, 0_u32..100), 1..6),
        ) {
            let names = ["a", "b", "c", "d", "e", "f"];
            let named = || parts.iter().zip(names);
            let baseline: Vec<_> = named().map(|((n, k, _, _), name)| (name, n + k, *k)).collect();
            let treatment: Vec<_> = named().map(|((_, _, n, k), name)| (name, n + k, *k)).collect();
            let share = |arm: &[(&str, u32, u32)]| {
                let (n, k) = arm.iter().fold((0, 0), |(n, k), part| (n + part.1, k + part.2));
                f64::from(k) / f64::from(n)
            };
            let shares = kitagawa(&[counts(&baseline), counts(&treatment)]);
            let sum: f64 = shares.values().map(|share| share.within + share.mix).sum();
            prop_assert!((sum - (share(&treatment) - share(&baseline))).abs() < 1e-12);
        }
    }
}
