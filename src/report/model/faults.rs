//! What was done to the systems on purpose, in print: when, how soon it showed, how long its effect lasted, what it cost.

use serde::Serialize;

use crate::summary::{ArmSummary, FaultMetrics, Told};
use crate::unit;

/// A fault in one arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultRow {
    /// The arm's name.
    pub arm: String,
    /// Its name.
    pub name: String,
    /// What it did, and for how long.
    pub text: String,
    /// `10 s to 13 s`, `from 10 s on`; what became of it, if it did not go as planned.
    pub span: String,
    /// When requests failed or were slow, since its start.
    pub detected: String,
    /// When everything was as before, since its end.
    pub recovered: String,
    /// Requests from its start to the recovery that did not end as expected.
    pub failed: String,
    /// By how many fewer requests of that time were answered than at the rate before it; empty where that is not known.
    pub missing: String,
    /// What else there is to say; often empty.
    pub note: String,
}

/// The faults of an arm, in order of time.
pub(super) fn faults(arm: &ArmSummary, name: &str) -> Vec<FaultRow> {
    arm.faults.iter().map(|fault| row(fault, name)).collect()
}

fn row(fault: &FaultMetrics, arm: &str) -> FaultRow {
    let span = match fault.span_s {
        _ if fault.done < fault.runs => fault.problem.clone(),
        Some((start, Some(end))) if end > start => format!("{} to {}", unit::span(start), unit::span(end)),
        Some((start, Some(_))) => format!("at {}", unit::span(start)),
        Some((start, None)) => format!("from {} on", unit::span(start)),
        None => "not carried out".to_owned(),
    };
    FaultRow {
        arm: arm.to_owned(),
        name: fault.name.clone(),
        text: fault.text.clone(),
        span,
        detected: detected(fault),
        recovered: match &fault.recovery_s {
            Told::Seconds(Some(seconds)) => unit::span(*seconds),
            Told::Seconds(None) => "never".to_owned(),
            Told::Unknown(reason) => format!("not known: {reason}"),
        },
        failed: match fault.n {
            0 => "n/a".to_owned(),
            n => format!(
                "{} of {} ({})",
                unit::count(fault.unexpected),
                unit::count(n),
                unit::share(fault.unexpected as f64 / n as f64)
            ),
        },
        missing: fault.missing.map_or(String::new(), |missing| unit::count(whole(missing))),
        note: fault.note.clone(),
    }
}

/// `0.02 s by errors, 0.52 s by latency`
fn detected(fault: &FaultMetrics) -> String {
    let by = |told: &Told, what: &str| match told {
        Told::Seconds(Some(seconds)) => Some(format!("{} by {what}", unit::time(seconds * 1e6))),
        _ => None,
    };
    if let Told::Unknown(reason) = &fault.errors_s {
        return format!("not known: {reason}");
    }
    let all: Vec<String> =
        [by(&fault.errors_s, "errors"), by(&fault.latency_s, "latency")].into_iter().flatten().collect();
    if all.is_empty() { "did not show".to_owned() } else { all.join(", ") }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count; saturates")]
fn whole(n: f64) -> u64 {
    n.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> FaultMetrics {
        FaultMetrics {
            name: "payment down".to_owned(),
            text: "kill payment for 3 s".to_owned(),
            runs: 2,
            done: 2,
            problem: String::new(),
            note: "payment was ready again 0.4 s after its start".to_owned(),
            span_s: Some((10.0, Some(13.0))),
            errors_s: Told::Seconds(Some(0.012)),
            latency_s: Told::Seconds(None),
            recovery_s: Told::Seconds(Some(1.0)),
            n: 400,
            unexpected: 300,
            missing: Some(301.4),
        }
    }

    #[test]
    fn a_fault_is_told_in_the_words_of_a_table() {
        let row = row(&metrics(), "on");
        let cells = [row.span, row.detected, row.recovered, row.failed, row.missing];
        insta::assert_snapshot!(cells.join(" | "), @"10 s to 13 s | 12.0 ms by errors | 1 s | 300 of 400 (75 %) | 301");
    }

    #[test]
    fn what_is_not_known_never_looks_good() {
        let reason = "fault `payment down` was not carried out".to_owned();
        let unknown = Told::Unknown(reason.clone());
        let failed = FaultMetrics {
            done: 1,
            problem: reason.clone(),
            errors_s: unknown.clone(),
            latency_s: unknown.clone(),
            recovery_s: unknown,
            n: 0,
            missing: None,
            ..metrics()
        };
        let row = row(&failed, "on");
        assert_eq!(row.span, reason);
        assert!(row.detected.starts_with("not known") && row.recovered.starts_with("not known"));
        let never = FaultMetrics {
            errors_s: Told::Seconds(None),
            recovery_s: Told::Seconds(None),
            span_s: Some((10.0, None)),
            ..metrics()
        };
        let row = super::row(&never, "on");
        assert_eq!(
            (row.span.as_str(), row.detected.as_str(), row.recovered.as_str()),
            ("from 10 s on", "did not show", "never")
        );
    }
}
