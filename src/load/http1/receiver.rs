//! Bytes become an answer, however they come. Pure, but for the clock.

use std::time::Instant;

use super::framing::Framing;
use super::head::{Asked, Head, Length, MOST_BYTES, Malformed, bad_line, unfolded};
use crate::load::buffer::{Buffer, LARGE};
use crate::load::headers::{Headers, Lines};
use crate::load::reply::{Body, Keep, Reply};

/// Interim answers (RFC 9110 §15.2) before an answer at most.
const MOST_INTERIM: u32 = 100;

/// Reads one answer.
pub(super) struct Receiver<'a> {
    asked: Asked,
    keep: Keep<'a>,
    /// The head, the kept part of the body, and what has not been read yet; none before anything has come.
    buffer: Option<Buffer>,
    /// Up to where a head was looked for and not found.
    looked: usize,
    interim: u32,
    body: Option<Receiving>,
    /// Whether anything has come.
    pub(super) heard: bool,
}

/// An answer whose head has come.
struct Receiving {
    head: Head,
    framing: Framing,
    first_byte: Instant,
    /// Where the kept part of the body ends in the buffer, and what has come behind it begins.
    kept: usize,
    /// Bytes of the body that are kept at most.
    room: usize,
    bytes_in: usize,
}

/// An answer, and whether its connection can carry another request.
pub(super) struct Received {
    pub(super) reply: Reply,
    pub(super) stays: bool,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(asked: Asked, keep: Keep<'a>) -> Self {
        Self { asked, keep, buffer: None, looked: 0, interim: 0, body: None, heard: false }
    }

