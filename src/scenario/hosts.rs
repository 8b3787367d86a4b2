//! Which hosts requests may go to: the system's own, and those that a scenario names. Nobody loads a stranger by accident.

use url::{Host, Url};

/// Hosts that requests may go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts {
    /// Hosts of the system's base URLs, in lower case.
    own: Vec<String>,
    /// As `allow_hosts` names them: `login.example`, `*.example`, `login.example:8443`.
    named: Vec<String>,
}

/// What stands for every name of this machine.
const THIS_MACHINE: &str = "localhost";

impl AllowedHosts {
    /// Those that a scenario names besides its own.
    pub(super) fn named(named: impl IntoIterator<Item = String>) -> Self {
        Self { own: Vec::new(), named: named.into_iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// The same with the hosts of the system's base URLs.
    #[must_use]
    pub fn with<'a>(&self, base_urls: impl IntoIterator<Item = &'a str>) -> Self {
        let hosts = base_urls.into_iter().filter_map(|url| host(&Url::parse(url).ok()?));
        let mut allowed = self.clone();
        allowed.own.extend(hosts);
        allowed
    }

    /// Whether requests may go to a URL, whatever its port if only its host is named.
    pub fn allow(&self, url: &Url) -> bool {
        let Some(host) = host(url) else { return false };
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or(0));
        let is_named = |name: &String| match name.strip_prefix("*.") {
            Some(domain) => host.strip_suffix(domain).is_some_and(|before| before.ends_with('.')),
            None => {
                let is_here = host == THIS_MACHINE && is_this_machine(name);
                *name == host || *name == with_port || is_here
            }
        };
        self.own.contains(&host) || self.named.iter().any(is_named)
    }

    /// What is said of a URL that requests may not go to.
    pub fn refusal(url: &Url) -> String {
        let host = url.host_str().unwrap_or_default();
        format!("`{host}` is not the system's host; `allow_hosts = [\"{host}\"]` in the scenario allows it")
    }
}

/// Whether a text can be named by `allow_hosts`.
pub(super) fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let url = Url::parse(&format!("http://{name}/"));
    url.is_ok_and(|url| {
        url.host_str().is_some_and(|host| !host.contains('*'))
            && (url.path(), url.query(), url.fragment(), url.username()) == ("/", None, None, "")
    }) && !name.contains(['/', '@', '?', '#'])
}

/// The host of a URL in lower case; one name for this machine.
fn host(url: &Url) -> Option<String> {
    let is_here = match url.host()? {
        Host::Domain(name) => is_this_machine(&name.to_ascii_lowercase()),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    Some(if is_here { THIS_MACHINE.to_owned() } else { url.host_str()?.to_ascii_lowercase() })
}

fn is_this_machine(name: &str) -> bool {
    name == THIS_MACHINE || name.ends_with(".localhost") || name.starts_with("127.") || name == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_to_the_system_and_to_what_is_named() {
        let named = ["login.example", "*.cdn.example", "pay.example:8443"].map(str::to_owned);
        let allowed = AllowedHosts::named(named).with(["https://Shop.example:8000/v1", "http://127.0.0.1:9"]);
        let is_allowed = |url: &str| allowed.allow(&Url::parse(url).unwrap());
        for url in [
            "http://shop.example/",
            "https://SHOP.EXAMPLE:1/x",
            "http://localhost:1",
            "http://[::1]/",
            "https://login.example:99/",
            "http://a.cdn.example",
            "https://pay.example:8443",
        ] {
            assert!(is_allowed(url), "{url}");
        }
        for url in [
            "http://evil.example",
            "http://shop.example.evil.example",
            "http://cdn.example",
            "http://evilcdn.example",
            "https://pay.example",
            "http://192.168.0.1",
            "http://shop.example@evil.example/",
        ] {
            assert!(!is_allowed(url), "{url}");
        }
    }

    #[test]
    fn what_can_be_named_is_a_host() {
        for name in ["a.example", "*.a.example", "a.example:8080", "10.0.0.7", "[::1]:80"] {
            assert!(is_host(name), "{name}");
        }
        for name in ["", "*", "http://a.example", "a.example/x", "me@a.example", "*.*.example", "a b"] {
            assert!(!is_host(name), "{name}");
        }
    }
}
