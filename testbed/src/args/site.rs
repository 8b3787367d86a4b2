//! Arguments of the site.

use std::{
    io,
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
    time::Duration,
};

use clap::ValueEnum;
use humantime::parse_duration;
use testbed::{
    server::bind,
    site::{self, CertificateKind, Config, Running},
};

/// A web shop with logins, forms, redirects, uploads and TLS.
///
/// Users are `user-1` to `user-1000`; the password of `user-7` is `password-7`. A program that asks for
/// tokens is `shop-client` with `shop-secret`.
#[derive(clap::Args)]
pub(crate) struct SiteArgs {
    /// Port of HTTP/1.1, and of HTTP/2 with prior knowledge; 0 takes a free one
    #[arg(long, default_value_t = 8200)]
    port: u16,
    /// Port of TLS, with HTTP/2 and HTTP/1.1 by ALPN; 0 takes a free one [default: no TLS]
    #[arg(long)]
    tls_port: Option<u16>,
    /// File to write the certificate to that clients have to trust, in PEM; made anew at every start
    #[arg(long, value_name = "FILE", requires = "tls_port")]
    ca: Option<PathBuf>,
    /// What is wrong with the certificate
    #[arg(long, value_enum, default_value = "good", requires = "tls_port")]
    certificate: CertificateName,
    /// Items that it sells
    #[arg(long, default_value = "200")]
    items: NonZeroU32,
    /// How long an access token is valid
    #[arg(long, value_parser = parse_duration, default_value = "1h")]
    token_lifetime: Duration,
    /// Close HTTP/1.1 connections that are idle for so long, without announcing it
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    keep_alive: Option<Duration>,
    /// Close the connection in place of every Nth answer on a reused HTTP/1.1 connection
    #[arg(long, value_name = "N")]
    flaky: Option<NonZeroU64>,
    /// Most bytes of a request's body
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    body_limit: usize,
    /// Refuse a POST without a length (411), and requests without a User-Agent (403)
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum CertificateName {
    /// Nothing: it is for localhost and 127.0.0.1
    Good,
    /// It was valid until 2020
    Expired,
    /// It is for another name
    OtherName,
    /// No authority has signed it
    SelfSigned,
}

impl SiteArgs {
    /// Starts the shop, and writes down whom to trust.
    pub(crate) fn start(&self) -> io::Result<Running> {
        let tls = self.tls_port.map(bind).transpose()?;
        let site = site::start(bind(self.port)?, tls, self.config())?;
        if let (Some(file), Some(pem)) = (&self.ca, site.ca_pem()) {
            std::fs::write(file, pem).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot write {}: {error}", file.display()))
            })?;
        }
        Ok(site)
    }

    fn config(&self) -> Config {
        Config {
            items: self.items,
            token_lifetime: self.token_lifetime,
            keep_alive: self.keep_alive,
            flaky: self.flaky,
            body_limit: self.body_limit,
            strict: self.strict,
            certificate: match self.certificate {
                CertificateName::Good => CertificateKind::Good,
                CertificateName::Expired => CertificateKind::Expired,
                CertificateName::OtherName => CertificateKind::OtherName,
                CertificateName::SelfSigned => CertificateKind::SelfSigned,
            },
        }
    }
}
