//! `[network]`: the way to the system, where it is not the direct one.

use std::net::IpAddr;
use std::path::Path;

use super::{Settings, is_http};
use crate::scenario::fields::Fields;
use crate::scenario::transport::{Network, Proxy};

/// Reads `[network]`; a socket is named relative to `folder`.
pub(in crate::scenario) fn read(file: &mut Fields<'_>, folder: &Path, settings: &Settings) -> Network {
    let Some(mut table) = file.table("network") else { return Network::default() };
    let problems = table.problems;
    let proxy = table.text("proxy").and_then(|text| {
        let url = settings.fill(&text, problems);
        if !url.starts_with("http://") || !is_http(&url) {
            problems.add(&text.place, "not the URL of an HTTP proxy", "expected `http://host:port`");
            return None;
        }
        Some(Proxy { url: without_user(&url), secret_url: url })
    });
    let unix_socket = table.text("unix_socket").map(|text| folder.join(settings.fill(&text, problems)));
    if unix_socket.is_some() && table.has("proxy") {
        let place = table.key_place("proxy");
        problems.add(&place, "a Unix socket is not reached by a proxy", "also `unix_socket`");
    }
    let source_addresses = table.texts("source_addresses").into_iter().filter_map(|text| {
        let address: Option<IpAddr> = settings.fill(&text, problems).parse().ok();
        if address.is_none() {
            let title = format!("`{}` is not an IP address", text.value);
            problems.add(&text.place, title, "expected e.g. `10.0.0.7`");
        }
        address
    });
    let source_addresses = source_addresses.collect();
    table.finish();
    Network { proxy, unix_socket, source_addresses }
}

/// A URL as it may be shown.
fn without_user(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, host)) => format!("{scheme}://{host}"),
        None => url.to_owned(),
    }
}
