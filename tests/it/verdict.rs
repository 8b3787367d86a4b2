//! Verdicts over runs of known values: what decides, what does not, and that the interval which is
//! shown is the one that decided.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "times and counts of a test are small"
)]

mod survivors;

use std::sync::Arc;

use loadproof::claim::{Amount, Bound, Claim, Expression, Rule, Selection, Stretch, Unit};
use loadproof::reading::SignalColumn;
use loadproof::report::{About, Of, html, json, markdown, model, text};
use loadproof::run::{Arm, LoadFacts, MeasuredRun, PhaseSpan, RunEnd, RunFacts, RunId, RunStart, RunState};
use loadproof::sample::{Kind, Outcome, Phase, SampleColumns, Subject};
use loadproof::summary::compare;
use loadproof::verdict::audit::Grade;
use loadproof::verdict::floor::Floor;
use loadproof::verdict::{self, Decided, Judgement, Ledger, Occasion, Options, Scale, Verdict};
use proptest::prelude::*;

mod signals;

/// A run whose requests take about `ms`, one every 10 ms for 40 s; of each hundred the last `failed` fail.
fn run(arm: Arm, round: u32, ms: f64, failed: usize) -> MeasuredRun {
    let subject = Subject { kind: Kind::Request, traffic_class: String::new(), endpoint: "GET /".to_owned() };
    let n = 4000;
    let time = |i: i64| (ms * 1000.0 * (0.9 + 0.2 * ((i * 7919) % 997) as f64 / 997.0)) as i64;
    let outcome = |i: usize| if i % 100 >= 100 - failed { Outcome::Failed } else { Outcome::Ok };
    let samples = SampleColumns {
        subjects: vec![subject],
        subject: vec![0; n],
        outcome: (0..n).map(outcome).collect(),
        phase: vec![Phase::Steady; n],
        status: vec![200; n],
        intended_us: (0..n as i64).map(|i| i * 10_000).collect(),
        sent_us: (0..n as i64).map(|i| i * 10_000 + 20).collect(),
        done_us: (0..n as i64).map(|i| i * 10_000 + time(i)).collect(),
        key: Vec::new(),
        ..SampleColumns::default()
    };
    let signal = |name: &str, value: fn(i64) -> f64| SignalColumn {
        name: name.to_owned(),
        unit: String::new(),
        is_counter: false,
        readings: (0..80).map(|i| (i * 500_000, value(i))).collect(),
    };
    let signals = vec![
        signal("rising", |i| i as f64),
        signal("level", |i| 100.0 + (i % 3) as f64),
        signal("emptied", |i| (60 - i).max(0) as f64),
        SignalColumn { readings: Vec::new(), ..signal("unseen", |_| 0.0) },
        SignalColumn { is_counter: true, ..signal("shop cpu", |i| i as f64 * 0.1) },
    ];
    let steady = PhaseSpan {
        name: "steady".to_owned(),
        start_us: 0,
        end_us: 40_000_000,
        complete: true,
        unknown: String::new(),
    };
    let facts = RunFacts {
        id: RunId(i64::from(round) * 2 + i64::from(arm == Arm::Treatment)),
        start: RunStart {
            scenario: "test".to_owned(),
            fingerprint: "f".to_owned(),
            load: "steady".to_owned(),
            profile: arm.word().to_owned(),
            arm: Some(arm),
            round: Some(round),
            started_at: format!("2026-11-20T14:{round:02}:00Z"),
            seed: u64::from(round),
            load_facts: LoadFacts {
                executor: "open".to_owned(),
                max_in_flight: 100,
                rate_per_s: Some(100.0),
                workers: 1,
            },
            ..RunStart::default()
        },
        duration_s: 40.0,
        samples: n as u64,
        pruned_unix_us: None,
        end: RunEnd { state: RunState::Done, phases: vec![steady], ..RunEnd::default() },
    };
    MeasuredRun {
        facts,
        samples,
        signals,
        reasons: Vec::new(),
        soft_checks: Vec::new(),
        slowest: Vec::new(),
        checksum: String::new(),
        seal: loadproof::run::Seal::default(),
    }
}

fn claim(value: &str, bound: Bound) -> Claim {
    Claim::new(value, Expression::new(value), bound)
}

fn at_least(value: f64) -> Bound {
    Bound::AtLeast(Amount { value, unit: Unit::Times })
}

fn at_most(value: f64) -> Bound {
    Bound::AtMost(Amount { value, unit: Unit::Time })
}

/// Rounds of a baseline at 10 ms and a treatment at `ms`, judged by the claims as the last look.
fn judged(treatment_ms: &[f64], claims: &[Claim]) -> Judgement {
    let rounds = (1..).zip(treatment_ms);
    let runs: Vec<Arc<MeasuredRun>> = rounds
        .flat_map(|(round, ms)| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, *ms, 0)])
        .map(Arc::new)
        .collect();
    let options = Options::default();
    verdict::of_rounds_with(&runs, claims, &options)
}

fn one(treatment_ms: &[f64], claim: Claim) -> Decided {
    judged(treatment_ms, &[claim]).claims.remove(0)
}

const TWICE: [f64; 5] = [4.9, 5.1, 5.0, 4.8, 5.2];

#[test]
fn a_ratio_is_decided_by_where_its_interval_lies() {
    let faster = |bound| one(&TWICE, claim("baseline.p50 / treatment.p50", at_least(bound)));
    let supported = faster(1.8);
    assert_eq!((supported.verdict, supported.scale), (Verdict::Supported, Scale::Log));
    assert!((supported.estimate.unwrap() - 2.0).abs() < 0.02);
    assert_eq!(faster(2.2).verdict, Verdict::Refuted);
    let open = faster(2.0);
    assert_eq!(open.verdict, Verdict::Undecided);
    assert!(open.supports.unwrap().starts_with("at least 1.9"));
    assert_eq!(faster(1.96).rounds_needed.map(|n| n > 5), Some(true));
}

#[test]
fn equality_needs_the_whole_interval_inside() {
    let same = |low: f64, high: f64, ms: &[f64]| {
        let amount = |value| Amount { value, unit: Unit::Change };
        one(ms, claim("treatment.p50 / baseline.p50", Bound::Within(amount(low), amount(high)))).verdict
    };
    let equal = [10.0, 10.1, 9.9, 10.05, 9.95];
    assert_eq!(same(0.97, 1.03, &equal), Verdict::Supported);
    assert_eq!(same(0.999, 1.001, &equal), Verdict::Undecided);
    assert_eq!(same(0.97, 1.03, &TWICE), Verdict::Refuted);
}

