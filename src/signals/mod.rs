//! Signals: time series read from the system while it is loaded, on the samples' clock.
//!
//! A [`Collector`] reads every source on a period of its own, keeps the latest values at hand for
//! whoever waits for a backlog to empty, and says at the end what was never seen.

mod collector;
mod latest;
mod process;
mod process_table;
pub mod prometheus;
mod source;

pub use collector::{Collector, CollectorReport};
pub use latest::{Latest, Total};

/// Why signals cannot be read by any means.
#[derive(Debug, thiserror::Error)]
pub enum SignalError {
    /// No client can be made.
    #[error("cannot make an HTTP client for signals: {0}")]
    Client(String),
    /// The system does not tell of its processes.
    #[error("cannot look at processes: {0}")]
    Processes(std::io::Error),
}
