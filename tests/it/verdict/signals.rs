//! What is claimed of signals whose source was dead, late, or not one process.

use super::*;

/// A counter of 50 more each half second, and a gauge of 0, with these changes to both.
fn judged_with(change: impl Fn(&mut Vec<(i64, f64)>), claims: &[(&str, Bound)]) -> Vec<Decided> {
    let column = |name: &str, is_counter: bool, value: fn(i64) -> f64| {
        let mut readings = (-1..81).map(|i| (i * 500_000, value(i))).collect();
        change(&mut readings);
        SignalColumn { name: name.to_owned(), unit: String::new(), is_counter, readings }
    };
    let signals = || {
        [
            column("hits", true, |i| 600.0 + i as f64 * 50.0),
            column("queue", false, |i| 5.0 + i as f64 / 100.0),
        ]
    };
    let claims: Vec<Claim> = claims.iter().map(|(value, bound)| claim(value, *bound)).collect();
    rounds_with(|run| run.signals.extend(signals()), &claims)
}

fn most(value: f64) -> Bound {
    Bound::AtMost(Amount::plain(value))
}

fn least(value: f64) -> Bound {
    Bound::AtLeast(Amount::plain(value))
}

fn assert_verdicts(decided: &[Decided], expected: &[Verdict]) {
    let told = || decided.iter().map(|d| format!("{}: {:?} {}", d.formula, d.verdict, d.reason));
    let verdicts: Vec<Verdict> = decided.iter().map(|d| d.verdict).collect();
    assert_eq!(verdicts, expected, "{:#?}", told().collect::<Vec<_>>());
}

use Verdict::{Invalid, Refuted, Supported};

#[test]
fn a_source_that_is_read_all_the_time_proves_both() {
    let claims = [("run.delta('hits')", most(5000.0)), ("run.delta('hits')", least(5000.0))];
    assert_verdicts(&judged_with(|_| {}, &claims), &[Supported, Refuted]);
}

#[test]
fn a_counter_that_was_first_read_late_is_a_lower_bound() {
    let late = |readings: &mut Vec<(i64, f64)>| readings.retain(|reading| reading.0 >= 4_000_000);
    let claims = [
        ("run.delta('hits')", most(4000.0)),
        ("run.delta('hits')", most(3000.0)),
        ("run.delta('hits')", least(3000.0)),
        ("run.rate('hits')", most(1000.0)),
        // Less was counted than is known, so that more may be left.
        ("10000 - run.delta('hits')", least(6000.0)),
    ];
    let expected = [Invalid, Refuted, Supported, Invalid, Invalid];
    assert_verdicts(&judged_with(late, &claims), &expected);
}

#[test]
fn a_counter_that_began_again_is_a_lower_bound_and_no_fall() {
    let restarted = |readings: &mut Vec<(i64, f64)>| {
        readings.iter_mut().filter(|reading| reading.0 >= 20_000_000).for_each(|reading| reading.1 -= 2600.0);
    };
    let claims = [
        ("run.delta('hits')", most(4500.0)),
        ("run.delta('hits')", least(3500.0)),
        ("run.slope('hits')", least(90.0)),
        ("run.slope('hits')", most(0.0)),
        ("run.growth('hits')", most(0.0)),
        ("run.drift('hits')", most(0.0)),
    ];
    let decided = judged_with(restarted, &claims[..4]);
    assert_verdicts(&decided[..2], &[Invalid, Supported]);
    // That the slope is of what was counted shows in its value; that it is a lower bound voids it.
    assert_verdicts(&decided[2..], &[Invalid, Invalid]);
    assert!(decided[2].estimate.is_some_and(|slope| slope > 90.0), "{:?}", decided[2].estimate);
    for decided in judged_with(restarted, &claims[4..]) {
        assert_ne!(decided.verdict, Supported, "{}", decided.formula);
    }
}