#[test]
fn absolute_claims_shares_and_counts_have_their_scales() {
    assert_eq!(one(&TWICE, claim("treatment.p95", at_most(6.0))).verdict, Verdict::Supported);
    assert_eq!(one(&TWICE, claim("treatment.p95", at_most(4.0))).verdict, Verdict::Refuted);
    let percent = |value| Amount { value, unit: Unit::Percent };
    let share = one(&TWICE, claim("treatment.ok_share", Bound::AtLeast(percent(0.99))));
    assert_eq!((share.verdict, share.scale), (Verdict::Supported, Scale::Share));
    let goodput = |within: &str, least| {
        let value = format!("treatment.share_within('{within}')");
        one(&TWICE, claim(&value, Bound::AtLeast(percent(least))))
    };
    let fast = goodput("50ms", 0.99);
    assert_eq!((fast.verdict, fast.scale), (Verdict::Supported, Scale::Share));
    assert_eq!(goodput("1ms", 0.99).verdict, Verdict::Refuted);
    // No failure in 20 000 requests does not make the share 0: the interval ends above it.
    let failed = one(&TWICE, claim("treatment.failed_share", Bound::AtMost(percent(0.005))));
    assert!(failed.verdict == Verdict::Supported && failed.high.unwrap() > 1e-5, "{failed:?}");
    let none = one(&TWICE, claim("treatment.failed", Bound::AtMost(Amount::plain(0.0))));
    assert_eq!((none.verdict, none.scale), (Verdict::Supported, Scale::Plain));
}

#[test]
fn gating_claims_share_the_error_and_others_do_not() {
    let free = Claim { gates: false, ..claim("treatment.p50", at_most(6.0)) };
    let gating = claim("treatment.p50", at_most(6.0));
    let judgement = judged(&TWICE, &[gating.clone(), gating.clone(), gating, free]);
    let alphas: Vec<f64> = judgement.claims.iter().map(|c| c.alpha).collect();
    assert!(alphas[..3].iter().all(|a| (a - 0.05 / 3.0).abs() < 1e-12), "{alphas:?}");
    assert!((alphas[3] - 0.05).abs() < 1e-12);
    let width = |c: &Decided| c.high.unwrap() - c.low.unwrap();
    assert!(width(&judgement.claims[0]) > width(&judgement.claims[3]));
}

#[test]
fn fewer_than_five_rounds_are_indicative() {
    for rounds in 1..5 {
        let decided = one(&TWICE[..rounds], claim("baseline.p50 / treatment.p50", at_least(1.5)));
        assert_eq!((decided.verdict, decided.indicative), (Verdict::Undecided, true), "{rounds}");
        assert!(decided.reason.contains("indicative (supported"), "{}", decided.reason);
        let held =
            Claim { rule: Rule::EveryRun, ..claim("run.max('rising')", Bound::AtMost(Amount::plain(90.0))) };
        assert_eq!(one(&TWICE[..rounds], held.clone()).verdict, Verdict::Undecided, "{rounds}");
        let broken = Claim { bound: Bound::AtMost(Amount::plain(9.0)), ..held };
        assert_eq!(one(&TWICE[..rounds], broken).verdict, Verdict::Refuted, "one violation is enough");
    }
}

#[test]
fn a_high_quantile_needs_events_enough_and_every_round_on_its_side() {
    // One slow request every 1.3 s, of which 20 lie beyond p99.5; and all of them within a second: one event.
    let with_slow = |round, arm, is_slow: fn(usize) -> bool, ms: f64| {
        let mut run = run(arm, round, 10.0, 0);
        for i in (0..4000).filter(|i| is_slow(*i)) {
            run.samples.done_us[i] =
                run.samples.intended_us[i] + (ms * 1000.0) as i64 + (i as i64 * 7919) % 997;
        }
        Arc::new(run)
    };
    let spread: fn(usize) -> bool = |i| i % 130 == 7;
    let bunched: fn(usize) -> bool = |i| (2000..2042).contains(&i);
    let judge = |is_slow, slow_ms: [f64; 5]| {
        let runs: Vec<_> = (1..)
            .zip(slow_ms)
            .flat_map(|(round, ms)| {
                [
                    with_slow(round, Arm::Baseline, is_slow, 300.0),
                    with_slow(round, Arm::Treatment, is_slow, ms),
                ]
            })
            .collect();
        let claims = [claim("baseline.p99_5 / treatment.p99_5", at_least(2.0))];
        let options = Options::default();
        verdict::of_rounds_with(&runs, &claims, &options).claims.remove(0)
    };
    let clear = judge(spread, [100.0, 101.0, 99.0, 100.0, 102.0]);
    assert_eq!(clear.verdict, Verdict::Supported, "{}", clear.reason);
    let few = judge(bunched, [100.0, 101.0, 99.0, 100.0, 102.0]);
    assert_eq!(few.verdict, Verdict::Undecided);
    assert!(few.reason.contains("is based on 1 independent events per run; 20 are needed"), "{}", few.reason);
    // Nor is anything refuted by so few.
    let slower = judge(bunched, [290.0, 291.0, 289.0, 290.0, 292.0]);
    assert_eq!(slower.verdict, Verdict::Undecided, "{}", slower.reason);
    // The interval of these five ratios lies above 2, one of them below it.
    let one_short = judge(spread, [151.5, 100.0, 93.75, 96.8, 94.9]);
    assert!(one_short.low.unwrap() > 2.0, "{:?}", one_short.low);
    assert_eq!(one_short.verdict, Verdict::Undecided);
    assert!(one_short.reason.contains("round 1 is on the other side of the bound"), "{}", one_short.reason);
}

#[test]
fn shapes_over_time_are_claims_like_others() {
    let percent = |value| Amount { value, unit: Unit::Percent };
    let growth = |signal: &str, bound| one(&TWICE, claim(&format!("run.growth('{signal}')"), bound)).verdict;
    assert_eq!(growth("rising", Bound::AtLeast(percent(0.1))), Verdict::Supported);
    assert_eq!(growth("level", Bound::Within(percent(-0.1), percent(0.1))), Verdict::Supported);
    assert_eq!(growth("emptied", Bound::AtLeast(percent(0.1))), Verdict::Refuted);
    let drained =
        Claim { rule: Rule::EveryRun, ..claim("run.remaining('emptied')", Bound::AtMost(percent(0.0))) };
    assert_eq!(one(&TWICE, drained).verdict, Verdict::Supported);
    let kept =
        Claim { rule: Rule::EveryRun, ..claim("run.max('rising')", Bound::AtMost(Amount::plain(50.0))) };
    let kept = one(&TWICE, kept);
    assert!(
        kept.verdict == Verdict::Refuted && kept.reason.contains("violated in 5 of 5 rounds"),
        "{}",
        kept.reason
    );
}

#[test]
fn what_was_never_seen_makes_a_claim_invalid_and_so_do_bad_runs() {
    let unseen = one(&TWICE, claim("run.max('unseen')", Bound::AtMost(Amount::plain(1.0))));
    assert_eq!(unseen.verdict, Verdict::Invalid);
    assert!(unseen.reason.contains("signal `unseen` was not read in run"), "{}", unseen.reason);

    let mut runs: Vec<MeasuredRun> = (1..=5)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .collect();
    runs[3].facts.start.fingerprint = "other work".to_owned();
    let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
    let claims = [claim("baseline.p50 / treatment.p50", at_least(1.5))];
    let strict = verdict::of_rounds_with(&runs, &claims, &Options::default());
    assert_eq!((strict.audit.grade, strict.overall()), (Grade::Invalid, Some(Verdict::Invalid)));
    assert!(strict.claims[0].reason.contains("different workloads"), "{}", strict.claims[0].reason);
    assert!(strict.claims[0].estimate.is_some(), "the figures are still there to be looked at");
    let options = Options { allow_invalid: true, ..Options::default() };
    assert_eq!(verdict::of_rounds_with(&runs, &claims, &options).overall(), Some(Verdict::Supported));
}

