//! A connection: a message in, a head and a body out. The one place that knows how HTTP is spoken;
//! over hyper's connection API, without a pool or a layer between.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::header::HOST;
use hyper::http::uri::{Authority, Scheme, Uri};
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use super::failure::{io_reason, reason};
use super::heard::{Heard, Overheard};
use super::origin::Origin;
use super::tls;
use crate::sample::MOST_BODY;
use crate::scenario::journey::Expect;
use crate::scenario::transport::HttpVersion;

/// A request as it goes out: its URI is a path with a query, its server stands in `Host`.
pub(super) type Message = Request<Bytes>;

/// Header lines that an answer may have, once one had more than hyper's usual 100.
const MOST_HEADERS: usize = 1024;
/// How often others get their turn before a connection that is still busy is taken for lost.
const PATIENCE: usize = 16;

/// An open connection.
pub(super) struct Connection {
    sender: Sender,
    /// Whether it has carried a request before: its peer may have closed it meanwhile.
    used: bool,
    heard: Heard,
}

enum Sender {
    /// Carries a request at a time.
    Http1(http1::SendRequest<Full<Bytes>>),
    /// Carries many; a clone sends over the same connection.
    Http2(http2::SendRequest<Full<Bytes>>, Scheme, Authority),
}

/// How much of an answer's body is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep<'a> {
    /// Nothing of an expected answer: it is counted. Of others the beginning: it tells what is wrong.
    Unexpected(&'a Expect),
    /// All of it, up to so many bytes; the rest of a longer one is not read.
    UpTo(usize),
}

/// A complete answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) trailers: Option<HeaderMap>,
    /// Empty unless it was to be kept.
    pub(super) body: Vec<u8>,
    /// Bytes of the body as they came.
    pub(super) bytes_in: usize,
    pub(super) first_byte: Instant,
    pub(super) done: Instant,
    /// Whether the body was longer than it might be: the connection holds the rest of it.
    pub(super) is_cut: bool,
}

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum SendFailure {
    /// The connection had been closed before anything was sent.
    Unsent,
    /// A connection that had carried requests before ended without a byte of an answer; over
    /// HTTP/2, of any answer.
    Silent(String),
    /// The answer had more header lines than the connection has room for.
    ManyHeaders,
    /// It broke otherwise.
    Broken(String),
}

impl SendFailure {
    /// What is said of it if nothing can be done about it.
    pub(super) fn reason(self) -> String {
        match self {
            Self::Unsent => "connection closed before the request was sent".to_owned(),
            Self::ManyHeaders => "the answer has too many header lines".to_owned(),
            Self::Silent(reason) | Self::Broken(reason) => reason,
        }
    }
}

impl Connection {
    /// Connects to the first address that takes the connection, within `timeout`.
    ///
    /// # Errors
    /// In words that name the server.
    pub(super) async fn open(origin: &Origin, timeout: Duration) -> Result<Self, String> {
        match tokio::time::timeout(timeout, Self::connect(origin, timeout)).await {
            Ok(opened) => opened,
            Err(_) => Err(format!("connect to {}: timeout after {timeout:?}", origin.url)),
        }
    }

    async fn connect(origin: &Origin, timeout: Duration) -> Result<Self, String> {
        let heard = Heard::default();
        let sender = if let Some(path) = &origin.route.unix_socket {
            let stream = UnixStream::connect(path).await;
            let named = |e| format!("connect to {}: {}", path.display(), io_reason(&e));
            over(stream.map_err(named)?, origin, &heard).await?
        } else {
            let port = if origin.scheme == Scheme::HTTPS { 443 } else { 80 };
            let port = origin.authority.port_u16().unwrap_or(port);
            let authority = format!("{}:{port}", origin.authority.host());
            let stream = origin.route.connect(&authority, &origin.addresses, timeout).await;
            over(stream.map_err(|reason| format!("connect to {}: {reason}", origin.url))?, origin, &heard)
                .await?
        };
        Ok(Self { sender, used: false, heard })
    }

