//! The way to a server: straight, from addresses of the user's choice, through a proxy, or to a Unix
//! socket.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use url::Url;

use super::address::Addresses;
use super::basic;
use super::failure::io_reason;
use crate::scenario::transport::Network;

/// Bytes of a proxy's answer at most.
const MOST_HEAD: usize = 16 << 10;

/// The way that all connections of a load take.
#[derive(Default)]
pub(super) struct Route {
    pub(super) unix_socket: Option<PathBuf>,
    proxy: Option<Proxy>,
    sources: Vec<IpAddr>,
    /// How many connections have taken it.
    taken: AtomicUsize,
}

struct Proxy {
    /// What messages call it.
    url: String,
    addresses: Addresses,
    authorization: Option<HeaderValue>,
}

impl Route {
    /// The way that a scenario describes.
    ///
    /// # Errors
    /// In words, if its proxy is not a URL.
    pub(super) fn new(network: &Network) -> Result<Self, String> {
        let proxy = match &network.proxy {
            None => None,
            Some(proxy) => {
                let not_url = || format!("`{}` is not a URL such as `http://host:port`", proxy.url);
                let url = Url::parse(&proxy.secret_url).map_err(|_| not_url())?;
                let host = url.host_str().ok_or_else(not_url)?.trim_start_matches('[').trim_end_matches(']');
                let port = url.port_or_known_default().ok_or_else(not_url)?;
                let addresses = Addresses::new(host.to_owned(), port);
                Some(Proxy { url: proxy.url.clone(), addresses, authorization: basic::authorization(&url) })
            }
        };
        let (unix_socket, sources) = (network.unix_socket.clone(), network.source_addresses.clone());
        Ok(Self { unix_socket, proxy, sources, taken: AtomicUsize::new(0) })
    }

    /// Whether servers' names are looked up here, and not by a proxy or not at all.
    pub(super) fn is_direct(&self) -> bool {
        self.proxy.is_none() && self.unix_socket.is_none()
    }

    /// A stream to `host:port`, whose addresses are these.
    ///
    /// # Errors
    /// In words, without the server's name.
    pub(super) async fn connect(
        &self,
        authority: &str,
        addresses: &Addresses,
        timeout: Duration,
    ) -> Result<TcpStream, String> {
        let Some(proxy) = &self.proxy else { return self.straight(addresses, timeout).await };
        let through = |reason: String| format!("proxy {}: {reason}", proxy.url);
        let stream = self.straight(&proxy.addresses, timeout).await.map_err(through)?;
        tunnel(stream, authority, proxy.authorization.as_ref()).await.map_err(through)
    }

    async fn straight(&self, addresses: &Addresses, timeout: Duration) -> Result<TcpStream, String> {
        let addresses = addresses.next().await.map_err(|e| format!("cannot resolve: {e}"))?;
        let mut last = "no address".to_owned();
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for address in addresses {
            // An address that never answers leaves time for the others.
            match tokio::time::timeout(timeout / left.max(1), self.open(address)).await {
                Ok(Ok(stream)) => {
                    // Without it a small request can wait for the peer's delayed acknowledgement.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = io_reason(&error),
                Err(_) => last = format!("timeout after {timeout:?}"),
            }
            left -= 1;
        }
        Err(last)
    }

    async fn open(&self, to: SocketAddr) -> std::io::Result<TcpStream> {
        let sources: Vec<&IpAddr> =
            self.sources.iter().filter(|source| source.is_ipv4() == to.is_ipv4()).collect();
        if sources.is_empty() {
            if !self.sources.is_empty() {
                return Err(std::io::Error::other(format!("none of `source_addresses` reaches {}", to.ip())));
            }
            return TcpStream::connect(to).await;
        }
        let turn = self.taken.fetch_add(1, Ordering::Relaxed) % sources.len();
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // The port is chosen when the other end is known: one source has a set of ports for each.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::new(*sources[turn], 0)).map_err(|error| {
            std::io::Error::other(format!("cannot use the source address {}: {error}", sources[turn]))
        })?;
        socket.connect(to).await
    }
}

/// Asks a proxy for a tunnel to `authority` (RFC 9110 §9.3.6).
async fn tunnel(
    mut stream: TcpStream,
    authority: &str,
    authorization: Option<&HeaderValue>,
) -> Result<TcpStream, String> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    if let Some(value) = authorization {
        request.extend(b"Proxy-Authorization: ");
        request.extend(value.as_bytes());
        request.extend(b"\r\n");
    }
    request.extend(b"\r\n");
    stream.write_all(&request).await.map_err(|e| io_reason(&e))?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head is the server's.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MOST_HEAD {
            return Err("its answer has no end".to_owned());
        }
        head.push(stream.read_u8().await.map_err(|_| "it closed the connection".to_owned())?);
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    match line.split(' ').nth(1) {
        Some(status) if status.starts_with('2') => Ok(stream),
        Some("407") => Err("it requires a name and password: write them into `proxy`".to_owned()),
        Some(status) => Err(format!("it refuses the tunnel with status {status}")),
        None => Err("it does not answer in HTTP".to_owned()),
    }
}