#[test]
fn recovery_and_cpu_are_statistics_like_others() {
    // Slow from 20 s to 26 s.
    let slow = |round, arm| {
        let mut run = run(arm, round, 10.0, 0);
        for i in 2000..2600 {
            run.samples.done_us[i] = run.samples.intended_us[i] + 90_000;
        }
        Arc::new(run)
    };
    let runs: Vec<_> =
        (1..=5).flat_map(|round| [slow(round, Arm::Baseline), slow(round, Arm::Treatment)]).collect();
    let every_run = |bound| Claim { rule: Rule::EveryRun, ..claim("run.recovery('20s')", at_most(bound)) };
    let claims = [every_run(10_000.0), every_run(5_000.0), claim("run.cpu_per_request", at_most(2.0))];
    let options = Options::default();
    let decided = verdict::of_rounds_with(&runs, &claims, &options).claims;
    assert_eq!(decided[0].verdict, Verdict::Supported, "{}", decided[0].reason);
    assert_eq!((decided[0].estimate, decided[1].verdict), (Some(6000.0), Verdict::Refuted));
    // 7.9 s of CPU for 4000 requests.
    assert!((decided[2].estimate.unwrap() - 7900.0 / 4000.0).abs() < 1e-9, "{:?}", decided[2].estimate);
}

#[test]
fn a_deadline_that_was_missed_refutes() {
    let mut runs: Vec<MeasuredRun> = (1..=5)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .collect();
    for (i, run) in runs.iter_mut().enumerate() {
        let drain = PhaseSpan {
            name: "drain".to_owned(),
            start_us: 40_000_000,
            end_us: 42_000_000,
            // Of one round only.
            complete: i != 5,
            unknown: String::new(),
        };
        run.facts.end.phases.push(drain);
    }
    let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
    let claims =
        [claim("treatment.drain_time", at_most(10_000.0)), claim("baseline.drain_time", at_most(10_000.0))];
    let options = Options::default();
    let decided = verdict::of_rounds_with(&runs, &claims, &options).claims;
    assert_eq!(
        (decided[0].verdict, decided[0].reason.as_str()),
        (Verdict::Refuted, "it did not happen within its time in round 3")
    );
    assert_eq!(decided[1].verdict, Verdict::Supported);
}

#[test]
fn rounds_that_lack_an_arm_are_left_out() {
    let mut runs: Vec<MeasuredRun> = (1..=6)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .collect();
    runs[11].facts.end.state = RunState::Interrupted;
    let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
    let claims = [claim("baseline.p50 / treatment.p50", at_least(1.5))];
    let judgement = verdict::of_rounds_with(
        &runs,
        &claims,
        &Options { look: Some((Ledger::new(20), Occasion::Planned)), ..Options::default() },
    );
    assert_eq!((judgement.rounds, judgement.audit.runs.len()), (5, 10));
    assert_eq!(judgement.overall(), Some(Verdict::Supported));
}

#[test]
fn the_settled_phase_leaves_the_warm_up_of_both_arms_out() {
    // The treatment's first 10 s are four times as slow.
    let runs: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| {
            let mut slow = run(Arm::Treatment, round, 10.0, 0);
            for i in 0..1000 {
                slow.samples.done_us[i] = slow.samples.intended_us[i] + 40_000;
            }
            [run(Arm::Baseline, round, 10.0, 0), slow]
        })
        .map(Arc::new)
        .collect();
    let of_phase = |phase| {
        let select = Selection { phase: Some(phase), ..Selection::default() };
        let claim = Claim { select, ..claim("treatment.mean / baseline.mean", at_least(1.0)) };
        let options = Options::default();
        verdict::of_rounds_with(&runs, &[claim], &options).claims.remove(0)
    };
    assert!(of_phase(Stretch::Steady).estimate.unwrap() > 1.5);
    assert!((of_phase(Stretch::Settled).estimate.unwrap() - 1.0).abs() < 1e-3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Inside is supported, outside refuted, across undecided: a reader of the page comes to the same.
    #[test]
    fn the_interval_that_is_shown_is_the_one_that_decided(
        ms in prop::collection::vec(2.0..30.0_f64, 5..7),
        bound in 0.3..6.0_f64,
        is_least in any::<bool>(),
    ) {
        let amount = Amount { value: bound, unit: Unit::Times };
        let bound = if is_least { Bound::AtLeast(amount) } else { Bound::AtMost(amount) };
        let decided = one(&ms, claim("baseline.p50 / treatment.p50", bound));
        let (low, high) = (decided.low.unwrap(), decided.high.unwrap());
        let estimate = decided.estimate.unwrap();
        prop_assert!(low <= estimate && estimate <= high);
        let expected = match (bound.holds(low), bound.holds(high)) {
            (true, true) => Verdict::Supported,
            (false, false) => Verdict::Refuted,
            _ => Verdict::Undecided,
        };
        prop_assert_eq!(decided.verdict, expected);
    }
}

/// A run whose requests become slower by this share from its start to its end.
fn slowing(share: f64) -> MeasuredRun {
    let mut run = run(Arm::Treatment, 1, 10.0, 0);
    let columns = &mut run.samples;
    for (done, intended) in columns.done_us.iter_mut().zip(&columns.intended_us) {
        let stretch = 1.0 + share * *intended as f64 / 40e6;
        *done = intended + ((*done - intended) as f64 * stretch) as i64;
    }
    run
}

/// A claim about a single run, decided.
fn of_run(mut run: MeasuredRun, claim: Claim) -> Decided {
    run.facts.start.claims = vec![claim];
    verdict::of_run(&Arc::new(run), &Options { allow_invalid: true, ..Options::default() }).claims.remove(0)
}

#[test]
fn a_single_run_tells_whether_it_drifts() {
    let within = Bound::AtMost(Amount { value: 0.1, unit: Unit::Percent });
    let drift = |run: MeasuredRun, of: &str| of_run(run, claim(&format!("run.drift({of})"), within));
    let level = drift(slowing(0.0), "95");
    assert_eq!((level.verdict, level.scale), (Verdict::Supported, Scale::WithinRun));
    let slower = drift(slowing(0.5), "95");
    assert_eq!(slower.verdict, Verdict::Refuted);
    assert!((slower.estimate.unwrap() - 0.47).abs() < 0.05, "{:?}", slower.estimate);
    assert_eq!(drift(slowing(0.0), "'level'").verdict, Verdict::Supported);
    assert_eq!(drift(slowing(0.0), "'rising'").verdict, Verdict::Refuted);
    assert_eq!(drift(slowing(0.0), "'unseen'").verdict, Verdict::Invalid);
}

