//! Whether the intervals and the looks keep their promises, by simulation of experiments with known truth.
//!
//! A request takes `e^(0.5·Z)` times its run's level, Z normal, independently of the others. The logarithm of a run's
//! level is that of its block (normal, sd 4 %, shared by both arms of a round), plus the run's own (sd 6 %, in three
//! shapes), plus the treatment's true effect. A run's metric is the p50 of 200 requests, and a round's value the
//! logarithm of the arms' ratio. Simpler than a queue: no pauses, no drift within a run; so what is
//! tested is the evidence of rounds, not that of one run.
//!
//! Further promises are tried beside it: two equal arms with unequal numbers of requests, an absolute claim about a
//! quantile with the truth at its bound, looks that were not planned (budgets that end, reports in between, somebody who
//! stops when it looks good), ratios of shares, and runs without any warm-up that are held for unsteady.
//!
//! With the argument `short`, or `LOADPROOF_COVERAGE=short`, a tenth of the experiments of smaller sizes: seconds,
//! enough to find what is broken by a factor, with limits as much wider as chance is.
//!
//! Ends with an error if a promise is broken. Arms of the same shape have symmetric ratios. The row marked `not
//! promised` has arms of different shapes, whose ratios are skewed: there the level of a t interval is not exact, which
//! is why quantiles from p99 on have a guard of their own.
#![allow(missing_docs, reason = "a program, not a library")]

use std::process::ExitCode;

use loadproof::run::{MeasuredRun, PhaseSpan, RunEnd, RunFacts, RunState, Seal};
use loadproof::sample::{self, Kind, Phase, SampleColumns, Subject};
use loadproof::stats::decision::{LOOKS, Side, alpha_at, side};
use loadproof::stats::ledger::{Ledger, Occasion, TOTAL_ALPHA};
use loadproof::stats::mean::{Moments, log_ratios};
use loadproof::stats::quantile::{median, type7, type8};
use loadproof::stats::quantile_claim::{QuantileEvidence, Says};
use loadproof::stats::shares::{Share, ratio};
use loadproof::verdict::audit::{self, Grade};
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

/// How much is simulated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Full,
    Short,
}

impl Extent {
    fn asked_for() -> Self {
        let by_argument = std::env::args().skip(1).any(|argument| argument == "short");
        let by_variable = std::env::var("LOADPROOF_COVERAGE").is_ok_and(|value| value == "short");
        if by_argument || by_variable { Self::Short } else { Self::Full }
    }

    /// `full`, or a tenth of it.
    fn of(self, full: u32) -> u32 {
        if self == Self::Short { full / 10 } else { full }
    }
}

/// The largest share that a promise of `limit` may come to by chance in so many experiments.
fn most(limit: f64, experiments: u32) -> f64 {
    limit + DEVIATIONS * (limit * (1.0 - limit) / f64::from(experiments)).sqrt()
}

/// Standard deviations that a simulated share may lie beyond its limit.
const DEVIATIONS: f64 = 3.0;

fn main() -> ExitCode {
    let extent = Extent::asked_for();
    println!(
        "seed {SEED}; shares may lie {DEVIATIONS} standard deviations of chance beyond what is promised\n"
    );
    let kept = [
        rounds_keep_their_promises(extent),
        unequal_arms_are_equal(extent),
        bounds_are_not_passed_by_chance(extent),
        unplanned_looks_are_paid_for(extent),
        shares_are_not_decided_by_chance(extent),
        steady_runs_are_called_steady(extent),
    ];
    if kept.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn word(is_kept: bool) -> &'static str {
    if is_kept { "kept" } else { "BROKEN" }
}

