//! Small real systems, served over real sockets, that load tests are tested against.
//!
//! - [`gateway`]: takes messages of sessions in, by a write-through and its log or by an outbox.
//! - [`ingestor`]: takes messages in, queues them, and batches them into a database.
//! - [`known`]: a server of known truth. Its service times, stalls and errors are one value, so
//!   that a test can say what a measurement of it should have found.
//! - [`shopstream`]: a shop of several contexts whose events reach their read models through an
//!   outbox, streams and engines, with or without a lane of their own for bulk work.
//! - [`site`]: a web shop with logins, forms, redirects, uploads and TLS, for clients to be tried on.
//! - [`storefront`]: services of a shop front in two forms, before and after a rewrite.
//!
//! Each starts in-process on a free port and stops when its handle is dropped. A switch of a
//! system changes a mechanism (which queue a message waits in), never the length of a sleep.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod clock;
pub mod gateway;
pub mod ingestor;
pub mod known;
mod metrics;
mod neighbour;
mod random;
pub mod server;
pub mod shopstream;
pub mod site;
pub mod storefront;
