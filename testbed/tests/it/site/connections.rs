//! Connections that end unannounced, TLS, HTTP/2.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    num::NonZeroU64,
    sync::Arc,
    time::Duration,
};

use testbed::site::{CertificateKind, Config, Running};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use super::{exchange, figure, get, spawn};
use crate::support::Client;

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let (_site, at) = spawn(Config { keep_alive: Some(Duration::from_millis(100)), ..Config::default() });
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).unwrap();
    assert!(received.starts_with("HTTP/1.1 200 OK\r\n") && received.ends_with('}'), "{received}");
    assert!(!received.to_lowercase().contains("connection:"), "{received}");
}

#[test]
fn some_requests_find_their_reused_connection_closed_and_are_not_carried_out() {
    let (_site, at) = spawn(Config { flaky: NonZeroU64::new(3), ..Config::default() });
    let mut client = Client::new(at);
    for number in 1..=3 {
        let echo = client.get("/echo").json();
        assert_eq!(echo["request"], number);
    }
    assert!(client.send("GET", "/echo", "").is_err());
    assert_eq!(Client::new(at).get("/echo").json()["connection"], 2);
    assert_eq!(figure(at, "site_closed_total"), 1);
    // Four, the one that was closed, the new one, and this.
    assert_eq!(figure(at, "site_requests_total"), 7);

    let (_site, at) = spawn(Config::default());
    let mut client = Client::new(at);
    assert_eq!(client.get("/flaky").json()["request"], 1);
    assert!(client.send("GET", "/flaky", "").is_err());
}

/// A connection to `localhost` with whoever the site says that one has to trust.
fn connect(site: &Running, protocol: &[u8]) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(site.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(site.tls_address().unwrap())?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    assert_eq!(connection.alpn_protocol(), Some(protocol));
    Ok(StreamOwned::new(connection, stream))
}

/// Asks for `/health` in HTTP/2; whether the answer's head begins with status 200.
fn is_healthy_in_http2(stream: &mut (impl Read + Write)) -> bool {
    // Entries of HPACK's static table: GET, https; then a path and an authority of their own.
    let mut head = vec![0x82, 0x87];
    for (index, value) in [(0x04, "/health"), (0x01, "localhost")] {
        head.extend([index, u8::try_from(value.len()).unwrap()]);
        head.extend(value.as_bytes());
    }
    let frame = |kind, flags, id, payload: &[u8]| {
        let head = [0, 0, u8::try_from(payload.len()).unwrap(), kind, flags, 0, 0, 0, id];
        [&head, payload].concat()
    };
    let (settings, headers) = (frame(4, 0, 0, &[]), frame(1, 0b101, 1, &head));
    stream.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*settings, &*headers].concat()).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).unwrap();
        if head[3] == 1 {
            return payload[0] == 0x88;
        }
    }
}

#[test]
fn tls_speaks_both_versions_and_its_cookies_are_secure() {
    let (site, at) = spawn(Config::default());
    let (head, _) = exchange(&mut connect(&site, b"http/1.1").unwrap(), "/login", "");
    assert_eq!(head.matches("; Secure\r\n").count(), 2, "{head}");
    assert!(!get(at, "/login").head.contains("secure"));
    assert!(is_healthy_in_http2(&mut connect(&site, b"h2").unwrap()));
    assert!(is_healthy_in_http2(&mut TcpStream::connect(at).unwrap()), "with prior knowledge");
}

#[test]
fn a_bad_certificate_is_bad_in_its_own_way() {
    for (certificate, message) in
        [(CertificateKind::Expired, "expired"), (CertificateKind::OtherName, "not valid for name")]
    {
        let (site, _) = spawn(Config { certificate, ..Config::default() });
        let error = connect(&site, b"h2").err().unwrap().to_string().to_lowercase();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn without_tls_there_is_no_certificate() {
    let listener = testbed::server::bind(0).unwrap();
    let site = testbed::site::start(listener, None, Config::default()).unwrap();
    assert_eq!((site.tls_address(), site.ca_pem()), (None, None));
}