fn rounds_keep_their_promises(extent: Extent) -> bool {
    let experiments = extent.of(EXPERIMENTS);
    println!("{experiments} simulated experiments per row\n");
    println!("run-level noise     coverage of 95 %   false supports at looks 5/10/20   decided either way");
    println!(
        "                    with {ROUNDS} rounds      ratio ≥ 1      ratio ≥ 1.05       at the threshold"
    );
    let least_coverage = match extent {
        Extent::Full => LEAST_COVERAGE,
        Extent::Short => 1.0 - most(1.0 - LEAST_COVERAGE, experiments),
    };
    let mut is_kept = true;
    for (place, setting) in SETTINGS.iter().enumerate() {
        let outcome = simulate(setting, experiments, SEED + place as u64);
        let [at_threshold, beyond] = outcome.supports;
        let is_met = outcome.coverage >= least_coverage && at_threshold.max(beyond) <= MOST_FALSE_SUPPORTS;
        println!(
            "{:<20}{:>12.1} %{:>16.1} %{:>15.1} %{:>19.1} %   {}",
            setting.name,
            100.0 * outcome.coverage,
            100.0 * at_threshold,
            100.0 * beyond,
            100.0 * outcome.decided,
            if setting.is_promised { word(is_met) } else { "not promised" }
        );
        is_kept &= is_met || !setting.is_promised;
    }
    println!(
        "promised: coverage ≥ {:.0} %, false supports ≤ {:.0} %\n",
        100.0 * LEAST_COVERAGE,
        100.0 * MOST_FALSE_SUPPORTS
    );
    is_kept
}

// ── Unequal numbers of requests ─────────────────────────────────────────────────────────────────

/// Requests of the larger arm for one of the smaller.
const TIMES_AS_MANY: usize = 20;
/// Two-sided alpha of the last look.
const LAST_ALPHA: f64 = LOOKS[LOOKS.len() - 1].1;

/// Two equal arms, one with 20 times the requests of the other: how often "ratio ≥ 1" of their quantiles is
/// supported after 20 rounds, either arm on top, whichever it favours more.
fn unequal_arms_are_equal(extent: Extent) -> bool {
    let (levels, beyond): (&[f64], &[f64]) = match extent {
        Extent::Full => (&[0.90, 0.95, 0.99], &[2.5, 5.0, 10.0, 20.0]),
        Extent::Short => (&[0.90], &[2.5, 5.0]),
    };
    let experiments = extent.of(1000);
    let limit = LAST_ALPHA / 2.0;
    println!("two equal arms, {TIMES_AS_MANY} times the requests in one; {experiments} experiments per row");
    println!("quantile   expected beyond   false supports of ratio ≥ 1 by type 7   by type 8");
    let mut is_kept = true;
    for (place, (p, beyond)) in
        levels.iter().flat_map(|p| beyond.iter().map(move |beyond| (*p, *beyond))).enumerate()
    {
        let mut rng = Pcg64Mcg::seed_from_u64(SEED + 100 + place as u64);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
        let fewer = (beyond / (1.0 - p)).round() as usize;
        // Of type 7 and type 8: the smaller arm on top, the larger.
        let mut supports = [[0_u32; 2]; 2];
        for _ in 0..experiments {
            let [mut by_7, mut by_8] = [Vec::new(), Vec::new()];
            for _ in 0..LOOKS[LOOKS.len() - 1].0 {
                let block = BLOCK_SD * normal(&mut rng);
                let [small, large] = [fewer, fewer * TIMES_AS_MANY].map(|n| sorted_run(n, block, &mut rng));
                for (by, quantile) in [(&mut by_7, type7 as fn(&[f64], f64) -> _), (&mut by_8, type8)] {
                    by.extend(
                        quantile(&large, p).zip(quantile(&small, p)).map(|(l, s): (f64, f64)| (l / s).ln()),
                    );
                }
            }
            for (supports, by) in supports.iter_mut().zip([by_7, by_8]) {
                let side = Moments::of(&by).map(|moments| side(moments.interval(LAST_ALPHA), 0.0));
                supports[0] += u32::from(side == Some(Side::Above));
                supports[1] += u32::from(side == Some(Side::Below));
            }
        }
        let [by_7, by_8] =
            supports.map(|of| f64::from(of.into_iter().max().unwrap_or(0)) / f64::from(experiments));
        let is_met = by_8 <= most(UNEQUAL_LIMIT, experiments);
        println!(
            "p{:<10.0}{beyond:>12.1}{:>32.1} %{:>18.1} %   {}",
            100.0 * p,
            100.0 * by_7,
            100.0 * by_8,
            word(is_met)
        );
        is_kept &= is_met;
    }
    println!("promised: by type 8 ≤ {:.2} % (nominal {:.2} %)\n", 100.0 * UNEQUAL_LIMIT, 100.0 * limit);
    is_kept
}

