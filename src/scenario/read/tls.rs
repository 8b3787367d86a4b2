//! `[tls]`: what is trusted of servers, and what they are shown.

use std::path::Path;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error, InconsistentKeys};

use super::Settings;
use crate::scenario::World;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::transport::{Pem, Tls, TlsVersion};

/// What a PEM file must have in it.
const CERTIFICATE: [&str; 1] = ["-----BEGIN CERTIFICATE-----"];
const KEY: [&str; 3] =
    ["-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----"];

/// Reads `[tls]`; its files are named relative to `folder`.
pub(in crate::scenario) fn read(
    file: &mut Fields<'_>,
    folder: &Path,
    settings: &Settings,
    world: &dyn World,
) -> Tls {
    let Some(mut table) = file.table("tls") else { return Tls::default() };
    let insecure = table.flag("insecure").unwrap_or(false);
    let mut pem = |key, kinds: &[&str], what| {
        let name = table.text(key)?;
        let path = settings.fill(&name, table.problems);
        let text = match world.read(&folder.join(&path)) {
            Ok(text) => text,
            Err(error) => {
                table.problems.add(&name.place, format!("cannot read `{path}`"), error.to_string());
                return None;
            }
        };
        if !kinds.iter().any(|kind| text.contains(kind)) {
            let title = format!("`{path}` has no {what} in PEM");
            table.problems.add(&name.place, title, format!("expected a line `{}`", kinds[0]));
            return None;
        }
        let damage = if kinds == CERTIFICATE {
            certificates(&text).err()
        } else {
            PrivateKeyDer::from_pem_slice(text.as_bytes()).err().map(|error| error.to_string())
        };
        if let Some(damage) = damage {
            table.problems.add(&name.place, format!("the {what} in `{path}` cannot be read"), damage);
            return None;
        }
        Some(Pem(text))
    };
    let ca = pem("ca", &CERTIFICATE, "certificate");
    let certificate = pem("certificate", &CERTIFICATE, "certificate");
    let key = pem("key", &KEY, "unencrypted private key");
    match (table.has("certificate"), table.has("key")) {
        (true, false) => table.require("key"),
        (false, true) => table.require("certificate"),
        _ => {}
    }
    let identity = certificate.zip(key);
    if let Some((certificate, key)) = &identity {
        check_pair(&table, certificate, key);
    }
    let server_name = table.text("server_name").map(|name| {
        let filled = settings.fill(&name, table.problems);
        if ServerName::try_from(filled.as_str()).is_err() {
            let title = format!("`{filled}` is not a name that a certificate can have");
            table.problems.add(&name.place, title, "expected e.g. `shop.example`");
        }
        filled
    });
    let (oldest, newest) = (table.text("min_version"), table.text("max_version"));
    let min_version = oldest.as_ref().and_then(|text| version(&table, text));
    let max_version = newest.as_ref().and_then(|text| version(&table, text));
    if let (Some(newest), Some(max), Some(min)) = (&newest, max_version, min_version)
        && max < min
    {
        table.problems.add(&newest.place, "`max_version` is older than `min_version`", "no version is left");
    }
    table.finish();
    Tls { insecure, ca, identity, server_name, min_version, max_version }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    found.map_err(|error| error.to_string())
}

/// Notes a key that is not the certificate's, or cannot be used at all.
fn check_pair(table: &Fields<'_>, certificate: &Pem, key: &Pem) {
    let (Ok(chain), Ok(key)) =
        (certificates(&certificate.0), PrivateKeyDer::from_pem_slice(key.0.as_bytes()))
    else {
        return;
    };
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let (title, label) = match CertifiedKey::from_der(chain, key, &provider) {
        Ok(_) => return,
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            ("`certificate` and `key` do not belong together", "the key of another certificate".to_owned())
        }
        Err(error) => ("`certificate` and `key` cannot be used", error.to_string()),
    };
    table.problems.add(&table.key_place("key"), title, label);
}

fn version(table: &Fields<'_>, text: &Located<String>) -> Option<TlsVersion> {
    match text.value.as_str() {
        "1.2" => Some(TlsVersion::V12),
        "1.3" => Some(TlsVersion::V13),
        other => {
            let title = format!("`{other}` is not a version of TLS");
            table.problems.add(&text.place, title, "expected `1.2` or `1.3`");
            None
        }
    }
}
