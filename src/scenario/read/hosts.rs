//! `allow_hosts`: hosts that requests may go to besides the system's.

use super::Settings;
use crate::scenario::fields::Fields;
use crate::scenario::hosts::{AllowedHosts, is_host};
use crate::scenario::problem::{Place, Problems};

/// Reads `allow_hosts`.
pub(in crate::scenario) fn read(file: &mut Fields<'_>, settings: &Settings) -> AllowedHosts {
    let problems = file.problems;
    let named = file.texts("allow_hosts").into_iter().filter_map(|text| {
        let host = settings.fill(&text, problems);
        if !is_host(&host) {
            let title = format!("`{host}` is not a valid host");
            problems.add(&text.place, title, "expected e.g. `login.example.com` or `*.example.com`");
            return None;
        }
        Some(host)
    });
    AllowedHosts::named(named.collect::<Vec<_>>())
}

/// Notes requests that go elsewhere: their places and servers.
pub(in crate::scenario) fn check(elsewhere: &[(Place, String)], allowed: &AllowedHosts, problems: &Problems) {
    for (place, server) in elsewhere {
        if let Ok(url) = url::Url::parse(server)
            && !allowed.allow(&url)
        {
            let host = url.host_str().unwrap_or_default();
            let title = format!("`{host}` is not the system's host");
            let help = format!("a request that is meant to go there needs `allow_hosts = [\"{host}\"]`");
            problems.add_with_help(place, title, "of another host than `base_url`", Some(help));
        }
    }
}