/// Most false supports of two equal arms by type 8: twice the nominal share would be a bias worth a look.
const UNEQUAL_LIMIT: f64 = 0.02;

// ── Absolute claims at their bound ──────────────────────────────────────────────────────────────

/// Standard deviation between runs, as a logarithm, in which the bound is the typical run's quantile.
const BETWEEN_RUNS_SD: f64 = 0.1;

/// "p95 ≤ B" with the truth at B: how often it is supported, and how often refuted, at each look by itself.
fn bounds_are_not_passed_by_chance(extent: Extent) -> bool {
    let requests: &[usize] = if extent == Extent::Full { &[3, 10, 25, 100, 400] } else { &[3, 25, 100] };
    let experiments = extent.of(2000);
    let (p, bound) = (0.95, (WITHIN_RUN_SD * P95_OF_NORMAL).exp());
    println!(
        "p95 ≤ B with the truth at B; {experiments} experiments per row, {BETWEEN_RUNS_SD} between runs"
    );
    println!(
        "requests a run   rounds   nominal   supported: t interval of type 7   both of type 8   refuted by both"
    );
    let mut is_kept = true;
    for (row, n) in requests.iter().enumerate() {
        for (column, (rounds, alpha)) in LOOKS.into_iter().enumerate() {
            let mut rng = Pcg64Mcg::seed_from_u64(SEED + 200 + (10 * row + column) as u64);
            let [mut by_t, mut supported, mut refuted] = [0_u32; 3];
            for _ in 0..experiments {
                let runs: Vec<Vec<f64>> = (0..rounds)
                    .map(|_| sorted_samples(*n, BETWEEN_RUNS_SD * normal(&mut rng), &mut rng))
                    .collect();
                let logs: Vec<f64> = runs.iter().filter_map(|run| type7(run, p)).map(f64::ln).collect();
                let below = Moments::of(&logs).map(|moments| moments.interval(alpha).high <= bound.ln());
                by_t += u32::from(below == Some(true));
                let evidence = QuantileEvidence::of(&runs, p, alpha);
                let says = evidence.and_then(|e| e.against(&runs, p, alpha, bound)).map(|bound| bound.says());
                supported += u32::from(says == Some(Says::Supports));
                refuted += u32::from(says == Some(Says::Refutes));
            }
            let share = |count: u32| f64::from(count) / f64::from(experiments);
            // With a spread between runs the share beyond a typical run's quantile is a little above 1 − p.
            let is_met = share(supported) <= most(TIMES_NOMINAL * alpha / 2.0, experiments);
            println!(
                "{n:<17}{rounds:>6}{:>8.2} %{:>29.1} %{:>18.1} %{:>16.1} %   {}",
                100.0 * alpha / 2.0,
                100.0 * share(by_t),
                100.0 * share(supported),
                100.0 * share(refuted),
                word(is_met)
            );
            is_kept &= is_met;
        }
    }
    println!("promised: both support at most twice the nominal share\n");
    is_kept
}

/// How often a claim at its bound may be supported, in nominal shares.
const TIMES_NOMINAL: f64 = 2.0;

/// The 95 % quantile of a standard normal number.
const P95_OF_NORMAL: f64 = 1.644_853_626_951_472_2;

// ── Looks that were not planned ─────────────────────────────────────────────────────────────────

/// Rounds at which an experiment of at most 20 is looked at.
const SCHEDULES: [(&str, &[usize]); 4] = [
    ("as planned", &[5, 10, 20]),
    ("five budget ends", &[5, 8, 10, 12, 14, 16, 18, 20]),
    ("a report a round", &[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]),
    ("one budget end", &[5, 7]),
];

