//! loadproof: load tests whose verdicts you can sign.
//!
//! ```text
//! scenarios/*.toml ─► scenario ─► plan ─► load ─► sample ─► store (SQLite) ─► stats ─► summary ─► verdict ─► report
//!                                   │                         ▲  │                                  │          ▲
//!                                   └─► system ─► signals ────┤  └─► export                         └─► trend, capacity,
//!                         files of other tools ─► import ─────┘                                        baseline, signoff
//! ```
//!
//! Data flows one way; each arrow is a named type. `assess` takes the way from the store to reports, `execute` carries a
//! plan out, `live` shows it, `cli` sits on top and is used by nobody. The modules stand in the order of the flow: plain values first.

// Plain values, which all rooms may use.
pub(crate) mod unit;
pub(crate) mod utc;
pub(crate) mod web;
pub(crate) mod redact;
pub(crate) mod printable;
pub(crate) mod bounded;
pub mod checksum;
pub mod trace;
pub(crate) mod bundle;
pub mod sample;
pub mod reading;
pub mod claim;
pub mod run;

// What is to be done.
pub mod scenario;
pub(crate) mod draft;
pub(crate) mod plan;

// The world: load, the system under test, what is read from it.
pub mod load;
pub(crate) mod system;
pub(crate) mod signals;
pub(crate) mod agents;

// What was measured.
pub mod store;
pub(crate) mod import;
pub mod export;

// What it comes to.
pub mod stats;
pub mod summary;
pub(crate) mod trend;
pub(crate) mod capacity;
pub mod verdict;
pub(crate) mod baseline;
pub mod signoff;
pub mod report;
pub(crate) mod assess;

// Carrying it out, and showing it.
pub(crate) mod execute;
pub(crate) mod live;
pub mod cli;

// What every reader of outside input is tested with.
#[cfg(test)]
#[path = "fuzz/tests.rs"]
mod fuzz;
