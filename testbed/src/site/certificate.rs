//! A certificate that is made at the start, signed by an authority that is made for it.

use std::{io, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, Error, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

/// What is wrong with a certificate, if anything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, for those who trust its authority: it is for `localhost`, `127.0.0.1` and `::1`.
    Good,
    /// It was valid until 2020.
    Expired,
    /// It is for `shop.invalid`.
    OtherName,
    /// It is its own authority.
    SelfSigned,
}

/// A server's certificate, ready to use.
pub(crate) struct Certificate {
    /// What a client has to trust.
    pub(crate) ca_pem: String,
    pub(crate) acceptor: TlsAcceptor,
}

impl Certificate {
    pub(crate) fn make(kind: Kind) -> io::Result<Certificate> {
        let (ca_pem, chain, key) = sign(kind).map_err(io::Error::other)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Certificate { ca_pem, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

type Signed = (String, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn sign(kind: Kind) -> Result<Signed, Error> {
    let names = match kind {
        Kind::OtherName => vec!["shop.invalid".to_owned()],
        _ => ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec(),
    };
    let mut server = CertificateParams::new(names)?;
    if kind == Kind::Expired {
        server.not_before = date_time_ymd(2019, 1, 1);
        server.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate()?;
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    if kind == Kind::SelfSigned {
        let certificate = server.self_signed(&key)?;
        return Ok((certificate.pem(), vec![certificate.der().clone()], private));
    }
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "testbed site authority");
    let authority_key = KeyPair::generate()?;
    let ca_pem = authority.self_signed(&authority_key)?.pem();
    server.use_authority_key_identifier_extension = true;
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
    Ok((ca_pem, vec![certificate.der().clone()], private))
}
