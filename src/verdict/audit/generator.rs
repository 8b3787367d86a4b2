//! Had the generator what it needed: CPU, and sockets?

use super::{Check, Grade};
use crate::reading::SPINNING;
use crate::run::MeasuredRun;
use crate::sample::Outcome;
use crate::stats::quantile::type8;
use crate::unit;

/// Shares of its workers' cores that loadproof may use.
const BUSY: (f64, f64) = (0.7, 0.9);
/// Shares of its time in which it may wait for a core that others have.
pub(super) const WAITING: (f64, f64) = (0.1, 0.5);
/// The signal of the generator's CPU time.
const CPU: &str = "loadproof cpu";
/// The quantile of the readings that counts: a busy moment is none.
const MOST_OF_THE_TIME: f64 = 0.9;
/// Parts of the system's words for having run out of sockets, ports or files.
const EXHAUSTED: [&str; 4] =
    ["cannot assign requested address", "address not available", "too many open files", "os error 24"];

pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let mut checks = vec![cpu(run)];
    checks.extend(waiting(run));
    checks.push(sockets(run));
    checks
}

fn cpu(run: &MeasuredRun) -> Check {
    let name = "generator CPU";
    let Some(mut shares) = shares_of(run, CPU) else {
        return Check::new(name, Grade::Warn, "the generator's CPU time was not read");
    };
    shares.sort_by(f64::total_cmp);
    let busy = type8(&shares, MOST_OF_THE_TIME).unwrap_or(0.0);
    let workers = run.facts.start.load_facts.workers;
    let grade = Grade::of(busy, BUSY.0, BUSY.1);
    let hint = if grade == Grade::Valid {
        ""
    } else {
        ": saturated: results include the generator's own delays; add --workers or lower the load"
    };
    let spinning = if spun(run).is_empty() { "" } else { ", spinning not counted" };
    Check::new(
        name,
        grade,
        format!("{} of {workers} worker(s) busy for most of the load{spinning}{hint}", unit::share(busy)),
    )
}

/// Time in which loadproof was ready to go on and had no core: somebody else had them all.
fn waiting(run: &MeasuredRun) -> Option<Check> {
    let shares = shares_of(run, "loadproof waiting")?;
    let waits = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    let grade = Grade::of(waits, WAITING.0, WAITING.1);
    let hint = if grade == Grade::Valid {
        ""
    } else {
        ": other processes use its cores; stop them, or run load and system on separate machines"
    };
    Some(Check::new(
        "generator starved",
        grade,
        format!("waited for a core {} of the time{hint}", unit::share(waits)),
    ))
}

/// Increase per second of a total of CPU seconds between two readings, per worker; of the
/// readings during the load. Time spent spinning is excluded, because a spinning worker is idle.
fn shares_of(run: &MeasuredRun, name: &str) -> Option<Vec<f64>> {
    let signal = run.signals.iter().find(|s| s.name == name)?;
    let end = run.facts.load_end_us().unwrap_or(i64::MAX);
    let during: Vec<(i64, f64)> =
        signal.readings.iter().copied().filter(|(at, _)| (0..=end).contains(at)).collect();
    let workers = f64::from(run.facts.start.load_facts.workers.max(1));
    let spun = if name == CPU { spun(run) } else { &[] };
    let share = |pair: &[(i64, f64)]| {
        let ((from, before), (until, after)) = (pair[0], pair[1]);
        let busy = after - before - (value_at(spun, until) - value_at(spun, from));
        busy.max(0.0) * 1e6 / (until - from) as f64 / workers
    };
    let shares: Vec<f64> = during.windows(2).filter(|pair| pair[1].0 > pair[0].0).map(share).collect();
    (!shares.is_empty()).then_some(shares)
}

/// The readings of the time that workers have spun; empty if they never do.
fn spun(run: &MeasuredRun) -> &[(i64, f64)] {
    run.signals.iter().find(|signal| signal.name == SPINNING).map_or(&[], |signal| &signal.readings)
}

