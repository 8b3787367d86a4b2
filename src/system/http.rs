//! Questions and commands to the system outside of the load.

use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};

use super::SystemError;
use crate::scenario::profile::{Profile, Ready};
use crate::web::{self, Client, Redirects, Way, shown};

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(2);
/// How long a reset may take: it may have to empty large tables.
const RESET: Duration = Duration::from_secs(120);
/// Statuses from here on say that a request was not carried out.
const REFUSED: u16 = 400;

/// The question whether a service can take load.
pub(super) enum Probe<'a> {
    Http(&'a str, Result<Client, String>),
    Tcp(&'a str),
}

impl<'a> Probe<'a> {
    /// The client is made once: that takes as long as many a service needs to start.
    pub(super) fn new(ready: &'a Ready, way: &Way) -> Self {
        match ready {
            // A service is started here: nothing lies between.
            Ready::Http(url) => Self::Http(url, Client::new(QUESTION, Redirects::Kept, &way.straight())),
            Ready::Tcp(address) => Self::Tcp(address),
        }
    }

    /// Asks once; if the service cannot take load, says what happened instead.
    pub(super) async fn ask(&self) -> Result<(), String> {
        match self {
            Self::Tcp(address) => accepts(address).await.map(|_| ()),
            Self::Http(url, client) => {
                let answer = client.as_ref().map_err(Clone::clone)?.ask("GET", url).await?;
                answer.below(REFUSED).map(|_| ())
            }
        }
    }
}

/// Connects to an address (`host:port`).
pub(super) async fn accepts(address: &str) -> Result<TcpStream, String> {
    match tokio::time::timeout(QUESTION, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(|e| e.to_string()),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// Waits until somebody listens at a URL's address. Nothing is sent: the system counts only the
/// load's requests.
pub(super) async fn reachable(url: &str, way: &Way, within: Duration) -> Result<(), SystemError> {
    let unreachable = |reason| SystemError::Unreachable { url: shown(url), reason };
    if let Some(path) = &way.unix_socket {
        let connected = UnixStream::connect(path).await;
        return connected.map(drop).map_err(|e| unreachable(format!("{}: {e}", path.display())));
    }
    // What lies behind a proxy is for that to say.
    let url = way.proxy.as_deref().unwrap_or(url);
    let unreachable = |reason| SystemError::Unreachable { url: shown(url), reason };
    let address = address_of(&Ready::Http(url.to_owned()));
    let address = address.ok_or_else(|| unreachable("not a URL such as `http://host:port`".to_owned()))?;
    let deadline = tokio::time::Instant::now() + within;
    loop {
        match accepts(&address).await {
            Ok(_) => return Ok(()),
            Err(reason) if tokio::time::Instant::now() >= deadline => return Err(unreachable(reason)),
            Err(_) => tokio::time::sleep(super::PROBE_EVERY).await,
        }
    }
}

/// Puts the system into its initial state: sends a profile's reset requests, in order.
///
/// # Errors
/// If one is not answered with a status below 400.
pub async fn reset(profile: &Profile, base_url: &str, way: &Way) -> Result<(), SystemError> {
    for request in &profile.reset {
        let url = if request.url.starts_with('/') {
            format!("{base_url}{}", request.url)
        } else {
            request.url.clone()
        };
        let failed = |reason| SystemError::Reset { method: request.method.clone(), url: shown(&url), reason };
        let client = Client::new(RESET, Redirects::Kept, way).map_err(failed)?;
        let answer = client.ask(&request.method, &url).await.map_err(failed)?;
        answer.below(REFUSED).map_err(failed)?;
    }
    Ok(())
}

/// Where a service will listen, as `host:port`.
pub(super) fn address_of(ready: &Ready) -> Option<String> {
    match ready {
        Ready::Tcp(address) => Some(address.clone()),
        Ready::Http(url) => web::server(url),
    }
}
