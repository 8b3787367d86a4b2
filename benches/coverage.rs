//! Whether the intervals and the looks keep their promises, by simulation of experiments with known truth.
//!
//! A request takes `e^(0.5·Z)` times its run's level, Z normal, independently of the others. The logarithm of a run's
//! level is that of its block (normal, sd 4 %, shared by both arms of a round), plus the run's own (sd 6 %, in three
//! shapes), plus the treatment's true effect. A run's metric is the p50 of 200 requests, and a round's value the
//! logarithm of the arms' ratio. Simpler than a queue: no pauses, no drift within a run; so what is
//! tested is the evidence of rounds, not that of one run.
//!
//! Ends with an error if a promise is broken. Arms of the same shape have symmetric ratios. The row marked `not
//! promised` has arms of different shapes, whose ratios are skewed: there the level of a t interval is not exact, which
//! is why quantiles from p99 on have a guard of their own.
#![allow(missing_docs, reason = "a program, not a library")]

use std::process::ExitCode;

use loadproof::stats::decision::{LOOKS, Side, alpha_at, side};
use loadproof::stats::mean::{Moments, log_ratios};
use loadproof::stats::quantile::median;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const SEED: u64 = 1;
const EXPERIMENTS: u32 = 6000;
const REQUESTS: u32 = 200;
const WITHIN_RUN_SD: f64 = 0.5;
const BLOCK_SD: f64 = 0.04;
const RUN_SD: f64 = 0.06;

/// Rounds, level and least coverage of the interval's test; the truth it must hold.
const ROUNDS: usize = 5;
const ALPHA: f64 = 0.05;
const LEAST_COVERAGE: f64 = 0.93;
const TRUE_RATIO: f64 = 0.8;
/// Most claims that experiments without any effect may support.
const MOST_FALSE_SUPPORTS: f64 = 0.05;
/// `ratio ≥ …`, each false or, at 1, at its threshold.
const CLAIMS: [f64; 2] = [1.0, 1.05];

/// How runs of one arm differ from each other; all with mean 0 and sd 1.
#[derive(Clone, Copy)]
enum Noise {
    Normal,
    /// Exponential: skewness 2.
    Skewed,
    /// Student's t with 3 degrees of freedom.
    HeavyTailed,
}

impl Noise {
    fn draw(self, rng: &mut Pcg64Mcg) -> f64 {
        match self {
            Self::Normal => normal(rng),
            Self::Skewed => -(1.0 - rng.random::<f64>()).ln() - 1.0,
            Self::HeavyTailed => {
                let squares: f64 = (0..3).map(|_| normal(rng).powi(2)).sum();
                // The variance of t with 3 degrees of freedom is 3.
                normal(rng) / (squares / 3.0).sqrt() / 3.0_f64.sqrt()
            }
        }
    }
}

/// An experiment's noise in baseline and treatment, and whether promises hold for it.
struct Setting {
    name: &'static str,
    arms: [Noise; 2],
    is_promised: bool,
}

const SETTINGS: [Setting; 4] = [
    Setting { name: "normal", arms: [Noise::Normal; 2], is_promised: true },
    Setting { name: "skewed", arms: [Noise::Skewed; 2], is_promised: true },
    Setting { name: "heavy tails", arms: [Noise::HeavyTailed; 2], is_promised: true },
    Setting { name: "skewed in one arm", arms: [Noise::Normal, Noise::Skewed], is_promised: false },
];

/// What shares of experiments came to.
struct Outcome {
    coverage: f64,
    /// For each of [`CLAIMS`]: supported.
    supports: [f64; CLAIMS.len()],
    /// For the claim at its threshold: decided either way.
    decided: f64,
}

fn main() -> ExitCode {
    println!("{EXPERIMENTS} simulated experiments per row, seed {SEED}\n");
    println!("run-level noise     coverage of 95 %   false supports at looks 5/10/20   decided either way");
    println!(
        "                    with {ROUNDS} rounds      ratio ≥ 1      ratio ≥ 1.05       at the threshold"
    );
    let mut is_kept = true;
    for (place, setting) in SETTINGS.iter().enumerate() {
        let outcome = simulate(setting, SEED + place as u64);
        let [at_threshold, beyond] = outcome.supports;
        let is_met = outcome.coverage >= LEAST_COVERAGE && at_threshold.max(beyond) <= MOST_FALSE_SUPPORTS;
        println!(
            "{:<20}{:>12.1} %{:>16.1} %{:>15.1} %{:>19.1} %   {}",
            setting.name,
            100.0 * outcome.coverage,
            100.0 * at_threshold,
            100.0 * beyond,
            100.0 * outcome.decided,
            match (setting.is_promised, is_met) {
                (false, _) => "not promised",
                (true, true) => "kept",
                (true, false) => "BROKEN",
            }
        );
        is_kept &= is_met || !setting.is_promised;
    }
    println!(
        "\npromised: coverage ≥ {:.0} %, false supports ≤ {:.0} %",
        100.0 * LEAST_COVERAGE,
        100.0 * MOST_FALSE_SUPPORTS
    );
    if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn simulate(setting: &Setting, seed: u64) -> Outcome {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let [mut covered, mut decided] = [0_u32; 2];
    let mut supports = [0_u32; CLAIMS.len()];
    for _ in 0..EXPERIMENTS {
        let rounds = experiment(setting, TRUE_RATIO, ROUNDS, &mut rng);
        let interval = Moments::of(&rounds).map(|moments| moments.interval(ALPHA));
        covered += u32::from(interval.is_some_and(|i| i.contains(TRUE_RATIO.ln())));

        let rounds = experiment(setting, 1.0, LOOKS[LOOKS.len() - 1].0, &mut rng);
        for (count, claim) in supports.iter_mut().zip(CLAIMS) {
            *count += u32::from(decide(&rounds, claim) == Side::Above);
        }
        decided += u32::from(decide(&rounds, 1.0) != Side::Across);
    }
    let share = |count: u32| f64::from(count) / f64::from(EXPERIMENTS);
    Outcome { coverage: share(covered), supports: supports.map(share), decided: share(decided) }
}

/// The side of `claim` at the first look that decides it.
fn decide(rounds: &[f64], claim: f64) -> Side {
    LOOKS
        .iter()
        .filter_map(|(n, _)| Moments::of(&rounds[..*n]))
        .map(|moments| side(moments.interval(alpha_at(moments.n)), claim.ln()))
        .find(|side| *side != Side::Across)
        .unwrap_or(Side::Across)
}

/// The values of `rounds` rounds.
fn experiment(setting: &Setting, ratio: f64, rounds: usize, rng: &mut Pcg64Mcg) -> Vec<f64> {
    let [mut baseline, mut treatment] = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        let block = BLOCK_SD * normal(rng);
        baseline.push(run(block, setting.arms[0], rng));
        treatment.push(run(block + ratio.ln(), setting.arms[1], rng));
    }
    log_ratios(&baseline, &treatment)
}

/// The p50 of a run around the level `e^level`.
fn run(level: f64, noise: Noise, rng: &mut Pcg64Mcg) -> f64 {
    let level = level + RUN_SD * noise.draw(rng);
    let latencies: Vec<f64> = (0..REQUESTS).map(|_| (level + WITHIN_RUN_SD * normal(rng)).exp()).collect();
    median(&latencies).unwrap_or(f64::NAN)
}

/// A standard normal number, by Box and Muller's method.
fn normal(rng: &mut Pcg64Mcg) -> f64 {
    let (radius, turn) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
}