#[test]
fn what_goes_together_is_told_by_ranks() {
    let exactly = Bound::AtLeast(Amount::plain(0.9));
    assert_eq!(of_run(slowing(1.0), claim("run.correlation('rising')", exactly)).verdict, Verdict::Supported);
    assert_eq!(of_run(slowing(0.0), claim("run.correlation('rising')", exactly)).verdict, Verdict::Refuted);
}

#[test]
fn events_that_requests_raise_are_held_against_what_was_counted() {
    use loadproof::run::RaisedEvent;
    let raised = |event: &str| RaisedEvent {
        traffic_class: String::new(),
        endpoint: "GET /".to_owned(),
        stream: "order".to_owned(),
        event: event.to_owned(),
    };
    let accounted = |processed: f64, failed: usize| {
        let mut run = run(Arm::Treatment, 1, 10.0, failed);
        run.facts.start.raised = vec![raised("Created"), raised("Confirmed")];
        run.signals.push(SignalColumn {
            name: "processed".to_owned(),
            unit: String::new(),
            is_counter: true,
            readings: vec![(-1000, 100.0), (41_000_000, 100.0 + processed)],
        });
        let value = "(run.delta('processed') - run.events('order'))|abs";
        let nothing = Bound::AtMost(Amount::plain(0.0));
        of_run(run, Claim { rule: Rule::EveryRun, ..claim(value, nothing) })
    };
    assert_eq!(accounted(8000.0, 0).verdict, Verdict::Supported);
    let lost = accounted(7999.0, 0);
    assert_eq!((lost.verdict, lost.estimate), (Verdict::Refuted, Some(1.0)));
    // What failed has raised nothing.
    let some = accounted(7920.0, 1);
    assert_eq!((some.verdict, some.n()), (Verdict::Supported, 7920), "{}", some.reason);
    // Where nothing was raised and nothing counted, nothing is accounted for.
    let none = accounted(0.0, 100);
    assert_eq!(none.verdict, Verdict::Invalid);
    assert!(none.reason.contains("n = 0"), "{}", none.reason);
    assert_eq!(accounted(1.0, 100).verdict, Verdict::Refuted);
}

#[test]
fn a_sign_is_seen_where_its_condition_holds_and_decides_nothing() {
    use loadproof::claim::Symptom;
    let symptom = |title: &str, when: &str, loads: &[&str]| Symptom {
        title: title.to_owned(),
        when: Expression::new(when),
        select: Selection::default(),
        remedy: "Start more engines.".to_owned(),
        loads: loads.iter().map(|load| (*load).to_owned()).collect(),
        profiles: Vec::new(),
    };
    let mut run = run(Arm::Treatment, 1, 10.0, 0);
    run.facts.start.symptoms = vec![
        symptom("it grows", "run.growth('rising') > 0.5", &[]),
        symptom("it is empty", "run.max('level') == 0", &[]),
        symptom("of another load", "run.growth('rising') > 0.5", &["spike"]),
        symptom("of nothing", "run.max('unseen') > 0", &[]),
    ];
    let judgement = verdict::of_run(&Arc::new(run), &Options::default());
    assert_eq!(judgement.overall(), None);
    let [seen] = &judgement.symptoms[..] else { panic!("{:?}", judgement.symptoms) };
    assert_eq!((seen.title.as_str(), seen.remedy.as_str()), ("it grows", "Start more engines."));
    assert!(seen.seen.starts_with("growth('rising') was "), "{}", seen.seen);
}

/// Five rounds whose treatment is made from a run at 5 ms.
fn rounds_with(change: impl Fn(&mut MeasuredRun), claims: &[Claim]) -> Vec<Decided> {
    let runs: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| {
            let mut treatment = run(Arm::Treatment, round, 5.0, 0);
            change(&mut treatment);
            [run(Arm::Baseline, round, 10.0, 0), treatment]
        })
        .map(Arc::new)
        .collect();
    verdict::of_rounds_with(&runs, claims, &last_look()).claims
}

fn last_look() -> Options {
    Options { allow_invalid: true, ..Options::default() }
}

/// Ends the first so many of each hundred samples in a way.
fn end(run: &mut MeasuredRun, percent: usize, outcome: Outcome) {
    for i in (0..run.samples.outcome.len()).filter(|i| i % 100 < percent) {
        run.samples.outcome[i] = outcome;
    }
}

fn faster() -> Claim {
    claim("baseline.p95 / treatment.p95", at_least(1.5))
}

#[test]
fn survivors_are_not_faster() {
    let with =
        |percent, outcome, claim: Claim| rounds_with(|run| end(run, percent, outcome), &[claim]).remove(0);
    assert_eq!(with(0, Outcome::Ok, faster()).verdict, Verdict::Supported);
    let failed = with(80, Outcome::Failed, faster());
    assert_eq!(failed.verdict, Verdict::Invalid);
    assert!(
        failed.reason.contains("800 of 4000 samples of treatment ended as expected"),
        "{}",
        failed.reason
    );
    let refused = with(60, Outcome::Rejected, faster());
    assert_eq!(refused.verdict, Verdict::Invalid);
    assert!(
        refused.reason.contains("0 % of the samples of baseline were rejected, and 60 % of treatment"),
        "{}",
        refused.reason
    );
    // What never came took for ever, which refutes; at the median it is a survivor's time again.
    let hanging = with(30, Outcome::Error, faster());
    assert_eq!(hanging.verdict, Verdict::Refuted, "{}", hanging.reason);
    assert!(hanging.reason.contains("treatment.p95 is unbounded"), "{}", hanging.reason);
    let median = claim("baseline.p50 / treatment.p50", at_least(1.5));
    assert_eq!(with(30, Outcome::Error, median.clone()).verdict, Verdict::Invalid);
    // A mean has no value then.
    assert_eq!(with(1, Outcome::Error, claim("treatment.mean", at_most(9.0))).verdict, Verdict::Invalid);
    // Said to be meant.
    let meant = Claim { tolerates: Some(0.35), ..median.clone() };
    assert_eq!(with(30, Outcome::Error, meant).verdict, Verdict::Supported);
    let only_ok = Selection { outcome: Some(Outcome::Ok), ..Selection::default() };
    assert_eq!(with(80, Outcome::Failed, Claim { select: only_ok, ..median }).verdict, Verdict::Supported);
}

#[test]
fn effects_that_never_come_count() {
    let claims = [
        Claim {
            select: Selection { effect: Some("visible".to_owned()), ..Selection::default() },
            ..claim("treatment.p95", at_most(150.0))
        },
        Claim {
            select: Selection { effect: Some("visible".to_owned()), ..Selection::default() },
            rule: Rule::EveryRun,
            ..claim("treatment.max", at_most(500.0))
        },
    ];
    let make = |run: &mut MeasuredRun| {
        run.samples.subjects[0].kind = Kind::Effect;
        "visible".clone_into(&mut run.samples.subjects[0].endpoint);
        end(run, 31, Outcome::Failed);
    };
    let decided = rounds_with(make, &claims);
    assert_eq!(decided[0].verdict, Verdict::Refuted, "{}", decided[0].reason);
    assert_eq!(decided[1].verdict, Verdict::Refuted, "{}", decided[1].reason);
}