/// How often "ratio = 1" is decided either way at any look, although it is true: by the ledger, and by looks each of
/// which takes what the planned ones leave.
fn unplanned_looks_are_paid_for(extent: Extent) -> bool {
    let experiments = extent.of(20_000);
    println!("looks that were not planned; {experiments} experiments per row");
    println!("looks                decided although equal: each with what is left   by the ledger");
    let mut is_kept = true;
    for (place, (name, looks)) in SCHEDULES.into_iter().enumerate() {
        let mut rng = Pcg64Mcg::seed_from_u64(SEED + 300 + place as u64);
        let mut decided = [0_u32; 2];
        for _ in 0..experiments {
            let rounds: Vec<f64> = (0..20).map(|_| normal(&mut rng)).collect();
            let mut ledger = Ledger::new(20);
            let mut is_decided = [false; 2];
            for look in looks {
                let Some(moments) = Moments::of(&rounds[..*look]) else { continue };
                let unpaid = if LOOKS.iter().any(|planned| planned.0 == *look) {
                    alpha_at(*look)
                } else {
                    TOTAL_ALPHA
                        - LOOKS
                            .iter()
                            .filter(|planned| planned.0 < *look)
                            .map(|planned| planned.1)
                            .sum::<f64>()
                };
                let (after, paid) = ledger.look(*look, Occasion::BudgetEnd);
                ledger = after;
                for (is_decided, alpha) in is_decided.iter_mut().zip([unpaid, paid]) {
                    *is_decided |= side(moments.interval(alpha), 0.0) != Side::Across;
                }
            }
            for (count, is_decided) in decided.iter_mut().zip(is_decided) {
                *count += u32::from(is_decided);
            }
        }
        let [unpaid, paid] = decided.map(|count| f64::from(count) / f64::from(experiments));
        let is_met = paid <= most(TOTAL_ALPHA, experiments);
        println!("{name:<21}{:>42.1} %{:>17.1} %   {}", 100.0 * unpaid, 100.0 * paid, word(is_met));
        is_kept &= is_met;
    }
    for (name, ledger) in
        [("stop if it looks good", Ledger::new(20)), ("the same of exactly 20", Ledger::exactly(20))]
    {
        is_kept &= stopping_when_it_looks_good_is_paid_for(name, &ledger, extent);
    }
    println!("promised: ≤ {:.0} %\n", 100.0 * TOTAL_ALPHA);
    is_kept
}

/// Somebody watches the rounds and interrupts the experiment as soon as a report would decide it: only that look is
/// entered, at whatever round from the fifth on.
fn stopping_when_it_looks_good_is_paid_for(name: &str, planned: &Ledger, extent: Extent) -> bool {
    let experiments = extent.of(20_000);
    let mut rng = Pcg64Mcg::seed_from_u64(SEED + 350);
    let mut decided = [0_u32; 2];
    for _ in 0..experiments {
        let rounds: Vec<f64> = (0..20).map(|_| normal(&mut rng)).collect();
        let mut ledger = planned.clone();
        let mut is_decided = [false; 2];
        for n in 5..=20 {
            let Some(moments) = Moments::of(&rounds[..n]) else { continue };
            is_decided[0] |= side(moments.interval(TOTAL_ALPHA), 0.0) != Side::Across;
            is_decided[1] |=
                side(moments.interval(ledger.alpha(n, Occasion::Interruption)), 0.0) != Side::Across;
            if ledger.is_planned(n) {
                ledger = ledger.look(n, Occasion::Planned).0;
            }
        }
        for (count, is_decided) in decided.iter_mut().zip(is_decided) {
            *count += u32::from(is_decided);
        }
    }
    let [unpaid, paid] = decided.map(|count| f64::from(count) / f64::from(experiments));
    let is_met = paid <= most(TOTAL_ALPHA, experiments);
    println!("{name:<22}{:>41.1} %{:>17.1} %   {}", 100.0 * unpaid, 100.0 * paid, word(is_met));
    is_met
}

// ── Runs without a warm-up ──────────────────────────────────────────────────────────────────────

/// How seconds of a run hang together: the lag-1 correlation of their levels, and their spread as a share of that of a
/// request.
const WANDERING: [(&str, f64, f64); 3] =
    [("independent requests", 0.0, 0.0), ("seconds that differ", 0.0, 0.2), ("seconds in a row", 0.5, 0.2)];
