//! `[capacity]`: what a system has to keep to while its load is raised, and how it is raised.

use std::time::Duration;

use crate::claim::Expression;

/// How `loadproof capacity` searches.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacitySpec {
    /// Conditions on a run; all of them must hold.
    pub objective: Vec<Expression>,
    /// The load that is raised: the rate of an open one, the users of a closed one.
    pub load: String,
    /// Where the search begins; the load's own rate or users if none.
    pub from: Option<f64>,
    /// Where it ends at the latest.
    pub to: Option<f64>,
    /// How long each try lasts; as long as the load if none.
    pub run_time: Option<Duration>,
    /// Tries of which most decide.
    pub repeats: u32,
    /// How near the search comes: the lowest miss lies within this share above the highest load met.
    pub precision: f64,
}

/// Tries of which most decide, if a scenario does not say.
pub const REPEATS: u32 = 3;
/// How near a search comes, if a scenario does not say.
pub const PRECISION: f64 = 0.05;