#[test]
fn answers_that_shrink_are_other_answers() {
    let sized = |bytes: u32, claim: Claim| {
        let runs: Vec<Arc<MeasuredRun>> = (1..=5)
            .flat_map(|round| {
                [(Arm::Baseline, 10.0, 2000), (Arm::Treatment, 5.0, bytes)].map(|(arm, ms, bytes)| {
                    let mut run = run(arm, round, ms, 0);
                    run.samples.bytes_in = vec![bytes; 4000];
                    Arc::new(run)
                })
            })
            .collect();
        verdict::of_rounds_with(&runs, &[claim], &last_look())
    };
    let empty = sized(0, faster());
    assert_eq!(empty.claims[0].verdict, Verdict::Invalid);
    assert!(empty.claims[0].reason.contains("shrank from 2000 to 0 bytes"), "{}", empty.claims[0].reason);
    assert_eq!(sized(0, Claim { answers_differ: true, ..faster() }).claims[0].verdict, Verdict::Supported);
    let smaller = sized(1500, faster());
    assert_eq!(smaller.claims[0].verdict, Verdict::Supported);
    let check = smaller.audit.between_arms.iter().find(|c| c.name == "answer sizes").unwrap();
    assert_eq!(check.grade, Grade::Warn, "{}", check.text);
}

#[test]
fn aborted_runs_are_evidence_against_their_arm() {
    let mut runs: Vec<MeasuredRun> = (1..=6)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .collect();
    runs[11].facts.end.state = RunState::Failed;
    "abort_when `run.failed_share > 0.2`: failed_share was 0.5".clone_into(&mut runs[11].facts.end.note);
    let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
    let share = Bound::AtMost(Amount { value: 0.01, unit: Unit::Percent });
    let claims = [faster(), claim("treatment.failed_share", share), claim("baseline.p50", at_most(20.0))];
    let decided = verdict::of_rounds_with(&runs, &claims, &last_look()).claims;
    let verdicts: Vec<Verdict> = decided.iter().map(|d| d.verdict).collect();
    assert_eq!(verdicts, [Verdict::Invalid, Verdict::Invalid, Verdict::Supported]);
    assert!(decided[0].reason.contains("1 of 6 runs of treatment were aborted"), "{}", decided[0].reason);
    // Nor does it count for nothing where it left no round complete.
    let first = verdict::of_rounds_with(&runs[10..], &claims[..1], &last_look());
    assert_eq!((first.audit.grade, first.audit.runs.len()), (Grade::Invalid, 2));
    assert_eq!(first.claims[0].verdict, Verdict::Invalid);
    assert!(
        first.claims[0].reason.contains("1 of 1 runs of treatment were aborted"),
        "{}",
        first.claims[0].reason
    );
    let strict = Options { allow_invalid: false, ..last_look() };
    let unclaimed = verdict::of_rounds_with(&runs[10..], &[], &strict);
    assert_eq!(unclaimed.consequence(false), Some(Verdict::Invalid));
}

#[test]
fn throughput_is_what_was_answered_within_the_load() {
    // From 20 s on answers come 30 s late: half of them after the load.
    let late = |run: &mut MeasuredRun| {
        for i in 2000..4000 {
            run.samples.done_us[i] = run.samples.intended_us[i] + 30_000_000;
        }
    };
    let amount = |value| Amount { value, unit: Unit::Change };
    let same = claim("treatment.throughput / baseline.throughput", Bound::Within(amount(0.97), amount(1.03)));
    let decided = rounds_with(late, &[same]).remove(0);
    assert_eq!(decided.verdict, Verdict::Refuted);
    assert!((decided.estimate.unwrap() - 0.5).abs() < 0.01, "{:?}", decided.estimate);
}

#[test]
fn shares_are_counted_once_and_never_known_exactly() {
    let percent = |value| Amount { value, unit: Unit::Percent };
    let none = Bound::AtMost(percent(0.0));
    let sum = one(&TWICE, claim("run.failed_share + run.error_share", none));
    assert_eq!((sum.verdict, sum.scale), (Verdict::Undecided, Scale::Share));
    assert!(sum.high.unwrap() > 1e-5);
    let three = one(&TWICE, claim("run.failed_share + run.error_share + run.dropped_share", none));
    assert_eq!((three.verdict, three.scale), (Verdict::Undecided, Scale::Share));
    let ratio = one(&TWICE, claim("treatment.ok_share / baseline.ok_share", at_least(0.9999)));
    assert!(ratio.low.unwrap() < ratio.high.unwrap(), "{ratio:?}");
    assert_eq!(ratio.verdict, Verdict::Undecided);
    let difference = one(&TWICE, claim("treatment.failed_share - baseline.failed_share", none));
    assert!(difference.low.unwrap() < 0.0 && difference.high.unwrap() > 0.0, "{difference:?}");
}

#[test]
fn numbers_of_samples_and_their_rates_are_never_known_exactly() {
    let change = |value| Amount { value, unit: Unit::Change };
    // Of 20 000 requests none failed, in either arm: one more or less would have been no wonder.
    for of in ["ok", "answered", "throughput"] {
        let ratio = claim(&format!("treatment.{of} / baseline.{of}"), Bound::AtLeast(change(0.999_99)));
        let ratio = one(&TWICE, ratio);
        assert!(ratio.low.unwrap() < 1.0 && ratio.high.unwrap() > 1.0, "{ratio:?}");
        assert_eq!(ratio.verdict, Verdict::Undecided, "{of}: {}", ratio.reason);
        let roughly = claim(&format!("treatment.{of} / baseline.{of}"), Bound::AtLeast(change(0.99)));
        assert_eq!(one(&TWICE, roughly).verdict, Verdict::Supported, "{of}");
    }
    let none = Bound::AtMost(Amount::plain(0.0));
    let more = one(&TWICE, claim("treatment.failed - baseline.failed", none));
    assert!(more.low.unwrap() < 0.0 && more.high.unwrap() > 0.0, "{more:?}");
    // Within a run, too.
    let mut run = run(Arm::Treatment, 1, 10.0, 0);
    run.soft_checks = vec![loadproof::run::SoftCheckCount {
        name: "in stock".to_owned(),
        subject: run.samples.subjects[0].clone(),
        phase: Phase::Steady,
        passed: 200,
        failed: 0,
    }];
    let all = Bound::AtLeast(Amount { value: 1.0, unit: Unit::Percent });
    let checked = of_run(run, claim("run.check_share('in stock')", all));
    assert_eq!((checked.verdict, checked.high), (Verdict::Supported, Some(1.0)));
    assert!((0.9..0.99).contains(&checked.low.unwrap()), "{checked:?}");
}

