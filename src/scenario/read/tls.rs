//! `[tls]`: what is trusted of servers, and what they are shown.

use std::path::Path;

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
    let server_name = table.text("server_name").map(|name| settings.fill(&name, table.problems));
    let (oldest, newest) = (table.text("min_version"), table.text("max_version"));
    let min_version = oldest.as_ref().and_then(|text| version(&table, text));
    let max_version = newest.as_ref().and_then(|text| version(&table, text));
    if let (Some(newest), Some(max), Some(min)) = (&newest, max_version, min_version)
        && max < min
    {
        table.problems.add(&newest.place, "`max_version` is older than `min_version`", "no version is left");
    }
    table.finish();
    Tls { insecure, ca, identity: certificate.zip(key), server_name, min_version, max_version }
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
