//! Load over https, against a server whose certificate the system trusts.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// What stands behind the TLS.
#[derive(Clone, Copy)]
enum Behind {
    /// Keep-alive answers of HTTP/1.1.
    Answers,
    /// The same for those who show this very certificate.
    OfFriends,
    /// A gRPC server, for those who ask for HTTP/2.
    Grpc(SocketAddr),
}

/// Serves over TLS until the process ends; gives its address.
fn serve(certified: &rcgen::CertifiedKey<rcgen::KeyPair>, behind: Behind) -> SocketAddr {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if let Behind::OfFriends = behind {
        let mut roots = RootCertStore::empty();
        roots.add(certified.cert.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(vec![certified.cert.der().clone()], key).unwrap();
    if let Behind::Grpc(_) = behind {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    if let Behind::Grpc(address) = behind {
                        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                        let mut server = TcpStream::connect(address).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                        return;
                    }
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|n| n > 0) {
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                    }
                });
            }
        });
    });
    told.recv().unwrap()
}

#[test]
fn https_is_spoken_with_whom_the_system_trusts_and_with_nobody_else() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let address = serve(&certified, Behind::Answers);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trusted.pem"), certified.cert.pem()).unwrap();
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.path().join("other.pem"), stranger.cert.pem()).unwrap();
    let scenario = format!(
        r#"
        name = "tls"
        base_url = "https://localhost:{}"
        [[journey]]
        name = "Get"
        steps = [{{ request = "GET /", check = {{ contains = "ok" }} }}]
        [[user_class]]
        name = "User"
        journeys = {{ Get = 1 }}
        [load.few]
        iterations = 20
        concurrency = 2
        [profile.up]
        "#,
        address.port()
    );
    std::fs::write(folder.path().join("tls.toml"), scenario).unwrap();
    let outcomes = |trusted: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_loadproof"))
            .args(["run", "tls.toml", "--json", "--progress", "none"])
            .env("SSL_CERT_FILE", folder.path().join(trusted))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        // A run whose requests all fail is no success.
        assert_eq!(output.status.success(), trusted == "trusted.pem", "{document}");
        let counts = &document["run"]["summaries"][0]["counts"];
        (counts["ok"].as_u64().unwrap(), counts["error"].as_u64().unwrap())
    };
    assert_eq!(outcomes("trusted.pem"), (20, 0));
    assert_eq!(outcomes("other.pem"), (0, 20));
}

/// What is said of requests to an https server, and whether any was answered.
fn asked(address: SocketAddr, folder: &std::path::Path, flags: &[&str]) -> (bool, String) {
    let url = format!("https://localhost:{}/", address.port());
    let output = Command::new(env!("CARGO_BIN_EXE_loadproof"))
        .args(["http", &url, "-n", "4", "-c", "1", "--progress", "none"])
        .args(flags)
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Tables wrap long sentences. Whether the run is valid depends on how busy the machine is.
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    (said.contains("all 4 requests were answered as expected"), said)
}

#[test]
fn a_certificate_that_is_not_trusted_is_named_with_its_remedies_and_they_work() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let address = serve(&certified, Behind::Answers);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), certified.cert.pem()).unwrap();
    let (ok, said) = asked(address, folder.path(), &[]);
    assert!(!ok && said.contains("signed by an unknown authority") && said.contains("--cacert"), "{said}");
    assert!(said.contains("--insecure"), "{said}");
    assert!(asked(address, folder.path(), &["--insecure"]).0);
    assert!(asked(address, folder.path(), &["--cacert", "ca.pem"]).0);
    let (ok, said) = asked(address, folder.path(), &["--cacert", "missing.pem"]);
    assert!(!ok && said.contains("cannot read `missing.pem`"), "{said}");
}

/// A certificate of these properties.
fn certificate(
    name: &str,
    change: impl FnOnce(&mut rcgen::CertificateParams),
) -> rcgen::CertifiedKey<rcgen::KeyPair> {
    let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut parameters);
    let signing_key = rcgen::KeyPair::generate().unwrap();
    let cert = parameters.self_signed(&signing_key).unwrap();
    rcgen::CertifiedKey { cert, signing_key }
}

