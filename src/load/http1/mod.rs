//! HTTP/1.1 on one connection (RFC 9112): a request out, an answer in, by whoever makes the request. There is no
//! task behind it, nothing is allocated for an answer that is only counted, and while nothing comes there is no
//! buffer.

#[cfg(test)]
mod against_hyper;
mod chunked;
mod framing;
mod head;
mod receiver;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::Method;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::head::Asked;
use self::receiver::{Received, Receiver};
use super::failure::stream_reason;
use super::outgoing::{InBytes, Outgoing};
use super::reply::{Body, Keep, Reply, SendFailure};
use super::stream::Stream;

/// The status of an answer after which the connection speaks another protocol.
const SWITCHING: u16 = 101;

/// An open connection that carries a request at a time.
pub(super) struct Http1 {
    stream: Stream,
    /// Whether nothing was left half done: a request that was not sent, an answer that was not read.
    is_clear: bool,
    /// After an answer that changes the protocol (RFC 9110 §15.2.2), what has come behind its head.
    switched: Option<Box<[u8]>>,
}

impl Http1 {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, is_clear: true, switched: None }
    }

    /// Its bytes for another protocol, and those of it that have come already; none unless its last answer was a 101.
    pub(super) fn into_switched(self) -> Option<(Stream, Box<[u8]>)> {
        Some((self.stream, self.switched?))
    }

    /// Whether it can take a request, as far as is known.
    pub(super) fn is_usable(&mut self) -> bool {
        self.is_clear && self.stream.is_silent()
    }

    /// Sends a request and reads its answer. `reused`: whether the connection has carried another one.
    pub(super) async fn send(
        &mut self,
        outgoing: &Outgoing<'_>,
        keep: Keep<'_>,
        reused: bool,
    ) -> Result<Reply, SendFailure> {
        let asked = match *outgoing.method() {
            Method::HEAD => Asked::Head,
            Method::CONNECT => Asked::Connect,
            _ => Asked::Other,
        };
        let bytes = outgoing.in_bytes();
        // Until it is done: whoever gives it up leaves a connection that nobody can use.
        self.is_clear = false;
        let mut exchange = Exchange {
            bytes: &bytes,
            sent: 0,
            is_flushed: false,
            broken: None,
            receiver: Receiver::new(asked, keep),
        };
        let received = poll_fn(|context| exchange.poll(&mut self.stream, context)).await;
        match received {
            Ok(Received { reply, stays }) => {
                if reply.status == SWITCHING
                    && let Body::Behind(place) = &reply.body
                {
                    self.switched = Some(reply.headers.behind(place.start).into());
                }
                self.is_clear = stays && exchange.is_flushed && !bytes.is_doubtful;
                Ok(reply)
            }
            Err(_) if reused && exchange.broken.is_some() && exchange.sent == 0 => Err(SendFailure::Unsent),
            Err(reason) if reused && !exchange.receiver.heard => Err(SendFailure::Silent(reason)),
            Err(reason) => Err(SendFailure::Broken(reason)),
        }
    }
}

/// A request and its answer under way.
struct Exchange<'a> {
    bytes: &'a InBytes<'a>,
    /// Bytes of the request that are sent.
    sent: usize,
    /// Whether all of it is.
    is_flushed: bool,
    /// Why it cannot be sent any further.
    broken: Option<String>,
    receiver: Receiver<'a>,
}

impl Exchange<'_> {
    /// Sends what can be sent, and reads what has come: an answer may come before all of the request is sent.
    fn poll(&mut self, stream: &mut Stream, context: &mut Context<'_>) -> Poll<Result<Received, String>> {
        if !self.is_flushed
            && self.broken.is_none()
            && let Poll::Ready(sent) = self.poll_send(stream, context)
        {
            match sent {
                Ok(()) => self.is_flushed = true,
                // A server that takes no more may have said why.
                Err(error) => self.broken = Some(stream_reason(&error)),
            }
        }
        loop {
            let mut room = ReadBuf::new(self.receiver.room());
            let count = match Pin::new(&mut *stream).poll_read(context, &mut room) {
                Poll::Pending => {
                    self.receiver.nothing();
                    return Poll::Pending;
                }
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(self.broken.take().unwrap_or_else(|| stream_reason(&error))));
                }
                Poll::Ready(Ok(())) => room.filled().len(),
            };
            if count == 0 {
                return Poll::Ready(self.ended());
            }
            match self.receiver.advance(count) {
                Ok(None) => {}
                Ok(Some(received)) => return Poll::Ready(Ok(received)),
                Err(malformed) => return Poll::Ready(Err(malformed.to_string())),
            }
        }
    }

    fn poll_send(&mut self, stream: &mut Stream, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let [head, body] = self.bytes.parts();
        let length = head.len() + body.len();
        while self.sent < length {
            let stream = Pin::new(&mut *stream);
            let sent = match self.sent.checked_sub(head.len()) {
                None if body.is_empty() => stream.poll_write(context, &head[self.sent..]),
                None => {
                    let parts = [IoSlice::new(&head[self.sent..]), IoSlice::new(body)];
                    stream.poll_write_vectored(context, &parts)
                }
                Some(sent) => stream.poll_write(context, &body[sent..]),
            };
            match ready!(sent)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        Pin::new(stream).poll_flush(context)
    }

    /// The connection has ended.
    fn ended(&mut self) -> Result<Received, String> {
        if let Some(reply) = self.receiver.end() {
            return Ok(Received { reply, stays: false });
        }
        if let Some(reason) = self.broken.clone() {
            return Err(reason);
        }
        let place = match (self.receiver.heard, self.receiver.has_head()) {
            (false, _) => "before it answered",
            (true, false) => "within the head of its answer",
            (true, true) => "within the body of its answer",
        };
        Err(format!("the server closed the connection {place}"))
    }
}
