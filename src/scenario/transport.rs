//! How requests reach the system: the version of HTTP, and what is trusted of its TLS.

use std::fmt;

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