#[test]
fn every_mistake_of_a_certificate_has_its_own_sentence() {
    let authority = certificate("localhost", |parameters| {
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let expired = certificate("localhost", |parameters| {
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2020, 2, 1);
    });
    let other = certificate("shop.test", |_| ());
    for (certified, is_right, says) in [
        // As `openssl req -x509` makes them: an authority that is a server as well.
        (&authority, true, ""),
        (&expired, false, "the server's certificate has expired"),
        (&other, false, "is for shop.test, not for `localhost`"),
    ] {
        let address = serve(certified, Behind::Answers);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certified.cert.pem()).unwrap();
        let (ok, said) = asked(address, folder.path(), &["--cacert", "ca.pem"]);
        assert_eq!(ok, is_right, "{said}");
        assert!(said.contains(says), "{says}: {said}");
    }
    let address = serve(&authority, Behind::Answers);
    let (ok, said) = asked(address, tempfile::tempdir().unwrap().path(), &[]);
    assert!(!ok && said.contains("is self-signed: trust it with `ca`"), "{said}");
}

#[test]
fn a_client_shows_its_certificate_where_one_is_asked_for() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let address = serve(&certified, Behind::OfFriends);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.pem"), certified.cert.pem()).unwrap();
    std::fs::write(folder.path().join("own.key"), certified.signing_key.serialize_pem()).unwrap();
    let (ok, said) = asked(address, folder.path(), &["--insecure"]);
    assert!(!ok && said.contains("does not accept the client's certificate, or requires one"), "{said}");
    assert!(asked(address, folder.path(), &["--insecure", "--cert", "own.pem", "--key", "own.key"]).0);
    let (ok, said) = asked(address, folder.path(), &["--insecure", "--cert", "own.key", "--key", "own.key"]);
    assert!(!ok && said.contains("`own.key` has no certificate in PEM"), "{said}");
    // That nothing was verified is among the facts of the run.
    let report = std::fs::read_to_string(folder.path().join("reports/run-2.html")).unwrap();
    assert!(report.contains("not verified"));
}

#[test]
fn a_port_that_does_not_speak_tls_is_told_from_one_with_a_bad_certificate() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            use std::io::Write as _;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (ok, said) = asked(address, tempfile::tempdir().unwrap().path(), &["--insecure"]);
    assert!(!ok && said.contains("does not answer in TLS"), "{said}");
}

#[test]
fn grpc_calls_go_over_tls_without_a_scenario_file() {
    use testbed::storefront::Form;
    use testbed::storefront::lookup::{Config, spawn};

    let config = Config { form: Form::After, products: std::num::NonZeroU32::new(10).unwrap() };
    let lookup = spawn(config).unwrap();
    let behind = lookup.grpc_url().strip_prefix("http://").unwrap().parse().unwrap();
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let address = serve(&certified, Behind::Grpc(behind));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trusted.pem"), certified.cert.pem()).unwrap();
    let server = format!("https://localhost:{}", address.port());
    let output = Command::new(env!("CARGO_BIN_EXE_loadproof"))
        .args([
            "grpc",
            &server,
            "storefront.v1.ProductLookup/GetProduct",
            "-d",
            r#"{"id": "p-{{ int(1, 10) }}"}"#,
        ])
        .args(["-n", "40", "-c", "2", "-H", "authorization: Bearer secret", "--json", "--progress", "none"])
        .env("SSL_CERT_FILE", folder.path().join("trusted.pem"))
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let summary = &document["run"]["summaries"][0];
    assert_eq!(summary["subject"]["endpoint"], "GRPC storefront.v1.ProductLookup/GetProduct");
    assert_eq!(summary["counts"]["ok"], 40);
    let store = std::fs::read(folder.path().join("reports/loadproof.db")).unwrap();
    assert!(!store.windows(6).any(|bytes| bytes == b"secret"), "the header's value is in the store");
}
