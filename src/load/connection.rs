//! A connection: a request in, an answer out. Which version of HTTP it speaks is known here, and to nobody
//! above; how that is spoken, to the modules below.

use std::time::Duration;

use hyper::http::uri::Scheme;
use tokio::net::UnixStream;

use super::failure::io_reason;
use super::http1::Http1;
use super::http2::Http2;
use super::origin::Origin;
use super::outgoing::Outgoing;
use super::reply::{Keep, Reply, SendFailure};
use super::stream::Stream;
use super::tls;
use crate::scenario::transport::HttpVersion;

/// How often others get their turn before a connection that is still busy is taken for lost.
const PATIENCE: usize = 16;

/// An open connection.
pub(super) struct Connection {
    spoken: Spoken,
    /// Whether it has carried a request before: its peer may have closed it meanwhile.
    used: bool,
}

enum Spoken {
    /// Carries a request at a time.
    Http1(Http1),
    /// Carries many. Boxed: it takes several times the room.
    Http2(Box<Http2>),
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
        let stream = if let Some(path) = &origin.route.unix_socket {
            let stream = UnixStream::connect(path).await;
            let named = |e| format!("connect to {}: {}", path.display(), io_reason(&e));
            Stream::Unix(stream.map_err(named)?)
        } else {
            let port = if origin.scheme == Scheme::HTTPS { 443 } else { 80 };
            let port = origin.authority.port_u16().unwrap_or(port);
            let authority = format!("{}:{port}", origin.authority.host());
            let stream = origin.route.connect(&authority, &origin.addresses, timeout).await;
            Stream::Tcp(stream.map_err(|reason| format!("connect to {}: {reason}", origin.url))?)
        };
        Ok(Self { spoken: over(stream, origin).await?, used: false })
    }

    /// Whether it can take a request, as far as is known.
    pub(super) fn is_usable(&mut self) -> bool {
        match &mut self.spoken {
            Spoken::Http1(connection) => connection.is_usable(),
            Spoken::Http2(connection) => connection.is_usable(),
        }
    }

    /// Whether it carries several requests at a time.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.spoken, Spoken::Http2(..))
    }

    /// A second handle, if the connection can carry several requests at a time.
    pub(super) fn shared(&self) -> Option<Self> {
        match &self.spoken {
            Spoken::Http1(_) => None,
            Spoken::Http2(connection) => {
                Some(Self { spoken: Spoken::Http2(connection.clone()), used: self.used })
            }
        }
    }

    /// Its bytes for another protocol, and those of it that have come already; none unless its last answer was a 101.
    pub(super) fn into_switched(self) -> Option<(Stream, Box<[u8]>)> {
        match self.spoken {
            Spoken::Http1(connection) => connection.into_switched(),
            Spoken::Http2(_) => None,
        }
    }

    /// Lets the last answer get out of the way; false if the connection cannot be used any more:
    /// it has ended, or still sends a request whose answer came early and may never be read.
    pub(super) async fn settle(&mut self) -> bool {
        if !self.is_shared() {
            return self.is_usable();
        }
        for _ in 0..PATIENCE {
            if self.is_usable() {
                return true;
            }
            tokio::task::yield_now().await;
        }
        self.is_usable()
    }

    /// Sends a request and reads its answer.
    pub(super) async fn send(
        &mut self,
        outgoing: &Outgoing<'_>,
        keep: Keep<'_>,
    ) -> Result<Reply, SendFailure> {
        let reused = std::mem::replace(&mut self.used, true);
        match &mut self.spoken {
            Spoken::Http1(connection) => connection.send(outgoing, keep, reused).await,
            // Boxed: it takes much more room than HTTP/1.1, and all requests would carry that.
            Spoken::Http2(connection) => Box::pin(connection.send(outgoing.message(), keep, reused)).await,
        }
    }
}

/// Speaks TLS, if that is asked for, and then HTTP.
async fn over(stream: Stream, origin: &Origin) -> Result<Spoken, String> {
    let (stream, is_http2) = match &origin.tls {
        None => (stream, origin.version == HttpVersion::Http2),
        Some((connector, name)) => {
            let stream = connector.connect(name.clone(), stream).await;
            let stream =
                stream.map_err(|e| tls::reason(&e).unwrap_or_else(|| format!("TLS: {}", io_reason(&e))))?;
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            if origin.version == HttpVersion::Http2 && !is_http2 {
                return Err(format!("{} does not offer HTTP/2", origin.url));
            }
            (Stream::Tls(Box::new(stream)), is_http2)
        }
    };
    if is_http2 {
        let begun = Http2::begin(stream, origin.scheme.clone(), origin.authority.clone()).await?;
        return Ok(Spoken::Http2(Box::new(begun)));
    }
    Ok(Spoken::Http1(Http1::new(stream)))
}