    /// Where the next bytes go.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let buffer = self.buffer.get_or_insert_with(Buffer::take);
        if buffer.room().is_empty() {
            buffer.reserve(1);
        }
        buffer.room()
    }

    /// Nothing has come: as long as that is so, others can have the buffer.
    pub(super) fn nothing(&mut self) {
        if self.buffer.as_ref().is_some_and(|buffer| buffer.filled().is_empty()) {
            self.buffer = None;
        }
    }

    /// So many bytes have come, at least one; the answer, if it is complete.
    ///
    /// # Errors
    /// If it is not an answer.
    pub(super) fn advance(&mut self, count: usize) -> Result<Option<Received>, Malformed> {
        self.heard = true;
        let Some(mut buffer) = self.buffer.take() else { return Ok(None) };
        let was_full = buffer.room().len() == count;
        buffer.advance(count);
        let had_head = self.has_head();
        let receiving = match self.body.take() {
            Some(receiving) => Some(receiving),
            None => self.head(&mut buffer)?,
        };
        let Some(mut receiving) = receiving else {
            self.buffer = Some(buffer);
            return Ok(None);
        };
        let first_byte = receiving.first_byte;
        match receiving.read(&mut buffer, self.keep)? {
            None => {
                if was_full && buffer.filled().len() + buffer.room().len() < LARGE {
                    buffer.reserve(LARGE - buffer.filled().len());
                }
                (self.buffer, self.body) = (Some(buffer), Some(receiving));
                Ok(None)
            }
            Some(end) => {
                // Nothing lies between two looks at the clock where all of it has come at once.
                let done = if had_head { Instant::now() } else { first_byte };
                let stays = end.is_whole && receiving.head.stays && !end.is_followed;
                let trailers = match &receiving.framing {
                    Framing::Chunked(chunked) if end.is_whole => chunked.trailers()?,
                    _ => None,
                };
                let Receiving { head, kept, bytes_in, .. } = receiving;
                let body = Body::Behind(head.end..kept);
                let headers = Headers::of_lines(Lines::new(buffer, head.lines), trailers);
                let reply = Reply {
                    status: head.status,
                    headers,
                    body,
                    bytes_in,
                    first_byte,
                    done,
                    is_cut: !end.is_whole,
                    sets_cookies: head.sets_cookies,
                    delay: None,
                };
                Ok(Some(Received { reply, stays }))
            }
        }
    }

    /// The connection has ended: the answer, if that is how it ends.
    pub(super) fn end(&mut self) -> Option<Reply> {
        let receiving = self.body.take_if(|body| matches!(body.framing, Framing::UntilClose))?;
        let buffer = self.buffer.take()?;
        let Receiving { head, kept, bytes_in, first_byte, .. } = receiving;
        Some(Reply {
            status: head.status,
            body: Body::Behind(head.end..kept),
            headers: Headers::of_lines(Lines::new(buffer, head.lines), None),
            bytes_in,
            first_byte,
            done: Instant::now(),
            is_cut: false,
            sets_cookies: head.sets_cookies,
            delay: None,
        })
    }

    /// Whether the head of an answer has come.
    pub(super) fn has_head(&self) -> bool {
        self.body.is_some()
    }

    /// What follows a head, as soon as that has come; interim answers before it are left out.
    fn head(&mut self, buffer: &mut Buffer) -> Result<Option<Receiving>, Malformed> {
        loop {
            // A head ends with a line: without a new one, there is nothing new to be found.
            let new = &buffer.filled()[self.looked.min(buffer.filled().len())..];
            let is_worth_it = self.looked == 0 || new.contains(&b'\n');
            self.looked = buffer.filled().len();
            let found = if is_worth_it { Head::parse(buffer.filled(), self.asked)? } else { None };
            let Some(mut head) = found else {
                return if buffer.filled().len() > MOST_BYTES { Err(Malformed::LongHead) } else { Ok(None) };
            };
            if head.end > MOST_BYTES {
                return Err(Malformed::LongHead);
            }
            if head.is_interim() {
                self.interim += 1;
                if self.interim > MOST_INTERIM {
                    return Err(Malformed::ManyInterim);
                }
                buffer.drop_front(head.end);
                self.looked = 0;
                if buffer.filled().is_empty() {
                    return Ok(None);
                }
                continue;
            }
            if head.is_folded {
                let plain = unfolded(&buffer.filled()[..head.end]);
                buffer.replace_front(head.end, &plain);
                let again = Head::parse(buffer.filled(), self.asked)?;
                head = again.ok_or_else(|| bad_line(buffer.filled()))?;
            }
            let framing = Framing::new(head.length.unwrap_or(Length::Exactly(0)));
            let room = self.keep.room(head.status);
            let kept = head.end;
            return Ok(Some(Receiving {
                head,
                framing,
                first_byte: Instant::now(),
                kept,
                room,
                bytes_in: 0,
            }));
        }
    }
}

/// How a body has ended.
struct End {
    /// Whether all of it has come; otherwise it was longer than it might be.
    is_whole: bool,
    /// Whether something has come behind it, which nobody asked for.
    is_followed: bool,
}

impl Receiving {
    /// Reads what has come of the body: the kept part moves together, the rest is counted. None as long as more is to
    /// come.
    fn read(&mut self, buffer: &mut Buffer, keep: Keep<'_>) -> Result<Option<End>, Malformed> {
        let mut at = self.kept;
        loop {
            let part = self.framing.next(&buffer.filled()[at..])?;
            at += part.skip;
            self.bytes_in += part.data;
            keep.show(self.head.status, &buffer.filled()[at..at + part.data]);
            let kept = part.data.min(self.room);
            buffer.pull(at, self.kept, kept);
            self.kept += kept;
            self.room -= kept;
            at += part.data;
            if keep.is_exceeded(self.bytes_in) {
                return Ok(Some(End { is_whole: false, is_followed: true }));
            }
            if part.is_last {
                return Ok(Some(End { is_whole: true, is_followed: at < buffer.filled().len() }));
            }
            if at == buffer.filled().len() {
                buffer.truncate(self.kept);
                return Ok(None);
            }
        }
    }
}
