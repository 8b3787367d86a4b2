//! loadproof: load tests whose verdicts you can sign.
//!
//! ```text
//! scenarios/*.toml ─► scenario ─► plan ─► load ─► sample ─► store (SQLite) ─► stats ─► summary ─► verdict ─► report
//!                                   │                         ▲  │                                  │          ▲
//!                                   └─► system ─► signals ────┤  └─► export                         └─► trend, capacity,
//!                         files of other tools ─► import ─────┘                                        baseline, signoff
//! ```
//!
//! Data flows one way; each arrow is a named type. `execute` carries a plan out, `live` shows it, `cli` sits on
//! top and is used by nobody. The modules stand in the order of the flow: plain values first.

// Plain values, which all rooms may use.
pub mod unit;
pub mod utc;
pub mod web;
pub mod checksum;
pub mod trace;
pub mod bundle;
pub mod sample;
pub mod claim;
pub mod run;

// What is to be done.
pub mod scenario;
pub mod plan;

// The world: load, the system under test, what is read from it.
pub mod load;
pub mod system;
pub mod signals;

// What was measured.
pub mod store;
pub mod import;
pub mod export;

// What it comes to.
pub mod stats;
pub mod trend;
pub mod capacity;
pub mod verdict;
pub mod baseline;
pub mod signoff;
pub mod report;

// Carrying it out, and showing it.
pub mod execute;
pub mod live;
pub mod cli;
