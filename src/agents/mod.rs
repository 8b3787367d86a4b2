//! Agents: several machines make one load.
//!
//! The coordinator shares a run out among agents that it finds over a NATS server ([`Fleet`]); each makes its share as a
//! machine of its own does ([`serve`]), and keeps every batch in a spool until the coordinator's store has sealed the run.
//! To whoever carries the run out it is a load like any other: batches that come in, users and requests under way.
//!
//! Batches of an agent arrive in order and once: each has a number, the coordinator takes the next one only, and the agent
//! sends again from what is stored. Only what SQLite has committed counts as stored.

mod assignment;
mod bytes;
mod collect;
mod connection;
mod delivery;
mod error;
mod fleet;
mod frame;
mod late;
mod offset;
mod orders;
mod pack;
mod plan;
mod say;
mod service;
pub mod signals;
mod spool;
mod wire;

pub use collect::{Collected, Limits, StoredSoFar};
pub use error::AgentsError;
pub use fleet::{Fleet, Found, Wanted, Work};
pub use late::collect_late;
pub use pack::{Noting, Pack};
pub use service::{AgentOptions, serve};

/// How long an agent may be silent until it counts as lost, and how long one goes on without a word from its coordinator.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(60);
