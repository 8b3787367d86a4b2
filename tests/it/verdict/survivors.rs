//! Fast answers that are no answers: what a claim about speed or success may not be decided by.

use loadproof::run::SoftCheckCount;

use super::*;

/// The verdict and reason of a claim, of rounds whose treatment's samples are changed one by one.
fn with(change: impl Fn(&mut MeasuredRun, usize), claim: Claim) -> (Verdict, String) {
    let change_all = |run: &mut MeasuredRun| (0..run.samples.outcome.len()).for_each(|i| change(run, i));
    let decided = rounds_with(change_all, &[claim]).remove(0);
    (decided.verdict, decided.reason)
}

/// A treatment that answers at twice the speed of the baseline, with answers of these sizes.
fn sized(size: fn(usize) -> u32, claim: Claim) -> (Verdict, String) {
    let runs: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| {
            let mut arms = [run(Arm::Baseline, round, 10.0, 0), run(Arm::Treatment, round, 5.0, 0)];
            arms[0].samples.bytes_in = vec![2000; 4000];
            arms[1].samples.bytes_in = (0..4000).map(size).collect();
            arms
        })
        .map(Arc::new)
        .collect();
    let decided = verdict::of_rounds_with(&runs, &[claim], &last_look()).claims.remove(0);
    (decided.verdict, decided.reason)
}

fn rejecting(run: &mut MeasuredRun, i: usize) {
    if i % 10 < 6 {
        run.samples.outcome[i] = Outcome::Rejected;
    }
}

fn absolute() -> Claim {
    claim("treatment.p50", at_most(8.0))
}

#[test]
fn a_claim_about_one_arm_is_read_beside_the_other() {
    assert_eq!(with(|_, _| {}, absolute()).0, Verdict::Supported);
    let (verdict, reason) = with(rejecting, absolute());
    assert_eq!(verdict, Verdict::Invalid, "{reason}");
    assert!(reason.contains("60 % of treatment"), "{reason}");
    let of_run = claim("run.p50", at_most(8.0));
    assert_eq!(with(rejecting, of_run).0, Verdict::Invalid);
    assert_eq!(with(rejecting, Claim { tolerates: Some(0.7), ..absolute() }).0, Verdict::Supported);
    // Of the arm that does not refuse, its times are its times.
    assert_eq!(with(rejecting, claim("baseline.p50", at_most(20.0))).0, Verdict::Supported);
    let (verdict, reason) = sized(|_| 0, absolute());
    assert_eq!(verdict, Verdict::Invalid, "{reason}");
    assert_eq!(sized(|_| 0, claim("baseline.p50", at_most(20.0))).0, Verdict::Supported);
}

#[test]
fn a_backlog_is_shorter_where_work_was_refused() {
    let fewer = claim(
        "treatment.max('level') / baseline.max('level')",
        Bound::AtMost(Amount { value: 1.5, unit: Unit::Times }),
    );
    let failing = |run: &mut MeasuredRun, i: usize| {
        if i % 100 < 45 {
            run.samples.outcome[i] = Outcome::Failed;
        }
    };
    let drained = |run: &mut MeasuredRun, i: usize| {
        if i == 0 {
            let phase = |start_us, end_us| PhaseSpan {
                name: "drain".to_owned(),
                start_us,
                end_us,
                ..run.facts.end.phases[0].clone()
            };
            let drain = phase(40_000_000, 41_000_000);
            run.facts.end.phases.push(drain);
        }
    };
    let drains = claim("treatment.drain_time", at_most(5000.0));
    for claim in [fewer, drains] {
        let (verdict, reason) = with(drained, claim.clone());
        assert_ne!(verdict, Verdict::Invalid, "{reason}");
        let refused = |run: &mut MeasuredRun, i: usize| (drained(run, i), rejecting(run, i)).1;
        let (verdict, reason) = with(refused, claim.clone());
        assert_eq!(verdict, Verdict::Invalid, "{reason}");
        assert!(reason.contains("the same work"), "{reason}");
        let meant = Claim { tolerates: Some(0.7), ..claim.clone() };
        assert_ne!(with(refused, meant).0, Verdict::Invalid);
        let failed = |run: &mut MeasuredRun, i: usize| (drained(run, i), failing(run, i)).1;
        let (verdict, reason) = with(failed, claim);
        assert_eq!(verdict, Verdict::Invalid, "{reason}");
        assert!(reason.contains("the rest of the work"), "{reason}");
    }
    // Of one arm a signal may well be about what was refused.
    let (verdict, reason) = with(rejecting, claim("treatment.max('level')", at_least(90.0)));
    assert_ne!(verdict, Verdict::Invalid, "{reason}");
}