/// Requests per second, and seconds of a run.
const STEADY_RATE: i64 = 40;
const STEADY_S: i64 = 30;
/// Most runs that may be held for unsteady although nothing in them changes.
const MOST_FALSE_ALARMS: f64 = 0.05;

/// How often a run of 30 s whose times come from one distribution throughout fails the audit's check of its steady state.
fn steady_runs_are_called_steady(extent: Extent) -> bool {
    let runs = extent.of(4000);
    println!(
        "\nruns of {STEADY_S} s, {STEADY_RATE} requests a second, without a warm-up; {runs} runs per row"
    );
    println!("levels of seconds      called unsteady   with a slow start of 12 s (+50 %)");
    let mut is_kept = true;
    for (place, (name, correlation, spread)) in WANDERING.into_iter().enumerate() {
        let mut rng = Pcg64Mcg::seed_from_u64(SEED + 500 + place as u64);
        let mut share = |slow_start: f64| {
            let unsteady = (0..runs).filter(|_| {
                let run = wandering_run(correlation, spread, slow_start, &mut rng);
                let audit = audit::of_run(&run);
                audit.checks.iter().any(|check| check.name == "steady state" && check.grade != Grade::Valid)
            });
            unsteady.count() as f64 / f64::from(runs)
        };
        let (alarms, found) = (share(1.0), share(1.5));
        let is_met = alarms <= most(MOST_FALSE_ALARMS, runs);
        println!("{name:<21}{:>17.1} %{:>17.1} %   {}", 100.0 * alarms, 100.0 * found, word(is_met));
        is_kept &= is_met;
    }
    println!("promised: ≤ {:.0} % called unsteady without a slow start", 100.0 * MOST_FALSE_ALARMS);
    is_kept
}

/// A run whose requests take 10 ms times `e^(0.5·Z)`, and whose seconds have levels of their own, an AR(1) series.
fn wandering_run(correlation: f64, spread: f64, slow_start: f64, rng: &mut Pcg64Mcg) -> MeasuredRun {
    let mut samples = SampleColumns {
        subjects: vec![Subject {
            kind: Kind::Request,
            traffic_class: String::new(),
            endpoint: "GET /".to_owned(),
        }],
        ..SampleColumns::default()
    };
    let mut level = normal(rng);
    for second in 0..STEADY_S {
        level = correlation * level + (1.0 - correlation * correlation).sqrt() * normal(rng);
        let start = if second < 12 { slow_start } else { 1.0 };
        for request in 0..STEADY_RATE {
            let ms = 10.0 * start * (WITHIN_RUN_SD * (normal(rng) + spread * level)).exp();
            let due_us = second * 1_000_000 + request * 1_000_000 / STEADY_RATE;
            samples.subject.push(0);
            samples.outcome.push(sample::Outcome::Ok);
            samples.phase.push(Phase::Steady);
            samples.status.push(200);
            samples.intended_us.push(due_us);
            samples.sent_us.push(due_us);
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds")]
            samples.done_us.push(due_us + (ms * 1e3) as i64);
        }
    }
    let end_us = STEADY_S * 1_000_000;
    let steady =
        PhaseSpan { name: "steady".to_owned(), start_us: 0, end_us, complete: true, unknown: String::new() };
    let facts = RunFacts {
        end: RunEnd { state: RunState::Done, phases: vec![steady], ..RunEnd::default() },
        duration_s: STEADY_S as f64,
        ..RunFacts::default()
    };
    MeasuredRun {
        facts,
        samples,
        signals: Vec::new(),
        reasons: Vec::new(),
        slowest: Vec::new(),
        checksum: String::new(),
        soft_checks: Vec::new(),
        seal: Seal::default(),
    }
}

// ── Shares of two arms ──────────────────────────────────────────────────────────────────────────

/// Shares that count in two arms, requests a run of each, and a bound that their ratio does not keep.
struct Shares {
    name: &'static str,
    truth: [f64; 2],
    requests: [u32; 2],
    at_least: f64,
}

