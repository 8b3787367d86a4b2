//! Bodies in chunks (RFC 9112 §7.1). Pure.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::head::{MOST_LINES, Malformed};

/// Bytes of all extensions of a body's chunks at most: nothing reads them.
const MOST_EXTENSION: usize = 16 << 10;
/// Bytes of the header lines behind a body at most.
const MOST_TRAILERS: usize = 16 << 10;

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

/// Where in a body of chunks its reader stands.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    next: Next,
    /// Bytes of the chunk that are still to come.
    left: u64,
    /// Bytes of extensions so far.
    extension: usize,
    /// The header lines behind the body, as they came.
    trailers: Vec<u8>,
    /// How many of them.
    lines: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// The first digit of a size.
    #[default]
    Size,
    MoreSize,
    /// White space behind a size.
    Space,
    Extension,
    SizeEnd,
    Data,
    DataReturn,
    DataEnd,
    /// The end of the body, or the first byte of a line behind it.
    Line,
    Trailer,
    TrailerEnd,
    LastEnd,
    Nothing,
}

impl Chunked {
    /// The next part of the body in `input`.
    ///
    /// # Errors
    /// If this is not how chunks are written.
    pub(super) fn next(&mut self, input: &[u8]) -> Result<Part, Malformed> {
        for (at, byte) in input.iter().enumerate() {
            if self.next == Next::Data {
                let room = (input.len() - at) as u64;
                let data = self.left.min(room);
                self.left -= data;
                if self.left == 0 {
                    self.next = Next::DataReturn;
                }
                // No more than `input` holds.
                return Ok(Part {
                    skip: at,
                    data: usize::try_from(data).unwrap_or(usize::MAX),
                    is_last: false,
                });
            }
            self.next = self.step(*byte)?;
            if self.next == Next::Nothing {
                return Ok(Part { skip: at + 1, data: 0, is_last: true });
            }
        }
        Ok(Part { skip: input.len(), data: 0, is_last: false })
    }

    fn step(&mut self, byte: u8) -> Result<Next, Malformed> {
        Ok(match (self.next, byte) {
            (Next::Size | Next::MoreSize, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let size = self.left.checked_mul(16).and_then(|size| size.checked_add(digit.into()));
                self.left = size.ok_or(Malformed::Chunk("its size is too large"))?;
                Next::MoreSize
            }
            (Next::MoreSize | Next::Space, b' ' | b'\t') => Next::Space,
            (Next::MoreSize | Next::Space, b';') => Next::Extension,
            (Next::MoreSize | Next::Space | Next::Extension, b'\r') => Next::SizeEnd,
            (Next::Size | Next::MoreSize | Next::Space, _) => {
                return Err(Malformed::Chunk("its size is not a number"));
            }
            // Some take it for the end of the line: what they read is another body.
            (Next::Extension, b'\n') => return Err(Malformed::Chunk("its extension has a line break")),
            (Next::Extension, _) => {
                self.extension += 1;
                if self.extension >= MOST_EXTENSION {
                    return Err(Malformed::Chunk("its extensions are too long"));
                }
                Next::Extension
            }
            (Next::SizeEnd, b'\n') if self.left == 0 => Next::Line,
            (Next::SizeEnd, b'\n') => Next::Data,
            (Next::DataReturn, b'\r') => Next::DataEnd,
            (Next::DataEnd, b'\n') => Next::Size,
            (Next::Line, b'\r') => self.trailer(byte, Next::LastEnd)?,
            (Next::Trailer, b'\r') => self.trailer(byte, Next::TrailerEnd)?,
            // Waiting for more would be in vain.
            (Next::Line | Next::Trailer, b'\n') => {
                return Err(Malformed::Chunk("a line behind the last one ends without a carriage return"));
            }
            (Next::Line | Next::Trailer, _) => self.trailer(byte, Next::Trailer)?,
            (Next::TrailerEnd, b'\n') => {
                self.lines += 1;
                self.trailer(byte, Next::Line)?
            }
            (Next::LastEnd, b'\n') => self.trailer(byte, Next::Nothing)?,
            _ => return Err(Malformed::Chunk("it does not end where its size says")),
        })
    }

