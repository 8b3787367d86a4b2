//! Where in a stream of bytes a body lies, and where it ends (RFC 9112 §6.3). Pure.

use super::chunked::Chunked;
use super::head::{Length, Malformed};

/// How the body that is being read is framed.
#[derive(Debug)]
pub(super) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    Chunked(Box<Chunked>),
    /// It ends with the connection.
    UntilClose,
}

/// A part of a body among bytes that have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Bytes before it, which are none of the body.
    pub(super) skip: usize,
    /// Its length.
    pub(super) data: usize,
    /// Whether the body ends with it.
    pub(super) is_last: bool,
}

impl Framing {
    pub(super) fn new(length: Length) -> Self {
        match length {
            Length::Exactly(count) => Self::Length(count),
            Length::Chunked => Self::Chunked(Box::default()),
            Length::UntilClose => Self::UntilClose,
        }
    }

    /// The next part of the body in `input`; with what lies before it, it takes at least a byte of one that
    /// is not empty, unless the body ends.
    ///
    /// # Errors
    /// If this is not how such a body is written.
    pub(super) fn next(&mut self, input: &[u8]) -> Result<Part, Malformed> {
        match self {
            Self::Length(left) => {
                let data = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= data as u64;
                Ok(Part { skip: 0, data, is_last: *left == 0 })
            }
            Self::Chunked(chunked) => chunked.next(input),
            Self::UntilClose => Ok(Part { skip: 0, data: input.len(), is_last: false }),
        }
    }
}
