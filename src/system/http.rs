//! Where the system listens, and whether it does.

use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};

use super::SystemError;
use crate::scenario::profile::Ready;
use crate::web::{self, Way, shown};

/// How long one question may take.
pub(super) const QUESTION: Duration = Duration::from_secs(2);

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

/// Where a service will listen, as `host:port`; none for one that is not known by its port.
pub(super) fn address_of(ready: &Ready) -> Option<String> {
    match ready {
        Ready::Tcp(address) => Some(address.clone()),
        Ready::Http(url) => web::server(url),
        Ready::Command(_) | Ready::Log(_) | Ready::UpFor(_) => None,
    }
}
