//! How a run's load was planned, where it has parts or stages.

use serde::{Deserialize, Serialize};

/// A part of a run's load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartFacts {
    /// Its name.
    pub name: String,
    /// `closed`, `open` or `shared`.
    pub executor: String,
    /// The number of its first user; those of the others follow.
    pub first_user: u32,
    /// Users, or most journeys at a time.
    pub max_in_flight: u32,
}

/// A stretch of a run's load in which a level stays or changes evenly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageFacts {
    /// Its name, which no other stage of the load has; empty if it has none.
    pub name: String,
    /// The name of its part; empty if the load has one part.
    pub part: String,
    /// What its level counts: `users`, `per second`, or `at once` for journeys of a burst.
    pub of: String,
    /// Planned start, µs since the run's start.
    pub start_us: i64,
    /// Planned end.
    pub end_us: i64,
    /// Level at its start.
    pub from: f64,
    /// Level at its end.
    pub to: f64,
}
