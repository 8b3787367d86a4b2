//! Was done to the system what the scenario says?

use super::{Check, Grade};
use crate::run::{FaultFacts, FaultOutcome, MeasuredRun};
use crate::unit;

/// How late a fault may begin, µs: what counts from it counts from when it did begin, but the arms of an experiment
/// are to have it at the same time.
const LATE_US: (f64, f64) = (500_000.0, 5_000_000.0);

/// What became of the faults of a run; nothing if it had none.
///
/// A run without a fault that it was to have shows a system that nothing was done to: whatever is claimed of it looks
/// better than it is.
pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let faults = &run.facts.end.faults;
    if faults.is_empty() {
        return Vec::new();
    }
    let bad: Vec<String> = faults.iter().filter_map(fault_text).collect();
    if !bad.is_empty() {
        let is_cut_only =
            faults.iter().all(|f| matches!(f.outcome, FaultOutcome::Done | FaultOutcome::CutShort));
        let grade = if is_cut_only { Grade::Warn } else { Grade::Invalid };
        return vec![Check::new("faults", grade, bad.join("; "))];
    }
    let late_us = faults.iter().filter_map(FaultFacts::late_us).max().unwrap_or(0) as f64;
    let text = format!(
        "{} carried out as planned, at most {} late",
        match faults.len() {
            1 => "one was".to_owned(),
            n => format!("all {n} were"),
        },
        unit::time(late_us)
    );
    vec![Check::new("faults", Grade::of(late_us, LATE_US.0, LATE_US.1), text)]
}

/// What is wrong with a fault; none if nothing is.
fn fault_text(fault: &FaultFacts) -> Option<String> {
    let wrong = fault.event_us().err()?;
    let cut = if fault.outcome == FaultOutcome::CutShort { "; let the load last longer" } else { "" };
    Some(format!("{wrong}{cut}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::audit::tests::run_of;

    fn fault(outcome: FaultOutcome, start_us: Option<i64>) -> FaultFacts {
        FaultFacts {
            name: "engine killed".to_owned(),
            kind: "kill".to_owned(),
            text: "kill engine for 3 s".to_owned(),
            due_us: Some(1_000_000),
            lasts_us: Some(3_000_000),
            start_us,
            end_us: start_us.map(|start| start + 3_000_000),
            outcome,
            note: String::new(),
        }
    }

    fn grade(outcome: FaultOutcome, start_us: Option<i64>) -> Vec<(Grade, String)> {
        let mut run = run_of(&[(0, 0, 1)]);
        run.facts.end.faults = vec![fault(outcome, start_us)];
        checks(&run).into_iter().map(|check| (check.grade, check.text)).collect()
    }

    #[test]
    fn a_fault_that_was_not_carried_out_voids_a_run() {
        assert!(checks(&run_of(&[(0, 0, 1)])).is_empty());
        let done = grade(FaultOutcome::Done, Some(1_002_000));
        insta::assert_snapshot!(done[0].1, @"one was carried out as planned, at most 2.00 ms late");
        assert_eq!(done[0].0, Grade::Valid);
        assert_eq!(grade(FaultOutcome::Done, Some(1_700_000))[0].0, Grade::Warn);
        assert_eq!(grade(FaultOutcome::Done, Some(7_000_000))[0].0, Grade::Invalid);
        assert_eq!(grade(FaultOutcome::CutShort, Some(1_000_000))[0].0, Grade::Warn);
        for outcome in [FaultOutcome::Failed, FaultOutcome::NotReached] {
            let (grade, text) = grade(outcome, None).remove(0);
            assert_eq!((grade, text.as_str()), (Grade::Invalid, "fault `engine killed` was not carried out"));
        }
    }
}
