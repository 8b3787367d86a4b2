//! Profiles: named configurations of the system under test.

use std::time::Duration;

use super::hook::Hook;
use super::patch::Patch;
use super::program::Program;
use crate::claim::Expression;

/// How to start, reset and reach the system under test in one of its configurations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it shows; reports print it.
    pub why: String,
    /// The target's base URL under this profile, if it differs from the scenario's.
    pub base_url: Option<String>,
    /// Services to start, in this order; none for a system that is already up.
    pub services: Vec<Service>,
    /// Keys of the system's own files that are set while it is in force.
    pub patches: Vec<Patch>,
    /// Commands around its runs, after those of the scenario.
    pub hooks: Vec<Hook>,
    /// What puts the system into its initial state before each run, in this order.
    pub reset: Vec<Reset>,
    /// What must be seen to be true of its runs, or they show nothing (manipulation checks).
    pub must_hold: Vec<Condition>,
    /// Name and level of each factor, of a cell of a grid; empty for others.
    pub levels: Vec<(String, String)>,
}

/// What must be seen to be true of a profile's runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The condition.
    pub when: Expression,
    /// The loads for whose runs it is stated; empty for all.
    pub loads: Vec<String>,
}

impl Profile {
    /// The name of the profile of a scenario that has none.
    pub const DIRECT: &str = "direct";

    /// The profile of a scenario that has none: its system is up already.
    pub fn direct() -> Self {
        Self { name: Self::DIRECT.to_owned(), ..Self::default() }
    }

    /// Whether each of its runs finds the system as the one before found it, as far as the scenario tells: because it is
    /// started anew, or reset.
    pub fn begins_afresh(&self) -> bool {
        !self.services.is_empty() || !self.reset.is_empty()
    }

    /// What must be seen to be true of its runs under a load.
    pub fn must_hold_under(&self, load: &str) -> Vec<Expression> {
        let of_load = |condition: &&Condition| {
            condition.loads.is_empty() || condition.loads.iter().any(|name| name == load)
        };
        self.must_hold.iter().filter(of_load).map(|condition| condition.when.clone()).collect()
    }
}

/// A process of the system under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// What is run.
    pub program: Program,
    /// When it can take load.
    pub ready: Ready,
    /// How long that may take.
    pub ready_within: Duration,
    /// How long it has to end after TERM before it gets KILL.
    pub stop_within: Duration,
}

/// When a service can take load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// A GET of this URL is answered with a status below 400.
    Http(String),
    /// This address (`host:port`) accepts a connection.
    Tcp(String),
    /// This program ends with exit code 0.
    Command(Program),
    /// A line of its output matches this regular expression.
    Log(String),
    /// It has been up for this long.
    UpFor(Duration),
}

/// A step of putting the system into its initial state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reset {
    /// A request that must be answered with a status below 400.
    Request {
        /// `POST`, `DELETE`, …
        method: String,
        /// A whole URL, or a path below the profile's base URL.
        url: String,
    },
    /// A program that must end with exit code 0.
    Command(Hook),
}

/// When the system's backlog counts as empty after the load has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Signals that must all read 0.
    pub until_zero: Vec<String>,
    /// How long that may take.
    pub within: Duration,
}