    /// Keeps a byte of the lines behind the body, if there are any.
    fn trailer(&mut self, byte: u8, next: Next) -> Result<Next, Malformed> {
        let is_line = next == Next::Trailer || !self.trailers.is_empty();
        if is_line {
            if self.trailers.len() >= MOST_TRAILERS || self.lines > MOST_LINES {
                return Err(Malformed::Trailers);
            }
            self.trailers.push(byte);
        }
        Ok(next)
    }

    /// The header lines behind the body; none if there were none.
    ///
    /// # Errors
    /// If they are not header lines.
    pub(super) fn trailers(&self) -> Result<Option<HeaderMap>, Malformed> {
        if self.trailers.is_empty() {
            return Ok(None);
        }
        // No more than there were: a line break of another kind makes none.
        let mut lines = vec![httparse::EMPTY_HEADER; self.lines];
        match httparse::parse_headers(&self.trailers, &mut lines) {
            Ok(httparse::Status::Complete((_, lines))) => {
                let mut map = HeaderMap::with_capacity(lines.len());
                for line in lines {
                    let name =
                        HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| Malformed::Trailers)?;
                    let value = HeaderValue::from_bytes(line.value).map_err(|_| Malformed::Trailers)?;
                    map.append(name, value);
                }
                Ok(Some(map))
            }
            Ok(httparse::Status::Partial) | Err(_) => Err(Malformed::Trailers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data and the trailers of a body that comes in pieces of this size, and how much of it was read.
    fn read(body: &[u8], piece: usize) -> Result<(Vec<u8>, String, usize), Malformed> {
        let (mut chunked, mut data, mut read) = (Chunked::default(), Vec::new(), 0);
        for piece in body.chunks(piece) {
            let mut at = 0;
            while at < piece.len() {
                let part = chunked.next(&piece[at..])?;
                data.extend_from_slice(&piece[at + part.skip..at + part.skip + part.data]);
                at += part.skip + part.data;
                read += part.skip + part.data;
                if part.is_last {
                    let trailers = chunked.trailers()?;
                    let lines =
                        trailers.iter().flatten().map(|(n, v)| format!("{n}={}", v.to_str().unwrap()));
                    return Ok((data, lines.collect::<Vec<_>>().join(","), read));
                }
            }
        }
        Ok((data, "no end".to_owned(), read))
    }

    #[test]
    fn chunks_are_put_together_however_they_come() {
        for piece in 1..40 {
            let (data, trailers, read) =
                read(b"5\r\nhello\r\n1;a=b\r\n \r\n05 \t\r\nworld\r\n0\r\n\r\nmore", piece).unwrap();
            assert_eq!((&data[..], trailers.as_str(), read), (&b"hello world"[..], "", 38), "{piece}");
            let body = b"1\r\nx\r\n0\r\nexpires: now\r\nx-a: 1\r\n\r\n";
            let (data, trailers, _) = super::tests::read(body, piece).unwrap();
            assert_eq!((&data[..], trailers.as_str()), (&b"x"[..], "expires=now,x-a=1"), "{piece}");
        }
        assert_eq!(read(b"5\r\nhel", 9).unwrap().1, "no end");
    }

    #[test]
    fn what_is_not_a_chunk_is_refused() {
        for body in [
            "x\r\n",
            "\r\n",
            "1;a\n",
            "1\rx",
            "1\r\nxx",
            "1\r\nx\rx",
            "11111111111111111\r\n",
            "0\r\nno line\r\n\r\n",
            "0\r\na: b\rc",
            "0\r\na: b\n\r\n",
            "0\r\n\n",
            "1 2\r\n",
            "-1\r\n",
        ] {
            assert!(read(body.as_bytes(), 99).is_err(), "{body:?}");
        }
        let long = format!("1;{}", "x".repeat(MOST_EXTENSION));
        assert!(read(long.as_bytes(), 1000).is_err());
        let long = format!("0\r\na: {}", "x".repeat(MOST_TRAILERS));
        assert!(read(long.as_bytes(), 1000).is_err());
    }
}