#[test]
fn replicas_that_answer_in_turn_are_no_counter() {
    let flapping = |readings: &mut Vec<(i64, f64)>| {
        readings
            .iter_mut()
            .enumerate()
            .for_each(|(i, reading)| reading.1 = if i % 3 == 0 { 300.0 } else { 5000.0 });
    };
    let once = |readings: &mut Vec<(i64, f64)>| {
        readings.iter_mut().filter(|reading| reading.0 >= 20_000_000).for_each(|reading| reading.1 -= 100.0);
    };
    let claims = [("run.delta('hits')", least(600.0)), ("run.delta('hits')", most(99_999.0))];
    for decided in [judged_with(flapping, &claims), judged_with(once, &claims)] {
        assert_verdicts(&decided, &[Invalid, Invalid]);
        assert!(decided[0].reason.contains("do several processes answer in turn?"), "{}", decided[0].reason);
    }
}

#[test]
fn a_peak_that_nobody_saw_is_not_known() {
    let dead = |readings: &mut Vec<(i64, f64)>| {
        readings.retain(|reading| !(4_000_000..7_400_000).contains(&reading.0));
    };
    let claims = [
        ("run.max('queue')", most(10.0)),
        ("run.max('queue')", most(3.0)),
        ("run.min('queue')", least(1.0)),
        ("run.min('queue')", most(5.5)),
        ("run.mean('queue')", most(10.0)),
        ("run.delta('queue')", most(10.0)),
        ("run.last('queue')", most(10.0)),
        ("run.delta('hits')", most(5000.0)),
        ("run.delta('hits')", least(3000.0)),
        ("run.drift('queue')", most(10.0)),
    ];
    let expected =
        [Invalid, Refuted, Invalid, Supported, Invalid, Supported, Supported, Invalid, Supported, Invalid];
    let decided = judged_with(dead, &claims);
    assert_verdicts(&decided, &expected);
    assert!(decided[0].reason.contains("was not read from"), "{}", decided[0].reason);
    // What broke its bound before anybody's eyes is broken.
    let always = Claim { rule: Rule::EveryRun, ..claim("run.max('rising')", most(50.0)) };
    let broken = rounds_with(|run| dead(&mut run.signals[0].readings), &[always]).remove(0);
    assert_eq!(broken.verdict, Refuted, "{}", broken.reason);
}

#[test]
fn a_signal_that_rises_is_back_in_time_or_not() {
    let within = |time: &str| Bound::AtMost(time.parse().unwrap());
    let high = |from_us: i64, until_us: i64| {
        move |readings: &mut Vec<(i64, f64)>| {
            let spike = readings.iter_mut().filter(|reading| (from_us..until_us).contains(&reading.0));
            spike.for_each(|reading| reading.1 = 100.0);
        }
    };
    let claims =
        [("run.excursion('queue', 50)", within("3s")), ("run.excursion('queue', 50)", within("2900ms"))];
    assert_verdicts(&judged_with(high(10_000_000, 13_000_000), &claims), &[Supported, Refuted]);
    // It is not back when it is last read; and one that never rose is back at once.
    assert_verdicts(&judged_with(high(38_000_000, i64::MAX), &claims), &[Refuted, Refuted]);
    assert_verdicts(&judged_with(|_| {}, &claims), &[Supported, Supported]);
    let unseen = |readings: &mut Vec<(i64, f64)>| {
        readings.retain(|reading| !(4_000_000..7_400_000).contains(&reading.0));
    };
    assert_verdicts(&judged_with(unseen, &claims), &[Invalid, Invalid]);
}

#[test]
fn an_interruption_is_told_by_the_audit() {
    let mut run = run(Arm::Treatment, 1, 10.0, 0);
    run.signals[1].readings.retain(|reading| !(4_000_000..7_400_000).contains(&reading.0));
    let audit = verdict::of_run(&Arc::new(run), &Options::default()).audit;
    let check = audit.runs[0].checks.iter().find(|check| check.name == "readings");
    let text = check.map(|check| check.text.as_str());
    assert_eq!(
        text,
        Some("not read for a while: level from 3.50 s to 7.50 s; their values in that time are unknown")
    );
}
