//! Where requests go: a scheme, a host and a port, with their addresses, resolved once.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Uri;
use hyper::header::HeaderValue;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The version of HTTP that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// HTTP/1.1: a request at a time on a connection.
    Http1,
    /// HTTP/2: what gRPC goes over.
    Http2,
}

/// A place that answers requests.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) version: Version,
    /// `http://127.0.0.1:8000`: its identity, and what messages call it.
    pub(super) url: String,
    /// The `Host` header.
    pub(super) host: HeaderValue,
    /// Where to connect, in this order.
    pub(super) addresses: Vec<SocketAddr>,
    /// For https.
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why a URL leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// It is no URL with a scheme and a host.
    #[error("`{0}` is not a URL such as `http://host:port`")]
    NotUrl(String),
    /// Its host is not known.
    #[error("cannot resolve `{host}`: {error}")]
    Resolve {
        /// The host.
        host: String,
        /// The system's words.
        error: std::io::Error,
    },
    /// The system's root certificates cannot be read.
    #[error("cannot read the system's root certificates: {0}")]
    Roots(String),
}

impl Origin {
    /// The origin of a URL, with the path that every target below it begins with.
    ///
    /// # Errors
    /// If it is no URL, its host has no address, or https has no root certificates.
    pub(super) async fn resolve(url: &str, version: Version) -> Result<(Self, String), OriginError> {
        let not_url = || OriginError::NotUrl(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| not_url())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(not_url());
        };
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(not_url()),
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let unresolved = |error| OriginError::Resolve { host: host.clone(), error };
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host((host.as_str(), port)).await.map_err(unresolved)?.collect();
        let tls = if secure { Some(tls(&host, version)?) } else { None };
        let origin = Self {
            version,
            url: format!("{scheme}://{authority}"),
            host: HeaderValue::from_str(authority.as_str()).map_err(|_| not_url())?,
            addresses,
            tls,
        };
        Ok((origin, uri.path().trim_end_matches('/').to_owned()))
    }
}

fn tls(host: &str, version: Version) -> Result<(TlsConnector, ServerName<'static>), OriginError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _unusable) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let reason = found.errors.first().map_or("none found".to_owned(), ToString::to_string);
        return Err(OriginError::Roots(reason));
    }
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    if version == Version::Http2 {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|_| OriginError::NotUrl(host.to_owned()))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolved(url: &str) -> Result<(Origin, String), OriginError> {
        Origin::resolve(url, Version::Http1).await
    }

    #[tokio::test]
    async fn a_url_is_a_server_and_the_path_that_all_targets_begin_with() {
        let (origin, path) = resolved("http://127.0.0.1:8000/shop/v1/").await.unwrap();
        assert_eq!((origin.url.as_str(), path.as_str()), ("http://127.0.0.1:8000", "/shop/v1"));
        assert_eq!(origin.host, "127.0.0.1:8000");
        assert_eq!(origin.addresses, ["127.0.0.1:8000".parse().unwrap()]);
        assert!(origin.tls.is_none());
    }

    #[tokio::test]
    async fn a_port_follows_from_the_scheme_and_brackets_are_not_of_the_address() {
        let (origin, path) = resolved("http://[::1]").await.unwrap();
        assert_eq!(origin.addresses, ["[::1]:80".parse().unwrap()]);
        assert_eq!((origin.url.as_str(), path.as_str()), ("http://[::1]", ""));
    }

    #[tokio::test]
    async fn what_is_not_a_web_address_is_refused() {
        for url in ["", "127.0.0.1:80", "/path", "ftp://127.0.0.1", "http://"] {
            assert!(matches!(resolved(url).await, Err(OriginError::NotUrl(text)) if text == url), "`{url}`");
        }
    }
}
