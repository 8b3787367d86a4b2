//! The integration tests, as one program: linking it once takes less time than all tests together.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are their own documentation, and fail by panicking"
)]

mod support;

mod agents;
mod baseline;
mod browser;
mod capacity;
mod cli;
mod client;
mod commands;
mod conformance;
mod deploy;
mod doubt;
mod events;
mod experiment;
mod faults;
mod explain;
mod export;
mod gateway;
mod grid;
mod grpc;
mod import;
mod import_kinds;
mod ingestor;
mod init_from;
mod invariants;
mod keys;
mod late_claims;
mod language;
mod layers;
mod live;
mod load;
mod renamed;
mod replay;
mod report;
mod retention;
mod scenario;
mod sent;
mod shared;
mod shopstream;
mod lies;
mod signoff;
mod site;
mod sse;
mod stages;
mod storefront;
mod tags;
mod tls;
mod trend;
mod ui;
mod vectors;
mod verdict;
mod websocket;