#[test]
fn seeds_are_compared_within_their_rounds() {
    let arm = |arm, rounds: &[u32]| -> Vec<Arc<MeasuredRun>> {
        rounds.iter().map(|round| Arc::new(run(arm, *round, 10.0, 0))).collect()
    };
    let differ = |baseline: &[Arc<MeasuredRun>], treatment: &[Arc<MeasuredRun>]| {
        let comparison = compare::of_runs(baseline, treatment).unwrap();
        comparison.warnings.contains(&loadproof::summary::Warning::SeedsDiffer)
    };
    let baseline = arm(Arm::Baseline, &[1, 2, 3]);
    assert!(!differ(&baseline, &arm(Arm::Treatment, &[1, 2, 3])));
    // The last round was interrupted.
    assert!(!differ(&baseline, &arm(Arm::Treatment, &[1, 2])));
    let mut other = run(Arm::Treatment, 3, 10.0, 0);
    other.facts.start.seed = 77;
    let mut treatment = arm(Arm::Treatment, &[1, 2]);
    treatment.push(Arc::new(other));
    assert!(differ(&baseline, &treatment));
    // Runs of no rounds.
    assert!(differ(&arm(Arm::Baseline, &[1]), &arm(Arm::Treatment, &[2])));
}

#[test]
fn few_samples_support_no_quantile() {
    // Three samples a run, whose 95 % quantile is their largest.
    let few = |run: &mut MeasuredRun| {
        for i in (0..4000).filter(|i| i % 1400 != 0) {
            run.samples.phase[i] = Phase::Ramp;
        }
    };
    let steady = Selection { phase: Some(Stretch::Steady), ..Selection::default() };
    let decided =
        rounds_with(few, &[Claim { select: steady, ..claim("treatment.p95", at_most(9.0)) }]).remove(0);
    assert_eq!(decided.verdict, Verdict::Undecided, "{}", decided.reason);
    let scaled = rounds_with(|_| {}, &[claim("treatment.p95 * 2", at_most(12.0))]).remove(0);
    assert_eq!(scaled.verdict, Verdict::Supported, "{}", scaled.reason);
}

#[test]
fn nothing_proves_nothing() {
    let nobody = Selection { endpoint: Some("GET /never".to_owned()), ..Selection::default() };
    let claims = [Claim { select: nobody, ..claim("run.failed", Bound::AtMost(Amount::plain(0.0))) }];
    let decided = rounds_with(|_| {}, &claims).remove(0);
    assert_eq!(decided.verdict, Verdict::Invalid);
    assert!(decided.reason.contains("n = 0"), "{}", decided.reason);
}

#[test]
fn a_counter_that_begins_again_adds_up() {
    let counter = |first: i64| SignalColumn {
        name: "hits".to_owned(),
        unit: String::new(),
        is_counter: true,
        readings: (0..80)
            .map(|i| {
                let counted = if i < 40 { 5000 + i * 50 } else { (i - 40) * 50 };
                (first + i * 500_000, counted as f64)
            })
            .collect(),
    };
    let hits = claim("run.delta('hits')", Bound::AtLeast(Amount::plain(3800.0)));
    let counted =
        |first, claim: Claim| rounds_with(|run| run.signals.push(counter(first)), &[claim]).remove(0);
    let decided = counted(-1, hits.clone());
    assert_eq!((decided.verdict, decided.estimate), (Verdict::Supported, Some(3900.0)), "{}", decided.reason);
    // What was counted right before it began again, and before its first reading, is not known: it refutes nothing.
    let more = Claim { bound: Bound::AtLeast(Amount::plain(5000.0)), ..hits };
    assert_eq!(counted(-1, more.clone()).verdict, Verdict::Invalid);
    assert_eq!(counted(1_000_000, more).verdict, Verdict::Invalid);
    let mut run = run(Arm::Treatment, 1, 10.0, 0);
    run.signals.push(counter(-1));
    let audit = verdict::of_run(&Arc::new(run), &Options::default()).audit;
    let check = audit.runs[0].checks.iter().find(|c| c.name == "counters").unwrap();
    assert_eq!(check.text, "hits began again at 0, so that the increase is a lower bound");
}

#[test]
fn fast_refusals_are_no_recovery() {
    let refusing = |run: &mut MeasuredRun| {
        for i in (2000..4000).filter(|i| i % 10 != 0) {
            run.samples.outcome[i] = Outcome::Failed;
        }
    };
    let recovers = Claim { rule: Rule::EveryRun, ..claim("run.recovery('20s')", at_most(1000.0)) };
    assert_eq!(rounds_with(refusing, &[recovers]).remove(0).verdict, Verdict::Refuted);
}

#[test]
fn a_run_of_a_closed_load_is_read_twice() {
    // One user; a stall of 1 s each 4 s holds one request in about 190.
    let mut closed = run(Arm::Treatment, 1, 10.0, 0);
    closed.facts.start.load_facts = LoadFacts { executor: "closed".to_owned(), ..LoadFacts::default() };
    closed.samples.caller = vec![1; 4000];
    for (stall, from) in (0..10).zip((0..4000).step_by(400)) {
        let due = i64::from(stall) * 4_000_000;
        for i in from..from + 400 {
            closed.samples.intended_us[i] = due + (i - from) as i64 * 7_500;
            closed.samples.done_us[i] = closed.samples.intended_us[i] + 7_500;
        }
        closed.samples.intended_us[from + 399] = due + 3_000_000;
        closed.samples.done_us[from + 399] = due + 4_000_000;
    }
    let at = |value: &str| of_run(closed.clone(), claim(value, at_most(100.0)));
    let high = at("run.p95");
    assert_eq!(high.verdict, Verdict::Undecided, "{}", high.reason);
    assert!(high.reason.contains("as measured"), "{}", high.reason);
    assert_eq!(at("run.p50").verdict, Verdict::Supported);
}

#[test]
fn a_run_meets_its_objectives_or_misses_them() {
    let word = |ms: f64, claim: Claim| of_run(run(Arm::Treatment, 1, ms, 0), claim).word;
    assert_eq!(word(10.0, claim("run.p95", at_most(300.0))), "met");
    assert_eq!(word(400.0, claim("run.p95", at_most(300.0))), "missed");
    let pair = one(&TWICE[..1], claim("baseline.p50 / treatment.p50", at_least(1.5)));
    assert_eq!(pair.word, "indicated");
    let against = judged(&TWICE[..1], &[claim("baseline.p50 / treatment.p50", at_least(3.0))]);
    assert_eq!(against.claims[0].word, "not indicated");
    let outcomes = [against.consequence(false), against.consequence(true)];
    assert_eq!(outcomes, [Some(Verdict::Undecided), Some(Verdict::Refuted)]);
}

