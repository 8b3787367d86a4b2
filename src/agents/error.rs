//! Why agents cannot make a load.

use crate::scenario::Scenario;

/// Why agents cannot make a load.
#[derive(Debug, thiserror::Error)]
pub enum AgentsError {
    /// The NATS server cannot be reached.
    #[error(
        "cannot reach the NATS server at {url}: {reason}\n  hint: start one with `nats-server`, or name another one with --nats"
    )]
    Unreachable {
        /// Its URL, without credentials.
        url: String,
        /// Why.
        reason: String,
    },
    /// Too few agents have answered.
    #[error(
        "{found} of {wanted} agents have answered within {within_s} s{others}\n  hint: start more with `loadproof agent --nats URL`"
    )]
    TooFew {
        /// How many can work for this command.
        found: usize,
        /// How many are wanted.
        wanted: usize,
        /// How long was waited, s.
        within_s: u64,
        /// Those that have answered and cannot, in words.
        others: String,
    },
    /// The scenario has something that users of several machines cannot share.
    #[error("{0}: users of several agents cannot share it\n  hint: run this load without --agents")]
    Shared(String),
    /// The plan is too large to be sent.
    #[error("the scenario's files have {0} in all, and agents take 256 MiB at most")]
    TooLarge(String),
    /// An agent did not do what it was asked to.
    #[error("agent `{name}`: {reason}")]
    Agent {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The connection to the server has ended.
    #[error("NATS: {0}")]
    Connection(String),
    /// The folder of the spools cannot be used.
    #[error("cannot use the spool folder `{folder}`: {reason}")]
    Spool {
        /// The folder.
        folder: std::path::PathBuf,
        /// Why.
        reason: String,
    },
    /// The system gives no thread or runtime.
    #[error("cannot set up agents: {0}")]
    SetUp(#[from] std::io::Error),
}

impl AgentsError {
    /// Whether the command line or the scenario is to blame.
    pub fn is_mistake(&self) -> bool {
        matches!(self, Self::Shared(_) | Self::TooLarge(_) | Self::Unreachable { .. } | Self::TooFew { .. })
    }
}

/// What users of one machine share, and those of several cannot.
pub(super) fn not_shared(scenario: &Scenario) -> Result<(), AgentsError> {
    if let Some(race) = scenario.races.first() {
        return Err(AgentsError::Shared(format!("requests race each other for `{race}`")));
    }
    if let Some(queue) = scenario.queues.first() {
        return Err(AgentsError::Shared(format!("the scenario has a queue `{queue}`")));
    }
    if let Some(journey) = scenario.journeys.iter().find(|journey| journey.once.is_some()) {
        return Err(AgentsError::Shared(format!(
            "journey `{}` needs one that is performed once in a run",
            journey.name
        )));
    }
    Ok(())
}
