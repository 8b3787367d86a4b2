//! Questions and commands to the system outside of the load, over reqwest.

use std::time::Duration;

use reqwest::{Client, Method};

use super::TargetError;
use crate::scenario::profile::{Profile, Ready};

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(2);
/// How long a reset may take: it may have to empty large tables.
const RESET: Duration = Duration::from_secs(120);

/// A client that asks the named host itself: a proxy in the environment would not know 127.0.0.1.
fn client(timeout: Duration) -> Result<Client, String> {
    let builder = Client::builder().no_proxy().connect_timeout(QUESTION).timeout(timeout);
    builder.build().map_err(|e| e.to_string())
}

/// Whether a service can take load; if not, what happened instead.
pub(super) async fn is_ready(ready: &Ready) -> Result<(), String> {
    match ready {
        Ready::Tcp(address) => {
            match tokio::time::timeout(QUESTION, tokio::net::TcpStream::connect(address)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("no answer".to_owned()),
            }
        }
        Ready::Http(url) => {
            let answer = client(QUESTION)?.get(url).send().await.map_err(|e| reason(&e))?;
            if answer.status().as_u16() < 400 { Ok(()) } else { Err(format!("status {}", answer.status())) }
        }
    }
}

/// Waits until somebody listens at a URL's address. Nothing is sent: the system counts only the
/// load's requests.
pub(super) async fn reachable(url: &str, within: Duration) -> Result<(), TargetError> {
    let unreachable = |reason| TargetError::Unreachable { url: url.to_owned(), reason };
    let ready = address_of(&Ready::Http(url.to_owned())).map(Ready::Tcp);
    let ready = ready.ok_or_else(|| unreachable("not a URL such as `http://host:port`".to_owned()))?;
    let deadline = tokio::time::Instant::now() + within;
    loop {
        match is_ready(&ready).await {
            Ok(()) => return Ok(()),
            Err(reason) if tokio::time::Instant::now() >= deadline => return Err(unreachable(reason)),
            Err(_) => tokio::time::sleep(super::PROBE_EVERY).await,
        }
    }
}

/// Puts the system into its initial state: sends a profile's reset requests, in order.
///
/// # Errors
/// If one is not answered with a status below 400.
pub async fn reset(profile: &Profile, host: &str) -> Result<(), TargetError> {
    for request in &profile.reset {
        let url =
            if request.url.starts_with('/') { format!("{host}{}", request.url) } else { request.url.clone() };
        let failed = |reason| TargetError::Reset { method: request.method.clone(), url: url.clone(), reason };
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|e| failed(e.to_string()))?;
        let sent = client(RESET).map_err(failed)?.request(method, &url).send().await;
        let answer = sent.map_err(|e| failed(reason(&e)))?;
        if answer.status().as_u16() >= 400 {
            return Err(failed(format!("status {}", answer.status())));
        }
    }
    Ok(())
}

/// Where a service will listen, as `host:port`.
pub(super) fn address_of(ready: &Ready) -> Option<String> {
    match ready {
        Ready::Tcp(address) => Some(address.clone()),
        Ready::Http(url) => {
            let url = reqwest::Url::parse(url).ok()?;
            Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
        }
    }
}

/// The innermost cause of an error: `connection refused` rather than a chain of wrappers.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