const SHARES: [Shares; 5] = [
    Shares { name: "ok, 99.7 % to 100 %", truth: [0.997, 1.0], requests: [100; 2], at_least: 0.999 },
    Shares { name: "ok, fewer on top", truth: [0.999; 2], requests: [100, 2000], at_least: 1.0 },
    Shares { name: "ok, more on top", truth: [0.999; 2], requests: [2000, 100], at_least: 1.0 },
    Shares { name: "failed, fewer on top", truth: [0.005; 2], requests: [100, 2000], at_least: 1.0 },
    Shares { name: "failed, more on top", truth: [0.005; 2], requests: [2000, 100], at_least: 1.0 },
];

/// How often "ratio of shares ≥ bound" is supported by independent requests whose ratio is at or below it.
fn shares_are_not_decided_by_chance(extent: Extent) -> bool {
    let experiments = extent.of(4000);
    println!("ratios of shares at or below their bound; {experiments} experiments per row");
    println!("shares                 supported at 5 rounds   at 10   at 20");
    let mut is_kept = true;
    for (place, setting) in SHARES.iter().enumerate() {
        let mut rng = Pcg64Mcg::seed_from_u64(SEED + 400 + place as u64);
        let supported = LOOKS.map(|(rounds, alpha)| {
            let experiment = |rng: &mut Pcg64Mcg| -> bool {
                let arm = |arm: usize, rng: &mut Pcg64Mcg| {
                    let n = setting.requests[arm];
                    let k = (0..n).filter(|_| rng.random::<f64>() < setting.truth[arm]).count();
                    Share { k: k as f64, n: f64::from(n) }
                };
                let rounds: Vec<[Share; 2]> = (0..rounds).map(|_| [arm(0, rng), arm(1, rng)]).collect();
                ratio(&rounds, alpha).is_some_and(|found| found.interval.low >= setting.at_least)
            };
            let count = (0..experiments).filter(|_| experiment(&mut rng)).count();
            (count as f64 / f64::from(experiments), alpha)
        });
        let is_met =
            supported.iter().all(|(share, alpha)| *share <= most(TIMES_NOMINAL * alpha / 2.0, experiments));
        let [five, ten, twenty] = supported.map(|(share, _)| 100.0 * share);
        println!("{:<21}{five:>21.1} %{ten:>7.1} %{twenty:>6.1} %   {}", setting.name, word(is_met));
        is_kept &= is_met;
    }
    println!("promised: at most twice the nominal 0.5, 0.75 and 1.25 %");
    is_kept
}

// ── Experiments ─────────────────────────────────────────────────────────────────────────────────

fn simulate(setting: &Setting, experiments: u32, seed: u64) -> Outcome {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let [mut covered, mut decided] = [0_u32; 2];
    let mut supports = [0_u32; CLAIMS.len()];
    for _ in 0..experiments {
        let rounds = experiment(setting, TRUE_RATIO, ROUNDS, &mut rng);
        let interval = Moments::of(&rounds).map(|moments| moments.interval(ALPHA));
        covered += u32::from(interval.is_some_and(|i| i.contains(TRUE_RATIO.ln())));

        let rounds = experiment(setting, 1.0, LOOKS[LOOKS.len() - 1].0, &mut rng);
        for (count, claim) in supports.iter_mut().zip(CLAIMS) {
            *count += u32::from(decide(&rounds, claim) == Side::Above);
        }
        decided += u32::from(decide(&rounds, 1.0) != Side::Across);
    }
    let share = |count: u32| f64::from(count) / f64::from(experiments);
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

/// The samples of a run around the level `e^level` with its own noise, sorted.
fn sorted_run(requests: usize, level: f64, rng: &mut Pcg64Mcg) -> Vec<f64> {
    let level = level + RUN_SD * normal(rng);
    sorted_samples(requests, level, rng)
}

fn sorted_samples(requests: usize, level: f64, rng: &mut Pcg64Mcg) -> Vec<f64> {
    let mut samples: Vec<f64> = (0..requests).map(|_| (level + WITHIN_RUN_SD * normal(rng)).exp()).collect();
    samples.sort_unstable_by(f64::total_cmp);
    samples
}

/// A standard normal number, by Box and Muller's method.
fn normal(rng: &mut Pcg64Mcg) -> f64 {
    let (radius, turn) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
}
