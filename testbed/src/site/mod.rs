//! A small web shop, as browsers and programs meet one: cookies, forms, redirects, TLS.
//!
//! ```text
//! connection (TLS, ALPN, idle time) ─► request ─► router ─► page or JSON ─► gzip if accepted
//! ```
//!
//! It is as strict as shops are: a form needs its token and its cookie, an order needs a session,
//! a token expires. Users are `user-1` to `user-1000`, the password of `user-7` is `password-7`;
//! a program is `shop-client` with `shop-secret`.
//!
//! | path | answer |
//! |---|---|
//! | `GET /login`, `POST /login`, `POST /logout` | forms with a CSRF token; 302 when it went well |
//! | `GET /` | a page for those with a session, 302 to `/login?next=/` for others |
//! | `GET /items?page=N`, `GET /items/{id}` | pages |
//! | `GET /api/items?page=N&per_page=M`, `GET /api/items/{id}` | JSON with ids of 20 digits and decimals |
//! | `POST /api/orders`, `GET /api/orders/{id}` | 201 and a `Location`; needs session and `X-CSRFToken` |
//! | `GET /api/me` | the user, by Basic or Bearer |
//! | `POST /oauth/token` | a token for client credentials |
//! | `POST /upload` | size and SHA-256 of each part of a multipart form |
//! | `GET /image.png` | a picture: a body that is no text |
//! | `/echo` | method, path, query, headers, length of the body, and which request of which connection it is |
//! | `/redirect/{n}?status=302&location=path` | n redirects, then the answer of `/echo`; `location` is `path`, `relative` or `full` |
//! | `/redirect-loop`, `/redirect/other-host?to=URL` | a redirect to itself; one to that URL |
//! | `GET /encoded/{gzip,deflate,deflate-raw,br,zstd}` | JSON with that coding, accepted or not |
//! | `GET /bomb?mib=64` | a small body (deflate) that becomes so many MiB of zeros |
//! | `GET /many-headers?n=150` | as many header lines |
//! | `GET /endless` | a chunked body that does not end |
//! | `REPORT /dav`, `PROPFIND /dav` | 207 and XML |
//! | `/flaky` | `/echo` on a new connection; a reused one is closed without an answer |
//! | `GET /health`, `GET /metrics`, `POST /admin/reset` | for those who watch it |
//!
//! Plain connections speak HTTP/1.1, or HTTP/2 with prior knowledge; TLS offers both by ALPN.

mod access;
mod accounts;
mod api;
mod bodies;
mod bomb;
mod catalogue;
mod certificate;
mod coding;
mod config;
mod connections;
mod cookies;
mod counters;
mod csrf;
mod fields;
mod login;
mod multipart;
mod pages;
mod redirects;
mod refusal;
mod routes;
mod state;
mod upload;
mod whole;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
};

use hyper_util::service::TowerToHyperService;

use self::{certificate::Certificate, connections::Door, counters::Counters, state::Site};
pub use self::{certificate::Kind as CertificateKind, config::Config};
use crate::server::{self, Background};

/// A shop that is up; it stops when dropped.
pub struct Running {
    address: SocketAddr,
    tls: Option<SocketAddr>,
    ca: Option<String>,
    _background: Background,
}

impl Running {
    /// The address without TLS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address with TLS, where there is one.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls
    }

    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its base URL with TLS, without a slash at the end.
    pub fn tls_url(&self) -> Option<String> {
        self.tls.map(|address| format!("https://{address}"))
    }

    /// The certificate, in PEM, of whoever signed the server's; made anew at every start.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca.as_deref()
    }
}

/// Starts a shop on free ports, without and with TLS.
pub fn spawn(config: Config) -> io::Result<Running> {
    start(server::bind(0)?, Some(server::bind(0)?), config)
}

/// Starts a shop on listeners from [`server::bind`]: one without TLS, perhaps one with.
pub fn start(plain: TcpListener, tls: Option<TcpListener>, config: Config) -> io::Result<Running> {
    let address = plain.local_addr()?;
    let tls_address = tls.as_ref().map(TcpListener::local_addr).transpose()?;
    let certificate = tls.as_ref().map(|_| Certificate::make(config.certificate)).transpose()?;
    let ca = certificate.as_ref().map(|certificate| certificate.ca_pem.clone());
    let tls = tls.zip(certificate.map(|certificate| certificate.acceptor));

    let counters = Arc::new(Counters::default());
    let door = Arc::new(Door::new(&config, Arc::clone(&counters)));
    let site = Arc::new(Site::new(config, counters));
    let background = Background::start(move |stop| async move {
        let router = TowerToHyperService::new(routes::router(site));
        let plain = connections::serve(plain, None, Arc::clone(&door), router.clone(), stop.clone());
        let tls = async {
            if let Some((listener, acceptor)) = tls {
                connections::serve(listener, Some(acceptor), door, router, stop).await;
            }
        };
        tokio::join!(plain, tls);
    })?;
    Ok(Running { address, tls: tls_address, ca, _background: background })
}
