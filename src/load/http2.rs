//! HTTP/2 on one connection, which carries many requests; over hyper.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http2};
use hyper::header::{HOST, SET_COOKIE};
use hyper::http::uri::{Authority, Scheme, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::time::Instant;

use super::failure::reason;
use super::headers::Headers;
use super::heard::{Heard, Overheard};
use super::outgoing::Message;
use super::reply::{Body, Keep, Reply, SendFailure};
use super::stream::Stream;

/// An open connection; a clone sends over the same one.
#[derive(Clone)]
pub(super) struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    scheme: Scheme,
    authority: Authority,
    heard: Heard,
}

impl Http2 {
    /// Begins to speak over a stream to a server of this name.
    ///
    /// # Errors
    /// In words, if the server does not.
    pub(super) async fn begin(stream: Stream, scheme: Scheme, authority: Authority) -> Result<Self, String> {
        let heard = Heard::default();
        let stream = TokioIo::new(Overheard { stream, heard: heard.clone() });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new());
        let (sender, connection) = builder.handshake(stream).await.map_err(|e| reason(&e))?;
        tokio::spawn(async move {
            // Its failure reaches the user through the request it was carrying.
            let _ = connection.await;
        });
        Ok(Self { sender, scheme, authority, heard })
    }

    /// Whether it can take a request, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request and reads its answer. `reused`: whether the connection has carried another one.
    pub(super) async fn send(
        &mut self,
        message: Message,
        keep: Keep<'_>,
        reused: bool,
    ) -> Result<Reply, SendFailure> {
        self.heard.forget();
        let message = addressed(message, &self.scheme, &self.authority).map_err(SendFailure::Broken)?;
        let sent = self.sender.try_send_request(message.map(Full::new)).await;
        let response = sent.map_err(|failure| self.failure(failure, reused))?;
        let first_byte = Instant::now();
        let (head, incoming) = response.into_parts();
        receive(head, incoming, keep, first_byte).await.map_err(SendFailure::Broken)
    }

    fn failure(&self, mut failure: TrySendError<Request<Full<Bytes>>>, reused: bool) -> SendFailure {
        match failure.take_message() {
            _ if was_refused(failure.error()) => SendFailure::Unsent,
            Some(_) if reused => SendFailure::Unsent,
            _ if reused && !self.heard.anything() => SendFailure::Silent(reason(failure.error())),
            _ if !reused && is_unintelligible(failure.error()) => {
                SendFailure::Broken("the server does not answer in HTTP/2".to_owned())
            }
            _ => SendFailure::Broken(reason(failure.error())),
        }
    }
}

/// Whether the server says that it has not begun with a request: one behind the last that it took before it said goodbye, or
/// one that it refused (RFC 9113 §6.8, §8.7). Such a request may go out again, whatever its method.
fn was_refused(error: &hyper::Error) -> bool {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let mut causes = causes.filter_map(|cause| cause.downcast_ref::<h2::Error>());
    causes.next().is_some_and(|error| {
        let is_goodbye = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        let is_refusal = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (is_goodbye || is_refusal)
    })
}

/// Whether what has come is not made of frames: on a connection's first request, it is an answer in HTTP/1.1.
fn is_unintelligible(error: &hyper::Error) -> bool {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let mut causes = causes.filter_map(|cause| cause.downcast_ref::<h2::Error>());
    causes
        .next()
        .is_some_and(|error| !error.is_remote() && error.reason() == Some(h2::Reason::FRAME_SIZE_ERROR))
}

/// HTTP/2 takes scheme and authority from the URI, and has no `Host`.
fn addressed(mut message: Message, scheme: &Scheme, authority: &Authority) -> Result<Message, String> {
    let host = message.headers_mut().remove(HOST);
    let named = host.filter(|host| host.as_bytes() != authority.as_str().as_bytes());
    let mut parts = std::mem::take(message.uri_mut()).into_parts();
    parts.scheme = Some(scheme.clone());
    parts.authority = Some(match named {
        None => authority.clone(),
        Some(host) => {
            Authority::try_from(host.as_bytes()).map_err(|_| "the `host` header is not a valid one")?
        }
    });
    *message.uri_mut() = Uri::from_parts(parts).map_err(|e| e.to_string())?;
    Ok(message)
}

/// Reads a body to its end.
async fn receive(
    head: hyper::http::response::Parts,
    mut incoming: Incoming,
    keep: Keep<'_>,
    first_byte: Instant,
) -> Result<Reply, String> {
    let status = head.status.as_u16();
    let (mut body, mut bytes_in, mut trailers, mut is_cut) = (Vec::new(), 0_usize, None, false);
    let room = keep.room(status);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|e| reason(&e))?;
        match frame.into_data() {
            Ok(data) => {
                bytes_in += data.len();
                keep.show(status, &data);
                body.extend_from_slice(&data[..data.len().min(room - body.len())]);
                if keep.is_exceeded(bytes_in) {
                    is_cut = true;
                    break;
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok(Reply {
        status,
        sets_cookies: head.headers.contains_key(SET_COOKIE),
        delay: None,
        headers: Headers::of_map(head.headers, trailers),
        body: Body::Own(body),
        bytes_in,
        first_byte,
        done: Instant::now(),
        is_cut,
    })
}
