//! How requests reach the system: the version of HTTP, what is trusted of its TLS, and the way there.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// The version of HTTP that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// Over TLS HTTP/2 if the server offers it (ALPN), and HTTP/1.1 otherwise.
    #[default]
    Auto,
    /// HTTP/1.1: a request at a time on a connection.
    Http1,
    /// HTTP/2: over TLS if the server offers it, without TLS by prior knowledge.
    Http2,
}

/// Certificates or a private key in PEM; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem(pub String);

impl fmt::Debug for Pem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pem(…)")
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

/// `[tls]`: what is trusted, and what loadproof shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Whether any certificate will do.
    pub insecure: bool,
    /// Certificates that are trusted besides the system's: of authorities, or of the server itself.
    pub ca: Option<Pem>,
    /// The client's certificate chain and its private key.
    pub identity: Option<(Pem, Pem)>,
    /// The name that is asked for, and looked for in certificates, in place of the URL's host.
    pub server_name: Option<String>,
    /// The oldest version that is spoken; the oldest there is if none.
    pub min_version: Option<TlsVersion>,
    /// The newest version that is spoken; the newest there is if none.
    pub max_version: Option<TlsVersion>,
}

/// `[network]`: the way to the system, where it is not the direct one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// A proxy that all connections go through.
    pub proxy: Option<Proxy>,
    /// A Unix socket that all connections go to, whatever host the URL names.
    pub unix_socket: Option<PathBuf>,
    /// Addresses of this machine that connections come from, in turn; the system's choice if none.
    pub source_addresses: Vec<IpAddr>,
}

/// An HTTP proxy, which is asked for a tunnel (CONNECT).
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL without a name and password.
    pub url: String,
    /// The same with them, if there are any.
    pub secret_url: String,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Proxy({})", self.url)
    }
}
