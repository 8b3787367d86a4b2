//! What the tries of a search for capacity come to.

use super::error::AssessError;
use super::runs;
use crate::capacity::Try;
use crate::claim::Expression;
use crate::plan::Choices;
use crate::report::capacity::Subject;
use crate::run::RunId;
use crate::scenario::capacity::CapacitySpec;
use crate::scenario::load::Executor;
use crate::store::Store;
use crate::verdict::objective;

/// A stored run at a load, held against an objective.
///
/// # Errors
/// If there is no such run, or the store cannot be read.
pub fn tried(run: RunId, load: f64, objective: &[Expression], store: &Store) -> Result<Try, AssessError> {
    Ok(objective::tried(&runs::measured_by_id(store, run)?, load, objective))
}

/// What the report of a search says that it was about.
pub fn subject(scenario: &str, profile: &str, choices: &Choices, spec: &CapacitySpec) -> Subject {
    Subject {
        scenario: scenario.to_owned(),
        profile: profile.to_owned(),
        objective: spec.objective.iter().map(ToString::to_string).collect(),
        load_text: choices.load.text(),
        load_unit: match choices.load.only() {
            Some(Executor::Closed { .. }) => "users",
            _ => "per second",
        },
        run_time_s: choices.load.run_time().map_or(0.0, |t| t.as_secs_f64()),
        precision: spec.precision,
        repeats: spec.repeats,
    }
}
