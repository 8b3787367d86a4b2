//! The integration tests of the testbed, as one program.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/it/support/ports.rs"]
mod ports;
#[allow(dead_code, reason = "the servers of the other tests are there, too")]
#[path = "../../../tests/it/support/servers.rs"]
mod servers;
mod support;

mod cli;
mod gateway;
mod ingestor;
mod known;
mod lanes;
mod shopstream;
mod site;
mod storefront;
