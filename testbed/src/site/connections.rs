//! From accepted connections to requests that know their connection, and connections that end
//! when their client does not expect it.

use std::{
    fmt,
    net::TcpListener,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{Router, body::Body, response::Response};
use hyper::{
    Request, Version,
    body::Incoming,
    rt::{Read, Write},
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::Watcher},
    service::TowerToHyperService,
};
use tokio_rustls::TlsAcceptor;

use super::{
    config::Config,
    counters::{Count, Counters},
};
use crate::server::{self, Stop};

/// The path whose requests find a reused connection closed.
pub(crate) const FLAKY: &str = "/flaky";

/// Which request of which connection it is; every request carries it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    /// Number of the connection, from 1.
    pub(crate) connection: u64,
    /// Number of the request on its connection, from 1.
    pub(crate) request: u64,
    /// Whether the connection has TLS.
    pub(crate) secure: bool,
}

/// What requests pass on their way in.
pub(crate) struct Door {
    keep_alive: Option<Duration>,
    flaky: Option<NonZeroU64>,
    /// Requests on reused connections.
    reused: Count,
    connections: Count,
    counters: Arc<Counters>,
}

/// The connection was closed in place of an answer, as it was meant to be.
#[derive(Debug)]
struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed in place of an answer")
    }
}

impl std::error::Error for Closed {}

impl Door {
    pub(crate) fn new(config: &Config, counters: Arc<Counters>) -> Door {
        let Config { keep_alive, flaky, .. } = *config;
        Door { keep_alive, flaky, reused: Count::default(), connections: Count::default(), counters }
    }

    /// Serves requests of one connection.
    async fn serve<S>(self: Arc<Self>, stream: S, secure: bool, router: Routes, watcher: Watcher)
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let connection = self.connections.add();
        self.counters.connections.add();
        let mut builder = auto::Builder::new(TokioExecutor::new());
        // Between two requests, hyper waits for a header, so that its limit is that of an idle connection.
        builder.http1().timer(TokioTimer::new()).header_read_timeout(self.keep_alive);
        let requests = AtomicU64::new(0);
        let service = service_fn(move |mut request: Request<Incoming>| {
            let visit = Visit { connection, request: requests.fetch_add(1, Relaxed) + 1, secure };
            let answer = if self.closes(&request, visit) {
                Err(Closed)
            } else {
                request.extensions_mut().insert(visit);
                Ok(router.call(request))
            };
            async { Ok::<Response<Body>, Closed>(answer?.await.unwrap_or_else(|never| match never {})) }
        });
        // A client that goes away is its own business.
        let _ = watcher.watch(builder.serve_connection(stream, service).into_owned()).await;
    }

    /// Whether this request finds its connection closed.
    fn closes(&self, request: &Request<Incoming>, visit: Visit) -> bool {
        self.counters.requests.add();
        // A stream of HTTP/2 could be reset, but that is an answer.
        if visit.request == 1 || request.version() >= Version::HTTP_2 {
            return false;
        }
        let reused = self.reused.add();
        let closes =
            request.uri().path() == FLAKY || self.flaky.is_some_and(|n| reused.is_multiple_of(n.get()));
        if closes {
            self.counters.closed.add();
        }
        closes
    }
}

type Routes = TowerToHyperService<Router>;

/// Serves every connection of `listener`, over TLS if there is an acceptor for it, until `stop`.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    door: Arc<Door>,
    router: Routes,
    stop: Stop,
) {
    server::accept(listener, stop, |stream, watcher| {
        let (door, router, tls) = (Arc::clone(&door), router.clone(), tls.clone());
        async move {
            match tls {
                None => door.serve(TokioIo::new(stream), false, router, watcher).await,
                Some(tls) => {
                    // Whoever does not trust the certificate ends it here.
                    let Ok(stream) = tls.accept(stream).await else { return };
                    door.serve(TokioIo::new(stream), true, router, watcher).await;
                }
            }
        }
    })
    .await;
}
