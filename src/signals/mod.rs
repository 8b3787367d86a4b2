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

/// What a signal is called and means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// Its name.
    pub name: String,
    /// `messages`, `bytes`, `s`; empty if not given.
    pub unit: String,
    /// Whether it is a total that only grows.
    pub is_total: bool,
    /// Where it is read.
    pub source: String,
}

/// A signal by its place in [`Collector::infos`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignalId(pub u16);

/// A value of a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Which signal.
    pub signal: SignalId,
    /// When it was read, µs since the run's start: the middle of the question.
    pub at_us: i64,
    /// Its value.
    pub value: f64,
}

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