/// A counter's value at a time, on the line between the readings around it; 0 without readings.
fn value_at(readings: &[(i64, f64)], at_us: i64) -> f64 {
    let next = readings.partition_point(|(at, _)| *at < at_us);
    match (next.checked_sub(1).map(|before| readings[before]), readings.get(next)) {
        (Some((from, low)), Some((until, high))) => {
            low + (high - low) * (at_us - from) as f64 / (until - from) as f64
        }
        (Some((_, value)), None) => value,
        (None, Some((_, first))) => *first,
        (None, None) => 0.0,
    }
}

/// Whether sockets, ports or files ran out, by the words of errors.
pub(super) fn sockets(run: &MeasuredRun) -> Check {
    let name = "sockets and ports";
    let is_exhausted = |text: &str| EXHAUSTED.iter().any(|words| text.to_lowercase().contains(words));
    let bad = run.reasons.iter().filter(|r| r.outcome == Outcome::Error.word() && is_exhausted(&r.reason));
    let count: u64 = bad.clone().map(|r| r.count).sum();
    match bad.max_by_key(|r| r.count) {
        None => Check::new(name, Grade::Valid, "none ran out"),
        Some(worst) => Check::new(
            name,
            Grade::Invalid,
            format!(
                "{} requests had none ({}): raise `ulimit -n` and net.ipv4.ip_local_port_range, or use fewer users",
                unit::count(count),
                worst.reason
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::SignalColumn;
    use crate::run::{FailureReason, RunId, SampleId};
    use crate::verdict::audit::tests::run_of;

    fn with_total(name: &str, per_second: f64) -> MeasuredRun {
        let mut run = run_of(&[(0, 0, 1), (9_999, 9_999, 10_000)]);
        run.signals.push(SignalColumn {
            name: name.to_owned(),
            unit: "s".to_owned(),
            is_counter: true,
            readings: (0..20).map(|i| (i * 500_000, i as f64 * 0.5 * per_second)).collect(),
        });
        run
    }

    #[test]
    fn a_busy_generator_is_called_so() {
        for (share, grade) in [(0.3, Grade::Valid), (0.8, Grade::Warn), (0.97, Grade::Invalid)] {
            assert_eq!(cpu(&with_total("loadproof cpu", share)).grade, grade, "{share}");
        }
    }

    #[test]
    fn a_generator_that_spins_is_not_busy() {
        // A core is taken all the time, three quarters of which nothing is done.
        let mut run = with_total(CPU, 1.0);
        assert_eq!(cpu(&run).grade, Grade::Invalid);
        run.signals.push(SignalColumn {
            name: SPINNING.to_owned(),
            unit: "s".to_owned(),
            is_counter: true,
            readings: (0..100).map(|i| (i * 100_000, i as f64 * 0.1 * 0.75)).collect(),
        });
        let check = cpu(&run);
        assert_eq!(check.grade, Grade::Valid, "{}", check.text);
        assert!(check.text.contains("spinning not counted"), "{}", check.text);
    }

    #[test]
    fn a_counter_is_told_between_its_readings() {
        let readings = [(10, 1.0), (20, 3.0)];
        assert_eq!([0, 10, 15, 20, 90].map(|at| value_at(&readings, at)), [1.0, 1.0, 2.0, 3.0, 3.0]);
        assert_eq!(value_at(&[], 5), 0.0);
    }

    #[test]
    fn a_generator_without_a_core_is_called_starved() {
        for (share, grade) in [(0.01, Grade::Valid), (0.2, Grade::Warn), (0.7, Grade::Invalid)] {
            assert_eq!(waiting(&with_total("loadproof waiting", share)).unwrap().grade, grade, "{share}");
        }
    }

    #[test]
    fn ports_that_ran_out_void_a_run() {
        let mut run = run_of(&[(0, 0, 1)]);
        assert_eq!(sockets(&run).grade, Grade::Valid);
        run.reasons.push(FailureReason {
            outcome: "error".to_owned(),
            endpoint: "GET /".to_owned(),
            reason: "cannot connect: Cannot assign requested address (os error 99)".to_owned(),
            count: 7,
            first_us: 0,
            last_us: 0,
            first: SampleId { run: RunId(1), sequence: 0 },
            exchange: None,
        });
        assert_eq!(sockets(&run).grade, Grade::Invalid);
    }
}
