//! loadproof: load tests whose verdicts you can sign.
//!
//! ```text
//! scenarios/*.toml ─► scenario ─► plan ─► load ─► sample ─► store (SQLite) ─► stats ─► verdict ─► report
//!                                   │                         ▲
//!                                   └─► target ─► signals ────┘
//! ```
//!
//! Data flows one way; each arrow is a named type. `execute` carries a plan out, `cli` sits on top
//! and is used by nobody.

pub mod baseline;
pub mod bundle;
pub mod capacity;
pub mod checksum;
pub mod claim;
pub mod cli;
pub mod execute;
pub mod import;
pub mod live;
pub mod load;
pub mod plan;
pub mod report;
pub mod run;
pub mod sample;
pub mod scenario;
pub mod signals;
pub mod signoff;
pub mod stats;
pub mod store;
pub mod target;
pub mod trace;
pub mod trend;
pub mod unit;
pub mod verdict;
pub mod web;
