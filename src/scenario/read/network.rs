//! `[network]`: the way to the system, where it is not the direct one.

use std::net::IpAddr;
use std::path::Path;

use super::Settings;
use super::address::server_mistake;
use crate::scenario::fields::Fields;
use crate::scenario::transport::{Network, Proxy};
use crate::web;

/// Reads `[network]`; a socket is named relative to `folder`.
pub(in crate::scenario) fn read(file: &mut Fields<'_>, folder: &Path, settings: &Settings) -> Network {
    let Some(mut table) = file.table("network") else { return Network::default() };
    let problems = table.problems;
    let proxy = table.text("proxy").and_then(|text| {
        let url = settings.fill(&text, problems);
        let is_tls = url.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("https"));
        let expected = || "expected `http://host:port`".to_owned();
        let mistake = if is_tls { Some(expected()) } else { server_mistake(&url) };
        if let Some(label) = mistake {
            problems.add(&text.place, "not the URL of an HTTP proxy", label);
            return None;
        }
        Some(Proxy { url: web::shown(&url), secret_url: url })
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
