//! Fast answers that are no answers: what a claim about speed or success may not be decided by.

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
        if i % 200 == 0 {
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
