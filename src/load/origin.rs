//! Where requests go: a scheme, a host and a port.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, Scheme};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Url;

use super::address::Addresses;
use super::tls::Trust;
use crate::scenario::transport::HttpVersion;
use crate::web;

/// A place that answers requests.
pub(super) struct Origin {
    pub(super) version: HttpVersion,
    /// `http://127.0.0.1:8000`: its identity, and what messages call it.
    pub(super) url: String,
    pub(super) scheme: Scheme,
    /// Host and port as requests name them: without the port of its scheme.
    pub(super) authority: Authority,
    /// The `Host` header.
    pub(super) host: HeaderValue,
    pub(super) addresses: Addresses,
    /// For https.
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
    /// Whether its answers have had more header lines than usual.
    has_many_headers: AtomicBool,
}

/// What a URL says besides where its server is.
pub(super) struct Below {
    /// The path that every target below it begins with; without a slash at its end.
    pub(super) path: String,
    /// `Basic …`, for a URL with a name and a password.
    pub(super) authorization: Option<HeaderValue>,
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
    /// TLS is not to be had as the scenario asks for it.
    #[error("{0}")]
    Tls(String),
}

impl Origin {
    /// The origin of a URL, and what else the URL says. Its name is looked up, so that a mistake is
    /// known before the load begins.
    ///
    /// # Errors
    /// If it is no URL, its host has no address, or there is no TLS to be had.
    pub(super) async fn resolve(
        url: &str,
        version: HttpVersion,
        trust: &Trust,
    ) -> Result<(Self, Below), OriginError> {
        let not_url = || OriginError::NotUrl(web::shown(url));
        let parsed = Url::parse(url).map_err(|_| not_url())?;
        let origin = Self::of(&parsed, version, trust)?;
        let looked_up = origin.addresses.next().await;
        looked_up
            .map_err(|error| OriginError::Resolve { host: origin.authority.host().to_owned(), error })?;
        let path = parsed.path().trim_end_matches('/').to_owned();
        Ok((origin, Below { path, authorization: authorization(&parsed) }))
    }

    /// The origin of a URL.
    ///
    /// # Errors
    /// If it is not one of the web, or there is no TLS to be had.
    pub(super) fn of(url: &Url, version: HttpVersion, trust: &Trust) -> Result<Self, OriginError> {
        let not_url = || OriginError::NotUrl(web::shown(url.as_str()));
        let scheme = match url.scheme() {
            "http" => Scheme::HTTP,
            "https" => Scheme::HTTPS,
            _ => return Err(not_url()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(not_url)?;
        let authority = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let address = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = if scheme == Scheme::HTTPS {
            Some(trust.connector(&address, version).map_err(OriginError::Tls)?)
        } else {
            None
        };
        Ok(Self {
            version,
            url: format!("{scheme}://{authority}"),
            host: HeaderValue::from_str(&authority).map_err(|_| not_url())?,
            authority: authority.parse().map_err(|_| not_url())?,
            addresses: Addresses::new(address, url.port_or_known_default().ok_or_else(not_url)?),
            scheme,
            tls,
            has_many_headers: AtomicBool::new(false),
        })
    }

    /// Whether connections have to make room for more header lines than usual: that costs every
    /// answer something, so it is done for servers that have sent as many.
    pub(super) fn has_many_headers(&self) -> bool {
        self.has_many_headers.load(Ordering::Relaxed)
    }

    /// An answer had more header lines than usual.
    pub(super) fn note_many_headers(&self) {
        self.has_many_headers.store(true, Ordering::Relaxed);
    }
}

/// What a server is shown of the name and password in a URL (RFC 7617).
fn authorization(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair = unescaped(url.username());
    pair.push(b':');
    pair.extend(unescaped(url.password().unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A text without percent-encoding.
fn unescaped(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let encoded =
            (bytes[at] == b'%').then(|| Some((digit(bytes.get(at + 1))?, digit(bytes.get(at + 2))?)));
        match encoded.flatten().and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::transport::Tls;

    async fn resolved(url: &str) -> Result<(Origin, Below), OriginError> {
        Origin::resolve(url, HttpVersion::Http1, &Trust::new(Tls::default())).await
    }

    #[tokio::test]
    async fn a_url_is_a_server_and_the_path_that_all_targets_begin_with() {
        let (origin, below) = resolved("http://127.0.0.1:8000/shop/v1/").await.unwrap();
        assert_eq!((origin.url.as_str(), below.path.as_str()), ("http://127.0.0.1:8000", "/shop/v1"));
        assert_eq!(origin.host, "127.0.0.1:8000");
        assert_eq!(origin.addresses.next().await.unwrap(), ["127.0.0.1:8000".parse().unwrap()]);
        assert!(origin.tls.is_none() && below.authorization.is_none());
    }

    #[tokio::test]
    async fn a_port_follows_from_the_scheme_and_brackets_are_not_of_the_address() {
        let (origin, below) = resolved("http://[::1]:80").await.unwrap();
        assert_eq!(origin.addresses.next().await.unwrap(), ["[::1]:80".parse().unwrap()]);
        assert_eq!((origin.url.as_str(), below.path.as_str()), ("http://[::1]", ""));
    }

    #[tokio::test]
    async fn a_name_and_password_are_shown_to_the_server_and_to_nobody_else() {
        let (origin, below) = resolved("http://me:p%40ss%3a@127.0.0.1:8000").await.unwrap();
        assert_eq!(
            (origin.url.as_str(), origin.host.to_str().unwrap()),
            ("http://127.0.0.1:8000", "127.0.0.1:8000")
        );
        // `me:p@ss:` in base64.
        assert_eq!(below.authorization.unwrap(), "Basic bWU6cEBzczo=");
        let Err(error) = resolved("ftp://me:secret@h").await else { panic!("it is no web address") };
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn what_is_not_a_web_address_is_refused() {
        for url in ["", "127.0.0.1:80", "/path", "ftp://127.0.0.1", "http://"] {
            assert!(matches!(resolved(url).await, Err(OriginError::NotUrl(_))), "`{url}`");
        }
    }
}