#[test]
fn a_redirect_may_lead_to_another_page() {
    let redirecting = |share: usize| {
        move |run: &mut MeasuredRun, i: usize| {
            run.samples.redirects.resize(4000, 0);
            run.samples.redirects[i] = u8::from(i % 100 < share);
        }
    };
    let (verdict, reason) = with(redirecting(80), faster());
    assert_eq!(verdict, Verdict::Invalid);
    assert!(
        reason.contains("0 % of the samples of baseline were redirected, and 80 % of treatment"),
        "{reason}"
    );
    assert_eq!(with(redirecting(80), absolute()).0, Verdict::Invalid);
    assert_eq!(with(redirecting(0), faster()).0, Verdict::Supported);
    let meant = Claim { answers_differ: true, ..faster() };
    assert_eq!(with(redirecting(80), meant).0, Verdict::Supported);
}

#[test]
fn a_part_of_the_answers_that_is_empty_is_not_faster_either() {
    let (verdict, reason) = sized(|i| if i % 100 < 45 { 0 } else { 2000 }, faster());
    assert_eq!(verdict, Verdict::Invalid);
    assert!(reason.contains("45 % of treatment"), "{reason}");
    assert_eq!(sized(|i| if i % 100 < 45 { 1500 } else { 2000 }, faster()).0, Verdict::Supported);
    let meant = Claim { answers_differ: true, ..faster() };
    assert_eq!(sized(|i| if i % 100 < 45 { 0 } else { 2000 }, meant).0, Verdict::Supported);
}

#[test]
fn wrong_answers_do_not_leave_a_tail_that_is_smaller_than_they_are() {
    // 5 of 1000 failed: as much as is tolerated of a median, and all of what lies beyond p99.9.
    let failing = |run: &mut MeasuredRun, i: usize| {
        if i.is_multiple_of(200) {
            run.samples.outcome[i] = Outcome::Failed;
        }
    };
    assert_eq!(with(failing, absolute()).0, Verdict::Supported);
    let of_tail = |tail: &str| Claim { rule: Rule::EveryRun, ..claim(tail, at_most(8.0)) };
    assert_eq!(with(failing, of_tail("treatment.p99")).0, Verdict::Supported);
    for tail in ["treatment.p99_9", "treatment.max"] {
        let (verdict, reason) = with(failing, of_tail(tail));
        assert_eq!(verdict, Verdict::Invalid, "{tail}: {reason}");
    }
    let mut single = run(Arm::Treatment, 1, 5.0, 0);
    failing(&mut single, 200);
    let longest = of_run(single, claim("run.max", at_most(500.0)));
    assert_eq!(longest.verdict, Verdict::Invalid, "{}", longest.reason);
    assert!(longest.reason.contains("3999 of 4000"), "{}", longest.reason);
}

