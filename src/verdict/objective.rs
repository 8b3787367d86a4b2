//! Whether a run kept to an objective: what a search for capacity goes by.

use std::sync::Arc;

use super::audit::{self, Grade};
use super::hold::evaluated;
use crate::capacity::{Broken, Mode, Try};
use crate::claim::{Expression, SignalFigure, Statistic};
use crate::stats::arm::MeasuredRun;

/// Checks of the audit that speak of loadproof itself.
const OF_GENERATOR: [&str; 4] = ["scheduling lag", "generator CPU", "generator starved", "sockets and ports"];

/// A run at a load, held against an objective.
///
/// Beside the objective no start may be dropped, the backlog has to be empty in time where the scenario
/// waits for that, and loadproof itself has to keep up.
pub fn tried(run: &Arc<MeasuredRun>, load: f64, objective: &[Expression]) -> Try {
    let figure = |text: &str| evaluated(run, &Expression::new(text)).map_or(f64::NAN, |(value, _)| value);
    let mut broken: Vec<Broken> = generator(run).into_iter().collect();
    broken.extend(objective.iter().filter_map(|condition| missed(run, condition)));
    broken.extend(missed(run, &Expression::new("run.dropped == 0")));
    if run.facts.phases.iter().any(|phase| phase.name == "drain" && !phase.complete) {
        broken.push(Broken {
            mode: Mode::Backlog,
            condition: "the backlog is worked off in time".to_owned(),
            seen: "it was not".to_owned(),
        });
    }
    Try {
        run: run.facts.id,
        load,
        achieved_per_s: figure("run.throughput"),
        mean_ms: figure("run.mean"),
        p50_ms: figure("run.p50"),
        p99_ms: figure("run.p99"),
        not_ok_share: 1.0 - figure("run.answered_share"),
        broken,
        reasons: run.reasons.clone(),
    }
}

/// What the audit says of loadproof, if it could not keep up.
fn generator(run: &MeasuredRun) -> Option<Broken> {
    let audit = audit::of_run(run);
    let bad = audit.checks.iter().find(|c| c.grade == Grade::Invalid && OF_GENERATOR.contains(&&*c.name))?;
    Some(Broken { mode: Mode::Generator, condition: bad.name.to_string(), seen: bad.text.clone() })
}

/// A condition that does not hold, and what was seen.
fn missed(run: &Arc<MeasuredRun>, condition: &Expression) -> Option<Broken> {
    let seen = match evaluated(run, condition) {
        Ok((value, _)) if value != 0.0 => return None,
        Ok((_, seen)) => seen,
        Err(reason) => reason,
    };
    Some(Broken { mode: mode(condition), condition: condition.to_string(), seen })
}

/// What it is about: the first statistic tells.
fn mode(condition: &Expression) -> Mode {
    let statistics = condition.statistics().unwrap_or_default();
    statistics.first().map_or(Mode::Other, |(_, statistic)| match statistic {
        Statistic::Time(..) | Statistic::Recovery(_) => Mode::Latency,
        Statistic::Count(_) | Statistic::Share(_) => Mode::Errors,
        Statistic::DrainTime
        | Statistic::Signal(SignalFigure::Max | SignalFigure::Last | SignalFigure::Growth, _) => {
            Mode::Backlog
        }
        _ => Mode::Other,
    })
}