    /// Whether it can take a request, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender, ..) => sender.is_ready(),
        }
    }

    /// Whether it carries several requests at a time.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.sender, Sender::Http2(..))
    }

    /// A second handle, if the connection can carry several requests at a time.
    pub(super) fn shared(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender, scheme, authority) => Some(Self {
                sender: Sender::Http2(sender.clone(), scheme.clone(), authority.clone()),
                used: self.used,
                heard: self.heard.clone(),
            }),
        }
    }

    /// Lets the last answer get out of the way; false if the connection cannot be used any more:
    /// it has ended, or still sends a request whose answer came early and may never be read.
    pub(super) async fn settle(&self) -> bool {
        for _ in 0..PATIENCE {
            if self.is_usable() {
                return true;
            }
            tokio::task::yield_now().await;
        }
        self.is_usable()
    }

    /// Sends a request and reads its answer.
    pub(super) async fn send(&mut self, message: Message, keep: Keep<'_>) -> Result<Reply, SendFailure> {
        let reused = std::mem::replace(&mut self.used, true);
        self.heard.forget();
        let sent = match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(message.map(Full::new)).await,
            Sender::Http2(sender, scheme, authority) => {
                let message = for_http2(message, scheme, authority).map_err(SendFailure::Broken)?;
                sender.try_send_request(message.map(Full::new)).await
            }
        };
        let response = sent.map_err(|failure| self.failure(failure, reused))?;
        let first_byte = Instant::now();
        let (head, incoming) = response.into_parts();
        receive(head, incoming, keep, first_byte).await.map_err(SendFailure::Broken)
    }

    fn failure(&self, mut failure: TrySendError<Request<Full<Bytes>>>, reused: bool) -> SendFailure {
        match failure.take_message() {
            Some(_) if reused => SendFailure::Unsent,
            _ if failure.error().is_parse_too_large() => SendFailure::ManyHeaders,
            _ if reused && !self.heard.anything() => SendFailure::Silent(reason(failure.error())),
            _ => SendFailure::Broken(reason(failure.error())),
        }
    }
}

/// HTTP/2 takes scheme and authority from the URI, and has no `Host`.
fn for_http2(mut message: Message, scheme: &Scheme, authority: &Authority) -> Result<Message, String> {
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
    let (mut body, mut bytes_in, mut trailers, mut is_cut) = (Vec::new(), 0_usize, None, false);
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|e| reason(&e))?;
        match frame.into_data() {
            Ok(data) => {
                bytes_in += data.len();
                match keep {
                    Keep::UpTo(limit) if bytes_in > limit => {
                        is_cut = true;
                        break;
                    }
                    Keep::UpTo(_) => body.extend_from_slice(&data),
                    Keep::Unexpected(expect) if !expect.accepts(head.status.as_u16()) => {
                        let room = MOST_BODY.saturating_sub(body.len());
                        body.extend_from_slice(&data[..data.len().min(room)]);
                    }
                    Keep::Unexpected(_) => {}
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok(Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        trailers,
        body,
        bytes_in,
        first_byte,
        done: Instant::now(),
        is_cut,
    })
}

/// Speaks TLS, if that is asked for, and then HTTP.
async fn over<S>(stream: S, origin: &Origin, heard: &Heard) -> Result<Sender, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some((connector, name)) = &origin.tls else {
        return handshake(stream, origin, origin.version == HttpVersion::Http2, heard).await;
    };
    let stream = connector.connect(name.clone(), stream).await;
    let stream = stream.map_err(|e| tls::reason(&e).unwrap_or_else(|| format!("TLS: {}", io_reason(&e))))?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    if origin.version == HttpVersion::Http2 && !is_http2 {
        return Err(format!("{} does not offer HTTP/2", origin.url));
    }
    handshake(stream, origin, is_http2, heard).await
}

async fn handshake<S>(stream: S, origin: &Origin, is_http2: bool, heard: &Heard) -> Result<Sender, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(Overheard { stream, heard: heard.clone() });
    if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new());
        let (sender, connection) = builder.handshake(stream).await.map_err(|e| reason(&e))?;
        drive(connection);
        return Ok(Sender::Http2(sender, origin.scheme.clone(), origin.authority.clone()));
    }
    let mut builder = http1::Builder::new();
    builder.allow_obsolete_multiline_headers_in_responses(true);
    if origin.has_many_headers() {
        builder.max_headers(MOST_HEADERS);
    }
    let (sender, connection) = builder.handshake(stream).await.map_err(|e| reason(&e))?;
    drive(connection);
    Ok(Sender::Http1(sender))
}

fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        // Its failure reaches the user through the request it was carrying.
        let _ = connection.await;
    });
}
