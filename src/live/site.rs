//! What is served, and what answers are made with.

use std::sync::Arc;

use tokio::sync::watch;

use super::feed::Feed;
use super::guard::Guard;
use super::start::Control;
use crate::assess::history::History;

/// What is served.
pub struct Site {
    /// The run in progress.
    pub feed: Arc<Feed>,
    /// What is stored.
    pub history: History,
    /// What can be done.
    pub control: Box<dyn Control>,
}

/// Everything that an answer needs.
pub(super) struct Context {
    pub(super) site: Site,
    pub(super) guard: Guard,
    /// Becomes true when the server closes.
    pub(super) closing: watch::Receiver<bool>,
}
