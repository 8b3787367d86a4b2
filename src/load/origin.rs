//! Where requests go: a scheme, a host and a port.

use std::sync::Arc;

use hyper::header::HeaderValue;
use hyper::http::uri::{Authority, Scheme};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Url;

use super::address::Addresses;
use super::basic;
use super::route::Route;
use super::tls::Trust;
use crate::scenario::transport::{HttpVersion, Network, Tls};
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
    pub(super) route: Arc<Route>,
    /// For https.
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// How all servers of a load are reached.
pub(super) struct Ways {
    pub(super) trust: Trust,
    pub(super) route: Arc<Route>,
}

impl Ways {
    /// Those of a scenario.
    ///
    /// # Errors
    /// If its proxy leads nowhere.
    pub(super) fn new(tls: &Tls, network: &Network) -> Result<Self, OriginError> {
        let route = Route::new(network).map_err(OriginError::Way)?;
        Ok(Self { trust: Trust::new(tls.clone()), route: Arc::new(route) })
    }
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
    /// TLS, or the way there, is not to be had as the scenario asks for it.
    #[error("{0}")]
    Way(String),
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
        ways: &Ways,
    ) -> Result<(Self, Below), OriginError> {
        let not_url = || OriginError::NotUrl(web::shown(url));
        let parsed = Url::parse(url).map_err(|_| not_url())?;
        let origin = Self::of(&parsed, version, ways)?;
        if ways.route.is_direct() {
            let looked_up = origin.addresses.next().await;
            looked_up
                .map_err(|error| OriginError::Resolve { host: origin.authority.host().to_owned(), error })?;
        }
        let path = parsed.path().trim_end_matches('/').to_owned();
        Ok((origin, Below { path, authorization: basic::authorization(&parsed) }))
    }

    /// The origin of a URL.
    ///
    /// # Errors
    /// If it is not one of the web, or there is no TLS to be had.
    pub(super) fn of(url: &Url, version: HttpVersion, ways: &Ways) -> Result<Self, OriginError> {
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
            Some(ways.trust.connector(&address, version).map_err(OriginError::Way)?)
        } else {
            None
        };
        Ok(Self {
            version,
            url: format!("{scheme}://{authority}"),
            host: HeaderValue::from_str(&authority).map_err(|_| not_url())?,
            authority: authority.parse().map_err(|_| not_url())?,
            route: Arc::clone(&ways.route),
            addresses: Addresses::new(address, url.port_or_known_default().ok_or_else(not_url)?),
            scheme,
            tls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    async fn resolved(url: &str) -> Result<(Origin, Below), OriginError> {
        let ways = Ways::new(&Tls::default(), &Network::default())?;
        Origin::resolve(url, HttpVersion::Http1, &ways).await
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
