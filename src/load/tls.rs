//! TLS of the load: what is trusted, what servers are shown, and certificate mistakes in words.

use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, SupportedProtocolVersion,
};

use crate::scenario::transport::{HttpVersion, Tls, TlsVersion};

/// Names of a certificate that are said.
const MOST_NAMES: usize = 5;

/// Makes connectors as a scenario's `[tls]` asks for.
pub(super) struct Trust {
    tls: Tls,
    /// What all connectors have in common: reading the system's certificates takes a while.
    config: OnceLock<Result<ClientConfig, String>>,
}

impl Trust {
    pub(super) fn new(tls: Tls) -> Self {
        Self { tls, config: OnceLock::new() }
    }

    /// A connector for a host, and the name that its certificate must have.
    ///
    /// # Errors
    /// In words, if there are no root certificates, or what the scenario names cannot be used.
    pub(super) fn connector(
        &self,
        host: &str,
        version: HttpVersion,
    ) -> Result<(TlsConnector, ServerName<'static>), String> {
        let mut config = self.config.get_or_init(|| config(&self.tls)).clone()?;
        config.alpn_protocols = match version {
            HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            HttpVersion::Http1 => Vec::new(),
            HttpVersion::Http2 => vec![b"h2".to_vec()],
        };
        let name = self.tls.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| format!("`{name}` is not a name that a certificate can have"))?;
        Ok((TlsConnector::from(Arc::new(config)), name))
    }
}

fn config(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let versions = versions(tls);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(|e| e.to_string())?
        .dangerous();
    let builder = builder.with_custom_certificate_verifier(verifier(tls, provider)?);
    let Some((certificate, key)) = &tls.identity else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(&certificate.0).map_err(|e| format!("`certificate` under `[tls]`: {e}"))?;
    let key = PrivateKeyDer::from_pem_slice(key.0.as_bytes())
        .map_err(|e| format!("`key` under `[tls]` is not a private key: {e}"))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|e| format!("`certificate` and `key` under `[tls]` cannot be used: {e}"))
}

fn versions(tls: &Tls) -> Vec<&'static SupportedProtocolVersion> {
    let all = [(TlsVersion::V13, &TLS13), (TlsVersion::V12, &TLS12)];
    let is_wanted = |version: TlsVersion| {
        tls.min_version.is_none_or(|min| version >= min) && tls.max_version.is_none_or(|max| version <= max)
    };
    all.into_iter().filter(|(version, _)| is_wanted(*version)).map(|(_, supported)| supported).collect()
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    found.map_err(|e| e.to_string())
}

fn verifier(tls: &Tls, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if tls.insecure {
        return Ok(Arc::new(Anyone(provider)));
    }
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    let own = match &tls.ca {
        Some(pem) => certificates(&pem.0).map_err(|e| format!("`ca` under `[tls]`: {e}"))?,
        None => Vec::new(),
    };
    roots.add_parsable_certificates(own.iter().cloned());
    if roots.is_empty() {
        let reason = found.errors.first().map_or("none found".to_owned(), ToString::to_string);
        return Err(format!("cannot read the system's root certificates: {reason}"));
    }
    let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(Arc::new(Named { usual: usual.map_err(|e| e.to_string())?, own }))
}

/// Takes what the usual rules take, and a server's own certificate where the scenario names that
/// itself: most self-made certificates are authorities as well, which the usual rules refuse.
#[derive(Debug)]
struct Named {
    usual: Arc<WebPkiServerVerifier>,
    own: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // Its times have been checked before that.
            Err(error) if is_authority(&error) && self.own.iter().any(|own| **own == **end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Takes every certificate; that the server has its key is checked all the same.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether a server's certificate is refused because it is one of an authority.
fn is_authority(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if other.to_string().contains("CaUsedAsEndEntity"))
}

/// Why TLS failed, with the remedy, in words that do not vary from connection to connection.
pub(super) fn reason(error: &std::io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    let text = match error {
        Error::InvalidCertificate(mistake) => certificate_reason(mistake, is_authority(error)),
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied,
        ) => "the server does not accept the client's certificate, or requires one: set `certificate` and `key` under \
              `[tls]`, or `--cert` and `--key`"
            .to_owned(),
        Error::AlertReceived(AlertDescription::ProtocolVersion) | Error::PeerIncompatible(_) => {
            "the server speaks none of the allowed versions of TLS: see `min_version` and `max_version` under `[tls]`"
                .to_owned()
        }
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the server does not offer HTTP/2: set `http = \"1.1\"`".to_owned()
        }
        Error::AlertReceived(alert) => format!("the server refuses the connection ({alert:?})"),
        Error::InvalidMessage(_) => {
            "the server does not answer in TLS: use an `http://` URL if that is what this port speaks".to_owned()
        }
        other => other.to_string(),
    };
    Some(format!("TLS: {text}"))
}

fn certificate_reason(mistake: &CertificateError, is_authority: bool) -> String {
    const OR_NOT: &str = "or skip verification with `insecure = true` or `--insecure`";
    match mistake {
        CertificateError::UnknownIssuer => format!(
            "the server's certificate is signed by an unknown authority: trust it with `ca` under `[tls]` or `--cacert`, {OR_NOT}"
        ),
        _ if is_authority => format!(
            "the server's certificate is self-signed: trust it with `ca` under `[tls]` or `--cacert`, {OR_NOT}"
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the server's certificate has expired: renew it, {OR_NOT}")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the server's certificate is not valid yet: check the clocks, {OR_NOT}")
        }
        CertificateError::NotValidForName => {
            format!("the server's certificate is for another name: set `server_name` under `[tls]`, {OR_NOT}")
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
            "the server's certificate names no host (a common name alone does not count): give it a subject alternative \
             name, {OR_NOT}"
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            // `DnsName("localhost")`, `IpAddress(127.0.0.1)`
            let plain = |name: &String| {
                let inner = name.split_once('(').map_or(name.as_str(), |(_, inner)| inner);
                inner.trim_end_matches(')').trim_matches('"').to_owned()
            };
            let mut names: Vec<String> = presented.iter().take(MOST_NAMES).map(plain).collect();
            if names.len() < presented.len() {
                names.push("…".to_owned());
            }
            format!(
                "the server's certificate is for {}, not for `{}`: set `server_name` under `[tls]`, {OR_NOT}",
                names.join(", "),
                expected.to_str()
            )
        }
        CertificateError::Revoked => "the server's certificate has been revoked".to_owned(),
        other => format!("the server's certificate cannot be used ({other}), {OR_NOT}"),
    }
}
