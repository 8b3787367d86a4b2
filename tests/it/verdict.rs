//! Verdicts over runs of known values: what decides, what does not, and that the interval which is
//! shown is the one that decided.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "times and counts of a test are small"
)]

use std::sync::Arc;

use loadproof::claim::{Amount, Bound, Claim, Expression, Rule, Selection, Stretch, Unit};
use loadproof::reading::SignalColumn;
use loadproof::run::{Arm, LoadFacts, MeasuredRun, PhaseSpan, RunEnd, RunFacts, RunId, RunStart, RunState};
use loadproof::sample::{Kind, Outcome, Phase, SampleColumns, Subject};
use loadproof::verdict::audit::Grade;
use loadproof::verdict::{self, Decided, Judgement, Options, Scale, Verdict};
use proptest::prelude::*;

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
    let steady = PhaseSpan { name: "steady".to_owned(), start_us: 0, end_us: 40_000_000, complete: true };
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
        end: RunEnd { state: RunState::Done, phases: vec![steady], ..RunEnd::default() },
    };
    MeasuredRun { facts, samples, signals, reasons: Vec::new(), slowest: Vec::new(), checksum: String::new() }
}

fn claim(value: &str, bound: Bound) -> Claim {
    Claim {
        id: String::new(),
        title: value.to_owned(),
        why: String::new(),
        value: Expression::new(value),
        bound,
        rule: Rule::Interval,
        select: Selection::default(),
        tolerates: None,
        answers_differ: false,
        gates: true,
        loads: Vec::new(),
        deployments: Vec::new(),
    }
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
    let options = Options { most_rounds: treatment_ms.len(), was_planned_end: true, ..Options::default() };
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
        let options = Options { most_rounds: 5, was_planned_end: true, ..Options::default() };
        verdict::of_rounds_with(&runs, &claims, &options).claims.remove(0)
    };
    let clear = judge(spread, [100.0, 101.0, 99.0, 100.0, 102.0]);
    assert_eq!(clear.verdict, Verdict::Supported, "{}", clear.reason);
    let few = judge(bunched, [100.0, 101.0, 99.0, 100.0, 102.0]);
    assert_eq!(few.verdict, Verdict::Undecided);
    assert!(few.reason.contains("rests on 1 events in a run, 20 are needed"), "{}", few.reason);
    // The interval of these five ratios lies above 2, one of them below it.
    let one_short = judge(spread, [151.5, 100.0, 93.75, 96.8, 94.9]);
    assert!(one_short.low.unwrap() > 2.0, "{:?}", one_short.low);
    assert_eq!(one_short.verdict, Verdict::Undecided);
    assert!(one_short.reason.contains("round 1 alone is on the other side"), "{}", one_short.reason);
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
        kept.verdict == Verdict::Refuted && kept.reason.contains("broken in 5 of 5 rounds"),
        "{}",
        kept.reason
    );
}

#[test]
fn what_was_never_seen_makes_a_claim_invalid_and_so_do_bad_runs() {
    let unseen = one(&TWICE, claim("run.max('unseen')", Bound::AtMost(Amount::plain(1.0))));
    assert_eq!(unseen.verdict, Verdict::Invalid);
    assert!(unseen.reason.contains("signal `unseen` was never seen in run"), "{}", unseen.reason);

    let mut runs: Vec<MeasuredRun> = (1..=5)
        .flat_map(|round| [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)])
        .collect();
    runs[3].facts.start.fingerprint = "other work".to_owned();
    let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
    let claims = [claim("baseline.p50 / treatment.p50", at_least(1.5))];
    let strict = verdict::of_rounds_with(&runs, &claims, &Options { most_rounds: 5, ..Options::default() });
    assert_eq!((strict.audit.grade, strict.overall()), (Grade::Invalid, Some(Verdict::Invalid)));
    assert!(strict.claims[0].reason.contains("different workloads"), "{}", strict.claims[0].reason);
    assert!(strict.claims[0].estimate.is_some(), "the figures are still there to be looked at");
    let options = Options { most_rounds: 5, allow_invalid: true, ..Options::default() };
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
    let options = Options { most_rounds: 5, was_planned_end: true, ..Options::default() };
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
        };
        run.facts.end.phases.push(drain);
    }
    let runs: Vec<Arc<MeasuredRun>> = runs.into_iter().map(Arc::new).collect();
    let claims =
        [claim("treatment.drain_time", at_most(10_000.0)), claim("baseline.drain_time", at_most(10_000.0))];
    let options = Options { most_rounds: 5, was_planned_end: true, ..Options::default() };
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
    let judgement =
        verdict::of_rounds_with(&runs, &claims, &Options { most_rounds: 20, ..Options::default() });
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
        let options = Options { most_rounds: 5, was_planned_end: true, ..Options::default() };
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
    assert_eq!(accounted(7920.0, 1).verdict, Verdict::Supported);
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