/// A run of 2000 journeys, each a log-in and a purchase: where the log-in ends so, nothing is bought.
fn shop(arm: Arm, round: u32, log_in: fn(usize) -> Outcome, bought: Kind) -> MeasuredRun {
    let mut run = run(arm, round, 10.0, 0);
    let subject =
        |kind, name: &str| Subject { kind, traffic_class: String::new(), endpoint: name.to_owned() };
    let samples = &mut run.samples;
    samples.subjects = vec![subject(Kind::Request, "POST /login"), subject(bought, "buy")];
    samples.subject = (0..4000).map(|i| i % 2).collect();
    samples.journey = (0..4000).map(|i| i / 2).collect();
    samples.caller = vec![0; 4000];
    for i in (0..4000).step_by(2) {
        samples.outcome[i] = log_in(i / 2);
    }
    let is_kept = |i: &usize| i.is_multiple_of(2) || samples.outcome[i - 1].is_answered();
    let kept: Vec<usize> = (0..4000).filter(is_kept).collect();
    run.samples = SampleColumns {
        subjects: samples.subjects.clone(),
        subject: kept.iter().map(|i| samples.subject[*i]).collect(),
        outcome: kept.iter().map(|i| samples.outcome[*i]).collect(),
        phase: vec![Phase::Steady; kept.len()],
        status: vec![200; kept.len()],
        intended_us: kept.iter().map(|i| samples.intended_us[*i]).collect(),
        sent_us: kept.iter().map(|i| samples.sent_us[*i]).collect(),
        done_us: kept.iter().map(|i| samples.done_us[*i]).collect(),
        journey: kept.iter().map(|i| samples.journey[*i]).collect(),
        caller: vec![0; kept.len()],
        ..SampleColumns::default()
    };
    run.soft_checks = vec![SoftCheckCount {
        name: "in stock".to_owned(),
        subject: subject(bought, "buy"),
        phase: Phase::Steady,
        passed: kept.len() as u64 - 2000,
        failed: 0,
    }];
    run
}

#[test]
fn what_never_began_is_not_left_out() {
    let percent = |value| Amount { value, unit: Unit::Percent };
    let of = |kind| match kind {
        Kind::Request => Selection { endpoint: Some("buy".to_owned()), ..Selection::default() },
        Kind::Effect => Selection { effect: Some("buy".to_owned()), ..Selection::default() },
        Kind::Group => Selection { group: Some("buy".to_owned()), ..Selection::default() },
    };
    let claims = |kind| {
        [
            claim("run.p95", at_most(500.0)),
            claim("run.ok_share", Bound::AtLeast(percent(0.98))),
            claim("run.failed_share", Bound::AtMost(percent(0.0))),
            claim("run.dropped", Bound::AtMost(Amount::plain(0.0))),
        ]
        .map(|claim| Claim { select: of(kind), ..claim })
    };
    let checked = claim("run.check_share('in stock')", Bound::AtLeast(percent(1.0)));
    let fine: fn(usize) -> Outcome = |_| Outcome::Ok;
    let failing: fn(usize) -> Outcome = |i| if i % 2 == 0 { Outcome::Failed } else { Outcome::Ok };
    let dropping: fn(usize) -> Outcome = |i| if i % 5 == 0 { Outcome::Dropped } else { Outcome::Ok };
    for kind in [Kind::Request, Kind::Effect, Kind::Group] {
        for (log_in, wanted) in
            [(fine, Verdict::Supported), (failing, Verdict::Invalid), (dropping, Verdict::Invalid)]
        {
            // Checks are of requests.
            let checked = (kind == Kind::Request).then(|| checked.clone());
            for claim in claims(kind).into_iter().chain(checked) {
                let decided = of_run(shop(Arm::Treatment, 1, log_in, kind), claim);
                assert_eq!(decided.verdict, wanted, "{kind:?} {}: {}", decided.formula, decided.reason);
            }
        }
    }
    let decided = of_run(shop(Arm::Treatment, 1, failing, Kind::Group), claims(Kind::Group)[1].clone());
    assert!(decided.reason.contains("1000 of 2000 samples that `run.ok_share`"), "{}", decided.reason);
    // Arms that fail alike are no better.
    let runs: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| [Arm::Baseline, Arm::Treatment].map(|arm| shop(arm, round, failing, Kind::Effect)))
        .map(Arc::new)
        .collect();
    let same = Claim { select: of(Kind::Effect), ..claim("treatment.p95 / baseline.p95", at_least(0.9)) };
    let decided = verdict::of_rounds_with(&runs, &[same], &last_look()).claims.remove(0);
    assert_eq!(decided.verdict, Verdict::Invalid, "{}", decided.reason);
    // One in 1000 is less than the claim leaves room for.
    let rarely: fn(usize) -> Outcome = |i| if i % 1000 == 0 { Outcome::Failed } else { Outcome::Ok };
    let decided = of_run(shop(Arm::Treatment, 1, rarely, Kind::Request), claims(Kind::Request)[1].clone());
    assert_eq!(decided.verdict, Verdict::Supported, "{}", decided.reason);
}