#[test]
fn a_run_that_mostly_fails_is_no_success_without_claims_either() {
    let of = |percent, allow_failures| {
        let mut run = run(Arm::Treatment, 1, 10.0, 0);
        end(&mut run, percent, Outcome::Failed);
        let options = Options { allow_failures, ..Options::default() };
        verdict::of_run(&Arc::new(run), &options).consequence(false)
    };
    assert_eq!(of(40, false), None);
    assert_eq!(of(60, false), Some(Verdict::Refuted));
    assert_eq!(of(60, true), None);
    let of_rounds = |percent, allow_failures, rounds| {
        let runs: Vec<Arc<MeasuredRun>> = (1..=rounds)
            .flat_map(|round| {
                let mut treatment = run(Arm::Treatment, round, 10.0, 0);
                end(&mut treatment, percent, Outcome::Failed);
                [run(Arm::Baseline, round, 10.0, 0), treatment]
            })
            .map(Arc::new)
            .collect();
        let options = Options { allow_failures, ..Options::default() };
        verdict::of_rounds_with(&runs, &[], &options)
    };
    for rounds in [1, 5] {
        assert_eq!(of_rounds(40, false, rounds).consequence(false), None);
        assert_eq!(of_rounds(100, true, rounds).consequence(false), None);
        let failing = of_rounds(100, false, rounds);
        assert_eq!(failing.consequence(false), Some(Verdict::Refuted));
        let is_it = |check: &&verdict::audit::Check| check.name == "answers" && check.grade == Grade::Warn;
        let check = failing.audit.runs.iter().flat_map(|run| &run.checks).find(is_it);
        assert!(check.unwrap().text.contains("4000 were answered wrongly (100 %)"), "{check:?}");
    }
    let mut starved = run(Arm::Treatment, 1, 10.0, 0);
    starved.facts.end.state = RunState::Crashed;
    let judgement = verdict::of_run(&Arc::new(starved), &Options::default());
    assert_eq!(
        (judgement.audit.grade, judgement.consequence(false)),
        (Grade::Invalid, Some(Verdict::Invalid))
    );
}

#[test]
fn a_bad_run_voids_its_own_treatment_only() {
    let runs: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| {
            let mut bad = run(Arm::Treatment, round, 5.0, 0);
            "bad".clone_into(&mut bad.facts.start.profile);
            "other work".clone_into(&mut bad.facts.start.fingerprint);
            bad.facts.id = RunId(100 + i64::from(round));
            [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0), bad]
        })
        .map(Arc::new)
        .collect();
    let options = Options { allow_invalid: false, ..last_look() };
    let decided = verdict::of_rounds_with(&runs, &[faster()], &options).claims;
    let verdicts: Vec<(&str, Verdict)> = decided.iter().map(|d| (d.profile.as_str(), d.verdict)).collect();
    assert_eq!(verdicts, [("bad", Verdict::Invalid), ("treatment", Verdict::Supported)]);
}

#[test]
fn a_signal_that_one_claim_needs_voids_that_claim_only() {
    let mut run = run(Arm::Treatment, 1, 10.0, 0);
    run.facts.start.claims =
        vec![claim("run.p95", at_most(300.0)), claim("run.max('unseen')", Bound::AtMost(Amount::plain(1.0)))];
    let decided = verdict::of_run(&Arc::new(run), &Options::default()).claims;
    assert_eq!(decided.iter().map(|d| d.verdict).collect::<Vec<_>>(), [Verdict::Supported, Verdict::Invalid]);
}

#[test]
fn what_was_not_made_in_rounds_only_indicates() {
    let runs: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .map(Arc::new)
        .collect();
    let options = Options { only_indicates: Some("not made in rounds".to_owned()), ..last_look() };
    let decided = verdict::of_rounds_with(&runs, &[faster()], &options).claims.remove(0);
    assert_eq!((decided.verdict, decided.word), (Verdict::Undecided, "indicated"));
}

#[test]
fn lateness_voids_what_it_could_change() {
    let late = |bound| {
        let mut run = run(Arm::Treatment, 1, 5.0, 0);
        for i in 0..4000 {
            run.samples.sent_us[i] = run.samples.intended_us[i] + 30_000;
            run.samples.done_us[i] += 30_000;
        }
        run.facts.start.claims = vec![claim("run.p95", at_most(bound))];
        let judgement = verdict::of_run(&Arc::new(run), &Options::default());
        (judgement.audit.grade, judgement.claims[0].verdict)
    };
    assert_eq!(late(300.0), (Grade::Warn, Verdict::Supported));
    assert_eq!(late(40.0), (Grade::Invalid, Verdict::Invalid));
}

#[test]
fn a_claim_about_experiments_fails_no_single_run() {
    let slow = Claim {
        spares_runs: true,
        ..claim("run.p50", Bound::AtLeast(Amount { value: 500.0, unit: Unit::Time }))
    };
    let mut alone = run(Arm::Baseline, 1, 10.0, 0);
    alone.facts.start.claims = vec![slow.clone()];
    let judgement = verdict::of_run(&Arc::new(alone), &Options::default());
    assert_eq!((judgement.claims[0].word, judgement.overall()), ("missed", None));
    let rounds: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .map(Arc::new)
        .collect();
    let slow = Claim { value: Expression::new("baseline.p50"), ..slow };
    let judgement = verdict::of_rounds_with(&rounds, &[slow], &last_look());
    assert_eq!(judgement.overall(), Some(Verdict::Refuted));
}

#[test]
fn a_ratio_whose_bound_lies_within_the_generators_own_floor_is_undecided() {
    // 2 ms against 1 ms in the system, each with 0.37 ms of the generator's own.
    let runs: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| {
            let wobble = 1.0 + f64::from(round) * 1e-3;
            [run(Arm::Baseline, round, 2.37 * wobble, 0), run(Arm::Treatment, round, 1.37, 0)]
        })
        .map(|mut run| {
            let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            run.facts.start.environment = [fact("processor", "Test CPU"), fact("cores", "2")].into();
            Arc::new(run)
        })
        .collect();
    let decided = |value: &str, bound: Bound, machine: &str| {
        let floor = Floor { us: 370, machine: machine.to_owned(), made_at: "today".to_owned() };
        let options = Options { floor: Some(floor), ..last_look() };
        verdict::of_rounds_with(&runs, &[claim(value, bound)], &options).claims.remove(0)
    };
    let (ratio, here) = ("baseline.p50 / treatment.p50", "Test CPU, 2 cores");
    let open = decided(ratio, at_least(1.9), here);
    assert_eq!((open.verdict, open.word), (Verdict::Undecided, "undecided"), "{}", open.reason);
    assert!(
        open.reason.contains("1.74x as measured, 2.01x without the generator's own floor"),
        "{}",
        open.reason
    );
    // Where both are on one side the verdict stands, and the other value beside it.
    let supported = decided(ratio, at_least(1.5), here);
    assert_eq!(supported.verdict, Verdict::Supported, "{}", supported.reason);
    assert!(supported.notes.iter().any(|note| note.contains("2.01x without")), "{:?}", supported.notes);
    assert_eq!(decided(ratio, at_least(2.5), here).verdict, Verdict::Refuted);
    // Nothing is known of other machines, and a time by itself is what its user has seen.
    assert_eq!(decided(ratio, at_least(1.9), "Other CPU, 2 cores").verdict, Verdict::Refuted);
    assert!(decided("treatment.p50", at_most(1.2), here).notes.is_empty());
}

