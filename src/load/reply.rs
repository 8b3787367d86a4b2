//! What comes back over a connection: an answer, or why there is none.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::headers::Headers;
use crate::sample::MOST_BODY;
use crate::scenario::journey::Expect;

/// How much of an answer's body is kept.
#[derive(Clone, Copy)]
pub(super) enum Keep<'a> {
    /// Nothing of an expected answer: it is counted. Of others the beginning: it tells what is wrong.
    Unexpected(&'a Expect),
    /// All of it, up to so many bytes; the rest of a longer one is not read.
    UpTo(usize),
    /// The same, for somebody who watches it come.
    Watched(usize, &'a dyn Watch),
}

/// Somebody who watches the body of an answer come.
pub(super) trait Watch {
    /// The next bytes of the body have come.
    fn arrived(&self, bytes: &[u8]);

    /// Whether nobody needs the rest.
    fn has_enough(&self) -> bool;
}

impl Keep<'_> {
    /// Bytes that are kept at most of the body of an answer with this status.
    pub(super) fn room(self, status: u16) -> usize {
        match self {
            Self::UpTo(limit) | Self::Watched(limit, _) => limit,
            Self::Unexpected(expect) if expect.accepts(status) => 0,
            Self::Unexpected(_) => MOST_BODY,
        }
    }

    /// Whether a body of which so many bytes have come is read no further: it is longer than it may be, or whoever watches
    /// it has enough.
    pub(super) fn is_exceeded(self, bytes_in: usize) -> bool {
        match self {
            Self::Unexpected(_) => false,
            Self::UpTo(limit) => bytes_in > limit,
            Self::Watched(limit, watch) => bytes_in > limit || watch.has_enough(),
        }
    }

    /// Shows the next bytes of a body to whoever watches it come, unless its answer is about something else: a redirect,
    /// an error.
    pub(super) fn show(self, status: u16, bytes: &[u8]) {
        if let Self::Watched(_, watch) = self
            && (200..300).contains(&status)
        {
            watch.arrived(bytes);
        }
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
