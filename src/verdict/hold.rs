//! Manipulation checks: a treatment counts only if it was seen to act.

use std::sync::Arc;

use serde::Serialize;

use super::evidence::{Reading, RoundRuns};
use crate::claim::{Expression, LookUp, Selection, seen_text};
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
}

impl Held {
    /// Why no claim may be decided, if it does not hold.
    pub fn text(&self) -> String {
        let round = self.round.map_or(String::new(), |r| format!(", round {r}"));
        format!(
            "{} was not what it should be (run {}{round}): `{}` must hold, but {}",
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
            let (holds, seen) = match evaluated(run, condition, &Selection::default()) {
                Ok((value, seen)) => (value != 0.0, seen),
                Err(reason) => (false, reason),
            };
            Held {
                run: facts.id,
                profile: facts.start.profile.clone(),
                arm: facts.start.arm,
                round: facts.start.round,
                condition: condition.to_string(),
                holds,
                seen,
            }
        })
        .collect()
}

/// What an expression over one run comes to, and the statistics that were seen on the way.
pub(super) fn evaluated(
    run: &Arc<MeasuredRun>,
    expression: &Expression,
    select: &Selection,
) -> Result<(f64, String), String> {
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
    Ok((evaluated.value, seen_text(&evaluated.seen)))
}
