//! Hooks: commands around a run.

use std::time::Duration;

use super::program::Program;

/// A command that is run around a run, or beside its load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name; claims about recovery call it by it.
    pub name: String,
    /// What is run.
    pub program: Program,
    /// When.
    pub moment: Moment,
    /// How long it may take; none beside the load, where the run's end is the deadline.
    pub within: Option<Duration>,
    /// Whether the run goes on if it fails; a failure beside the load is only recorded.
    pub may_fail: bool,
}

/// When a hook is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After the system is up and reset, before the load.
    Before,
    /// This long after the load's start.
    Beside(Duration),
    /// After load and drain, before the system is stopped.
    After,
}

impl Moment {
    /// The word for it in files and in the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::Beside(_) => "beside",
            Self::After => "after",
        }
    }
}
