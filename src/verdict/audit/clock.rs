//! Was time what it seemed, and whose machine was it?

use super::{Check, Grade};
use crate::run::MeasuredRun;
use crate::unit;

/// Steps of the wall clock, µs: signals of other machines are then off by as much.
const STEPS_US: (f64, f64) = (50_000.0, 5_000_000.0);
/// Hosts that are this machine.
const HERE: [&str; 4] = ["127.", "localhost", "[::1]", "0.0.0.0"];

pub(super) fn checks(run: &MeasuredRun) -> Vec<Check> {
    let step = run.facts.end.clock_step_us.unsigned_abs() as f64;
    let grade = Grade::of(step, STEPS_US.0, STEPS_US.1);
    let text = match grade {
        Grade::Valid => format!("wall clock and run clock agree within {}", unit::time(step)),
        _ => format!("the wall clock was set by {} during the run", unit::time(step)),
    };
    let mut checks = vec![Check::new("clock", grade, text)];
    checks.extend(co_location(run));
    checks
}

/// A system on the generator's own machine competes with it; both arms do, which a comparison may
/// live with, an absolute number less so.
fn co_location(run: &MeasuredRun) -> Option<Check> {
    let target = run.facts.start.environment.get("target")?;
    let host = target.split_once("://").map_or(target.as_str(), |(_, rest)| rest);
    let here = HERE.iter().any(|h| host.starts_with(h));
    let cores = run.facts.start.environment.get("cores").map_or("its", String::as_str);
    let (grade, text) = if here {
        (
            Grade::Warn,
            format!(
                "load and system share one machine with {cores} cores: absolute times include this competition"
            ),
        )
    } else {
        (Grade::Valid, format!("the system is on another machine ({host})"))
    };
    Some(Check::new("co-location", grade, text))
}
