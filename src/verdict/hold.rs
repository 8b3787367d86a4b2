//! Manipulation checks: a treatment counts only if it was seen to act.

use std::sync::Arc;

use serde::Serialize;

use super::evidence::{Reading, RoundRuns};
use crate::claim::{Expression, LookUp, Seen, Selection, seen_text};
use crate::run::{Arm, MeasuredRun, RunId};

/// Something that had to be seen to be true of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    /// The run.
    pub run: RunId,
    /// Its profile.
    pub profile: String,
    /// Its arm.
    pub arm: Option<Arm>,
    /// Its round.
    pub round: Option<u32>,
    /// `run.max('backfill queue') > 0`
    pub condition: String,
    /// Whether it was seen to be true.
    pub holds: bool,
    /// What was seen: `max('backfill queue') was 0`.
    pub seen: String,
    /// The statistics that the condition asks for; empty where they could not be had.
    pub values: Vec<HeldValue>,
}

/// A statistic that a condition asks for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldValue {
    /// `max('backfill queue')`
    pub name: String,
    /// Its value; times in ms.
    pub value: f64,
    /// Whether it is a time.
    pub is_time: bool,
}

impl Held {
    /// Why no claim may be decided, if it does not hold.
    pub fn text(&self) -> String {
        let round = self.round.map_or(String::new(), |r| format!(", round {r}"));
        format!(
            "a condition of {} was not met (run {}{round}): `{}` must hold, but {}",
            self.profile, self.run, self.condition, self.seen
        )
    }
}

/// Checks what must hold of each run.
pub(super) fn check(runs: &[Arc<MeasuredRun>]) -> Vec<Held> {
    runs.iter().flat_map(of_run).collect()
}

fn of_run(run: &Arc<MeasuredRun>) -> Vec<Held> {
    let facts = &run.facts;
    facts
        .start
        .must_hold
        .iter()
        .map(|condition| {
            let (holds, seen, values) = match evaluated(run, condition, &Selection::default()) {
                Ok((value, seen)) => (value != 0.0, seen_text(&seen), seen.iter().map(value_of).collect()),
                Err(reason) => (false, reason, Vec::new()),
            };
            Held {
                run: facts.id,
                profile: facts.start.profile.clone(),
                arm: facts.start.arm,
                round: facts.start.round,
                condition: condition.to_string(),
                holds,
                seen,
                values,
            }
        })
        .collect()
}

fn value_of(seen: &Seen) -> HeldValue {
    HeldValue { name: seen.statistic.to_string(), value: seen.found.value, is_time: seen.statistic.is_time() }
}

/// What an expression over one run comes to, and the statistics that were seen on the way.
pub(super) fn evaluated(
    run: &Arc<MeasuredRun>,
    expression: &Expression,
    select: &Selection,
) -> Result<(f64, Vec<Seen>), String> {
    let evidence: Arc<dyn LookUp> = Arc::new(RoundRuns {
        baseline: None,
        treatment: None,
        run: Arc::clone(run),
        select: select.clone(),
        warm_up_us: 0,
        within_run: false,
        reading: Reading::Measured,
    });
    let evaluated = expression.evaluate(&evidence)?;
    Ok((evaluated.value, evaluated.seen))
}
