//! The live page: a run in progress, for people to watch and for machines to read.
//!
//! ```text
//! execute ─► Narrator ─► Event ─► Feed (what is known now; ten minutes of events) ─► Server ─► viewers
//!                          ▲
//!     Runner: a run in a process of its own, which writes its events to stderr
//! ```
//!
//! The server has a thread and a runtime of its own, apart from the load's. It is told, and asks nobody: nothing is
//! read from the store while a run goes on, and who reads slowly is dropped. Pages about stored runs are made by `assess`.
//! What lies beyond (scenario files, the end of a run) is asked of the program through a trait, [`Control`].

mod connections;
mod download;
pub mod event;
mod feed;
mod guard;
mod metrics;
mod narrator;
mod page;
mod problem;
pub mod push;
mod routes;
mod runner;
mod secret;
mod server;
mod site;
mod start;
mod state;
mod stream;

pub use feed::Feed;
pub use narrator::{Listener, Narrator};
pub use runner::Runner;
pub use secret::Secret;
pub use server::{ServeError, Server};
pub use site::Site;
pub use start::{Control, ExperimentOffer, LoadOffer, NoOffer, Offer, Offers, Starter};
