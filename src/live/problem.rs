//! Why something cannot be shown.

use crate::assess::AssessError;

/// Why something cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// A run goes on.
    #[error(
        "a run is in progress: reading the store now would take CPU time from its load; try again after the run"
    )]
    Busy,
    /// It cannot be made.
    #[error("{0}")]
    Failed(String),
}

impl From<AssessError> for Problem {
    fn from(error: AssessError) -> Self {
        let text = error.to_string();
        if error.is_mistake() { Self::NotFound(text) } else { Self::Failed(text) }
    }
}