#[test]
fn what_always_fails_in_one_arm_is_missed_as_the_other_shows() {
    // Two classes of users; those of the second never get past the log-in of the treatment.
    let arms = |round| {
        let mut baseline = shop(Arm::Baseline, round, |_| Outcome::Ok, Kind::Request);
        let mut treatment = shop(
            Arm::Treatment,
            round,
            |i| if i % 2 == 0 { Outcome::Failed } else { Outcome::Ok },
            Kind::Request,
        );
        for run in [&mut baseline, &mut treatment] {
            run.samples.caller =
                run.samples.journey.iter().map(|journey| u64::from(journey % 2 == 0) << 32).collect();
        }
        [baseline, treatment]
    };
    let runs: Vec<Arc<MeasuredRun>> = (1..=5).flat_map(arms).map(Arc::new).collect();
    let bought = Selection { endpoint: Some("buy".to_owned()), ..Selection::default() };
    let claims = [claim("treatment.p95", at_most(500.0)), claim("baseline.p95", at_most(500.0))]
        .map(|claim| Claim { select: bought.clone(), ..claim });
    let decided = verdict::of_rounds_with(&runs, &claims, &last_look()).claims;
    assert_eq!(decided[0].verdict, Verdict::Invalid, "{}", decided[0].reason);
    assert!(decided[0].reason.contains("1000 never began"), "{}", decided[0].reason);
    assert_eq!(decided[1].verdict, Verdict::Supported, "{}", decided[1].reason);
}

#[test]
fn what_journeys_rarely_come_to_is_not_missed_where_they_fail() {
    // One of ten buys; where the log-in fails users go on all the same.
    let mut run = shop(Arm::Treatment, 1, |_| Outcome::Ok, Kind::Request);
    let samples = &mut run.samples;
    samples.subjects.push(Subject { endpoint: "GET /look".to_owned(), ..samples.subjects[0].clone() });
    for i in 0..4000 {
        if i % 2 == 1 && (i / 2) % 10 != 3 {
            samples.subject[i] = 2;
        }
        if i % 2 == 0 && (i / 2) % 4 == 0 {
            samples.outcome[i] = Outcome::Failed;
        }
    }
    let bought = Selection { endpoint: Some("buy".to_owned()), ..Selection::default() };
    let none = Bound::AtMost(Amount { value: 0.0, unit: Unit::Percent });
    let go_on =
        |run: MeasuredRun| of_run(run, Claim { select: bought.clone(), ..claim("run.failed_share", none) });
    let mut alike = run.clone();
    for i in (0..4000).step_by(2) {
        alike.samples.outcome[i] = if (i / 20) % 4 == 0 { Outcome::Failed } else { Outcome::Ok };
    }
    let decided = go_on(alike);
    assert_eq!(decided.verdict, Verdict::Supported, "{}", decided.reason);
    // No even journey buys anyway, but nothing tells that from those that were ended by the failure.
    assert_eq!(go_on(run).verdict, Verdict::Invalid);
}

#[test]
fn what_was_rejected_is_said_beside_what_went_well() {
    let runs: Vec<Arc<MeasuredRun>> = (1..=5)
        .flat_map(|round| {
            let mut treatment = run(Arm::Treatment, round, 5.0, 0);
            (0..4000).for_each(|i| rejecting(&mut treatment, i));
            [run(Arm::Baseline, round, 10.0, 0), treatment]
        })
        .map(Arc::new)
        .collect();
    let forms = forms(&runs, &[absolute()]);
    let (_, text) = forms.iter().find(|(form, _)| *form == "text").unwrap();
    let said = "12 000 of 20 000 requests were rejected (60 %), the others answered as expected";
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(line.contains(said), "{text}");
    assert!(line.contains("all 20 000 requests were answered as expected"), "{text}");
}