#[test]
fn a_signal_that_was_not_read_to_the_end_voids_what_needs_it() {
    let cut: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .map(|mut run| {
            // Of one arm, and for the second half of the load.
            if run.facts.start.arm == Some(Arm::Treatment) {
                run.signals.iter_mut().for_each(|signal| signal.readings.retain(|(at, _)| *at < 20_000_000));
            }
            Arc::new(run)
        })
        .collect();
    let claims = [
        claim("treatment.max('level')", at_most(1e9)),
        claim("treatment.delta('rising')", at_most(1e9)),
        claim("baseline.max('level')", at_most(1e9)),
        claim("treatment.p50", at_most(1e9)),
    ];
    let options = last_look();
    let judged = verdict::of_rounds_with(&cut, &claims, &options);
    let verdicts: Vec<Verdict> = judged.claims.iter().map(|decided| decided.verdict).collect();
    assert_eq!(verdicts[..2], [Verdict::Invalid; 2], "{}", judged.claims[0].reason);
    assert!(judged.claims[0].reason.contains("was last read"), "{}", judged.claims[0].reason);
    assert_eq!(verdicts[2..], [Verdict::Supported; 2]);
}

#[test]
fn a_drain_that_nobody_watched_is_neither_over_nor_late() {
    let mut runs: Vec<MeasuredRun> = (1..=5)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .collect();
    for run in &mut runs {
        run.facts.end.phases.push(PhaseSpan {
            name: "drain".to_owned(),
            start_us: 40_000_000,
            end_us: 42_000_000,
            complete: false,
            unknown: "the source of `backlog` could not be read: status 503".to_owned(),
        });
    }
    let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
    let claims = [claim("treatment.drain_time", at_most(10_000.0)), claim("treatment.p50", at_most(1_000.0))];
    let options = last_look();
    let judged = verdict::of_rounds_with(&runs, &claims, &options);
    let of = |place: usize| (judged.claims[place].verdict, judged.claims[place].reason.as_str());
    assert_eq!(of(0).0, Verdict::Invalid);
    assert!(of(0).1.contains("is unknown: the source of `backlog` could not be read"), "{}", of(0).1);
    assert_eq!(of(1).0, Verdict::Supported, "{}", of(1).1);
}

/// Every form of the report of rounds.
fn forms(runs: &[Arc<MeasuredRun>], claims: &[Claim]) -> Vec<(&'static str, String)> {
    let of_arm =
        |arm| runs.iter().filter(|run| run.facts.start.arm == Some(arm)).cloned().collect::<Vec<_>>();
    let comparison = compare::of_runs(&of_arm(Arm::Baseline), &of_arm(Arm::Treatment)).unwrap();
    let options = last_look();
    let judgement = verdict::of_rounds_with(runs, claims, &options);
    let about = About {
        of: Of::Runs { baseline: RunId(1), treatment: RunId(2) },
        allow_invalid: false,
        allow_failures: false,
        generated_at: String::new(),
        tool_version: String::new(),
        store: String::new(),
        command: String::new(),
        qualification: None,
        floor: None,
        claims: None,
    };
    let report = model::comparison(&comparison, &judgement, about);
    vec![
        ("text", anstream::adapter::strip_str(&text::render(&report)).to_string()),
        ("html", html::render(&report).unwrap()),
        ("markdown", markdown::render(&report).replace('\\', "")),
        ("json", json::comparison(&comparison, &judgement, None, &report).unwrap()),
    ]
}

#[test]
fn what_no_interval_allows_for_is_said_in_every_form() {
    // The treatment slows down from round to round; one round of the baseline is three times as slow, and another holds an
    // outage.
    let mut runs = Vec::new();
    for round in 1..=10 {
        let slow = if round == 4 { 3.0 } else { 1.0 + f64::from(round % 3) * 0.01 };
        let mut baseline = run(Arm::Baseline, round, 10.0 * slow, 0);
        if round == 7 {
            baseline.samples.outcome[1000..1200].fill(Outcome::Error);
        }
        runs.extend([baseline, run(Arm::Treatment, round, 5.0 + 0.2 * f64::from(round), 0)]);
    }
    for run in &mut runs {
        run.checksum = "known".to_owned();
        // A third of the requests takes 60 ms more.
        let samples = &mut run.samples;
        (0..samples.done_us.len()).filter(|i| i % 3 == 0).for_each(|i| samples.done_us[i] += 60_000);
    }
    let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
    for (name, form) in forms(&runs, &[claim("treatment.p50", at_most(1_000.0))]) {
        for said in [
            "successive rounds resemble each other (lag-1 correlation 0.69",
            "baseline: the rounds have two modes. p50 of all requests is near",
            "1 of 10 rounds holds an outage (run 14: 200 of 4000 requests",
            "two modes (67 % near 5",
            "A request of the treatment is faster than one of the baseline in",
        ] {
            assert!(form.contains(said), "{name} lacks `{said}`: {form}");
        }
    }
}

#[test]
fn too_few_rounds_without_answers_do_not_indicate_what_they_break() {
    let word = |endless: Arm| {
        let runs: Vec<Arc<MeasuredRun>> = [Arm::Baseline, Arm::Treatment]
            .into_iter()
            .map(|arm| {
                let mut run = run(arm, 1, 10.0, 0);
                if arm == endless {
                    run.samples.outcome.iter_mut().step_by(10).for_each(|outcome| *outcome = Outcome::Error);
                }
                Arc::new(run)
            })
            .collect();
        let slower = Bound::AtMost(Amount { value: 1.05, unit: Unit::Change });
        let claim = Claim { tolerates: Some(0.2), ..claim("treatment.p95 / baseline.p95", slower) };
        let options = Options::default();
        verdict::of_rounds_with(&runs, &[claim], &options).claims.remove(0).word
    };
    assert_eq!((word(Arm::Treatment), word(Arm::Baseline)), ("undecided", "indicated"));
}

#[test]
fn a_change_to_or_from_no_end_has_no_size() {
    for endless in [Arm::Baseline, Arm::Treatment] {
        let mut runs: Vec<MeasuredRun> = (1..=5)
            .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 9.0, 0)])
            .collect();
        for run in runs.iter_mut().filter(|run| run.facts.start.arm == Some(endless)) {
            // Each tenth request is never answered.
            run.samples.outcome.iter_mut().step_by(10).for_each(|outcome| *outcome = Outcome::Error);
            run.checksum = "known".to_owned();
        }
        let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
        let claims = [
            claim("treatment.p95 / baseline.p95", Bound::AtMost(Amount { value: 0.7, unit: Unit::Change })),
            claim("treatment.p50 / baseline.p50", Bound::AtMost(Amount { value: 0.7, unit: Unit::Change })),
        ];
        for (name, form) in forms(&runs, &claims) {
            assert!(!form.contains("−100"), "{name}: {form}");
            assert!(name == "markdown" || form.contains('∞'), "{name}: {form}");
        }
        let text = &forms(&runs, &claims)[0].1;
        assert!(text.contains("a change from or to ∞ has no size"), "{text}");
    }
}
