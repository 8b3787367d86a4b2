//! Keep-alive connections over hyper's connection API: no pool, no middle layer, a user owns its
//! own.

use std::cell::RefCell;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::origin::{Origin, Version};

/// An open connection.
pub(super) struct Connection {
    sender: Sender,
    /// Whether it has carried a request before: its peer may have closed it meanwhile.
    used: bool,
}

enum Sender {
    /// Carries a request at a time.
    Http1(http1::SendRequest<Full<Bytes>>),
    /// Carries many; a clone sends over the same connection.
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum SendFailure {
    /// The connection had been closed before anything was sent: the request, to send it again.
    Unsent(Box<Request<Full<Bytes>>>),
    /// It broke after that.
    Broken(String),
}

impl Connection {
    /// Connects to the first address that takes the connection.
    pub(super) async fn open(origin: &Origin) -> Result<Self, String> {
        let stream = connect(origin).await?;
        let sender = match &origin.tls {
            None => handshake(stream, origin.version).await?,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                handshake(stream.map_err(|e| format!("TLS: {e}"))?, origin.version).await?
            }
        };
        Ok(Self { sender, used: false })
    }

    /// Whether it can take a request, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        }
    }

    /// A second handle, if the connection can carry several requests at a time.
    fn shared(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self { sender: Sender::Http2(sender.clone()), used: self.used }),
        }
    }

    /// Sends a request and waits for the answer's head.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendFailure> {
        let reused = std::mem::replace(&mut self.used, true);
        let sent = match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(request).await,
            Sender::Http2(sender) => sender.try_send_request(request).await,
        };
        sent.map_err(|mut failure: TrySendError<_>| match failure.take_message() {
            Some(request) if reused => SendFailure::Unsent(Box::new(request)),
            _ => SendFailure::Broken(reason(failure.error())),
        })
    }

    /// Waits until the last answer is out of the way; false if the connection has ended.
    pub(super) async fn settle(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await.is_ok(),
            Sender::Http2(sender) => sender.ready().await.is_ok(),
        }
    }
}

async fn connect(origin: &Origin) -> Result<TcpStream, String> {
    let mut last = "no address".to_owned();
    for address in &origin.addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it a small request can wait for the peer's delayed acknowledgement.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = io_reason(&error),
        }
    }
    Err(format!("connect to {}: {last}", origin.url))
}

async fn handshake<S>(stream: S, version: Version) -> Result<Sender, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(stream);
    match version {
        Version::Http1 => {
            let (sender, connection) = http1::handshake(stream).await.map_err(|e| reason(&e))?;
            drive(connection);
            Ok(Sender::Http1(sender))
        }
        Version::Http2 => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new());
            let (sender, connection) = builder.handshake(stream).await.map_err(|e| reason(&e))?;
            drive(connection);
            Ok(Sender::Http2(sender))
        }
    }
}

fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        // Its failure reaches the user through the request it was carrying.
        let _ = connection.await;
    });
}

/// A failure in words that do not vary from request to request, so that equal ones count together.
pub(super) fn reason(error: &hyper::Error) -> String {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return format!("{error}: {}", io_reason(io));
        }
        source = cause.source();
    }
    error.to_string()
}

fn io_reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        std::io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        std::io::ErrorKind::BrokenPipe => "broken pipe".to_owned(),
        _ => error.to_string(),
    }
}

/// A user's open connections, by origin.
#[derive(Default)]
pub(super) struct Connections {
    idle: RefCell<Vec<Vec<Connection>>>,
}

impl Connections {
    /// A connection that can take a request; one that can take several stays, as well.
    pub(super) fn take(&self, origin: usize) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        let idle = idle.get_mut(origin)?;
        let connection = idle.pop()?;
        if connection.is_usable() {
            idle.extend(connection.shared());
        }
        Some(connection)
    }

    /// Keeps a connection for later requests.
    pub(super) fn give_back(&self, origin: usize, connection: Connection) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() <= origin {
            idle.resize_with(origin + 1, Vec::new);
        }
        let is_there =
            matches!(connection.sender, Sender::Http2(_)) && idle[origin].iter().any(Connection::is_usable);
        if !is_there {
            idle[origin].push(connection);
        }
    }
}
