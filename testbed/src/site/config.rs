//! How to run the shop.

use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use super::certificate::Kind;

/// How to run the shop.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How many items it sells.
    pub items: NonZeroU32,
    /// How long an access token is valid.
    pub token_lifetime: Duration,
    /// After how long an idle HTTP/1.1 connection is closed, unannounced; none for never.
    pub keep_alive: Option<Duration>,
    /// Of the requests on reused HTTP/1.1 connections, every n-th finds its connection closed and
    /// is not carried out; none for no such request.
    pub flaky: Option<NonZeroU64>,
    /// Most bytes of a request's body; a longer one is answered with 413.
    pub body_limit: usize,
    /// Whether a POST without a length (411) and a request without a `User-Agent` (403) are refused.
    pub strict: bool,
    /// What is wrong with the certificate, if anything is.
    pub certificate: Kind,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            items: NonZeroU32::MIN.saturating_add(199),
            token_lifetime: Duration::from_secs(3600),
            keep_alive: None,
            flaky: None,
            body_limit: 16 << 20,
            strict: false,
            certificate: Kind::Good,
        }
    }
}
