//! What comes back over a connection: an answer, or why there is none.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::headers::Headers;
use crate::sample::MOST_BODY;
use crate::scenario::journey::Expect;

/// How much of an answer's body is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep<'a> {
    /// Nothing of an expected answer: it is counted. Of others the beginning: it tells what is wrong.
    Unexpected(&'a Expect),
    /// All of it, up to so many bytes; the rest of a longer one is not read.
    UpTo(usize),
}

impl Keep<'_> {
    /// Bytes that are kept at most of the body of an answer with this status.
    pub(super) fn room(self, status: u16) -> usize {
        match self {
            Self::UpTo(limit) => limit,
            Self::Unexpected(expect) if expect.accepts(status) => 0,
            Self::Unexpected(_) => MOST_BODY,
        }
    }

    /// Whether a body of which so many bytes have come is longer than it may be.
    pub(super) fn is_exceeded(self, bytes_in: usize) -> bool {
        matches!(self, Self::UpTo(limit) if bytes_in > limit)
    }
}

/// A complete answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: Body,
    /// Bytes of the body as they came.
    pub(super) bytes_in: usize,
    pub(super) first_byte: Instant,
    pub(super) done: Instant,
    /// Whether the body was longer than it might be: the connection holds the rest of it.
    pub(super) is_cut: bool,
    /// Whether there is a header `set-cookie`: it is looked for after every answer.
    pub(super) sets_cookies: bool,
    /// How long the last of it had waited in the kernel until it was read, if that was asked for and is known.
    pub(super) delay: Option<Duration>,
}

/// What is kept of a body.
pub(super) enum Body {
    Own(Vec<u8>),
    /// It lies where it came, behind the head.
    Behind(Range<usize>),
}

impl Reply {
    /// The body; empty unless it was to be kept.
    pub(super) fn body(&self) -> &[u8] {
        match &self.body {
            Body::Own(bytes) => bytes,
            Body::Behind(place) => self.headers.answer(place.clone()),
        }
    }
}

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum SendFailure {
    /// The connection had been closed before anything was sent.
    Unsent,
    /// A connection that had carried requests before ended without a byte of an answer; over
    /// HTTP/2, of any answer.
    Silent(String),
    /// It broke otherwise.
    Broken(String),
}

impl SendFailure {
    /// What is said of it if nothing can be done about it.
    pub(super) fn reason(self) -> String {
        match self {
            Self::Unsent => "connection closed before the request was sent".to_owned(),
            Self::Silent(reason) | Self::Broken(reason) => reason,
        }
    }
}
