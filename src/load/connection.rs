//! Keep-alive connections over hyper's connection API: no pool, no middle layer, a user owns its
//! own.

use std::cell::RefCell;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::origin::Origin;

/// An open connection.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Whether it has carried a request before: its peer may have closed it meanwhile.
    used: bool,
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
            None => handshake(stream).await?,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                handshake(stream.map_err(|e| format!("TLS: {e}"))?).await?
            }
        };
        Ok(Self { sender, used: false })
    }

    /// Whether it can take a request, as far as is known.
    pub(super) fn is_usable(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request and waits for the answer's head.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendFailure> {
        let reused = std::mem::replace(&mut self.used, true);
        self.sender.try_send_request(request).await.map_err(|mut failure| match failure.take_message() {
            Some(request) if reused => SendFailure::Unsent(Box::new(request)),
            _ => SendFailure::Broken(reason(failure.error())),
        })
    }

    /// Waits until the last answer is out of the way; false if the connection has ended.
    pub(super) async fn settle(&mut self) -> bool {
        self.sender.ready().await.is_ok()
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

async fn handshake<S>(stream: S) -> Result<http1::SendRequest<Full<Bytes>>, String>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| reason(&e))?;
    tokio::spawn(async move {
        // Its failure reaches the user through the request it was carrying.
        let _ = connection.await;
    });
    Ok(sender)
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
    pub(super) fn take(&self, origin: usize) -> Option<Connection> {
        self.idle.borrow_mut().get_mut(origin)?.pop()
    }

    pub(super) fn give_back(&self, origin: usize, connection: Connection) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() <= origin {
            idle.resize_with(origin + 1, Vec::new);
        }
        idle[origin].push(connection);
    }
}
