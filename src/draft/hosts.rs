//! Which hosts are requested: the main one, and others that were asked for by name. Nobody loads a stranger by accident.

use std::collections::BTreeMap;

use url::Url;

use super::Options;
use super::model::{Findings, Request, Target, count};
use super::template::{OPEN, Template};

/// Where requests of a draft go.
pub(super) struct Hosts<'a> {
    options: &'a Options,
    /// Scheme, host and port of the main one, once known.
    main: Option<String>,
    left_out: BTreeMap<String, usize>,
}

/// A URL, taken apart.
pub(super) struct Address {
    /// Scheme, host and port.
    pub(super) origin: String,
    /// The host alone.
    pub(super) host: String,
    pub(super) target: Target,
    /// `user:password`, if it has them.
    pub(super) credentials: Option<(String, String)>,
}

impl Address {
    /// Reads a URL of `http` or `https`; none for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let host = url.host_str()?.to_owned();
        let decoded = |text: &str| {
            let pair = format!("x={}", text.replace('+', "%2B"));
            url::form_urlencoded::parse(pair.as_bytes())
                .next()
                .map(|(_, v)| v.into_owned())
                .unwrap_or_default()
        };
        let credentials = (!url.username().is_empty())
            .then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default())));
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        let target = Target::parse(&format!("{}{query}", url.path()));
        Some(Self { origin: url.origin().ascii_serialization(), host, target, credentials })
    }
}

impl Address {
    /// Reads a URL with expressions; without a scheme it is one of `http`. Where the host is one, its expression stands
    /// for it.
    pub(super) fn parse_template(template: &Template) -> Option<Self> {
        let (text, expressions) = template.marked();
        let text = text.trim();
        let text = if text.contains("://") || text.starts_with(OPEN) {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let start = text.find("://").map_or(0, |at| at + 3);
        let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
        let (before, after) = text.split_at(end);
        let target = Target::parse_template(&Template::unmarked(after, &expressions));
        if before.contains(OPEN) {
            let host = Template::unmarked(before, &expressions).source();
            return Some(Self { origin: host.clone(), host, target, credentials: None });
        }
        Some(Self { target, ..Self::parse(before)? })
    }
}

impl<'a> Hosts<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, main: None, left_out: BTreeMap::new() }
    }

    /// Says which host is the main one, unless that is known.
    pub(super) fn prefer(&mut self, origin: &str) {
        self.main.get_or_insert_with(|| origin.to_owned());
    }

    /// Whether a host is to be requested; the first is the main one.
    pub(super) fn admit(&mut self, address: &Address) -> bool {
        self.prefer(&address.origin);
        if self.is_main(&address.origin) || self.is_asked_for(&address.origin, &address.host) {
            return true;
        }
        *self.left_out.entry(address.host.clone()).or_default() += 1;
        false
    }

    /// Sends a request to a host that was admitted.
    pub(super) fn send(&self, request: &mut Request, address: &Address) {
        request.origin = (!self.is_main(&address.origin)).then(|| address.origin.clone());
    }

    pub(super) fn is_main(&self, origin: &str) -> bool {
        self.main.as_deref() == Some(origin)
    }

    fn is_asked_for(&self, origin: &str, host: &str) -> bool {
        self.options.hosts.iter().any(|asked| {
            let asked = asked.trim_end_matches('/');
            asked.eq_ignore_ascii_case(host)
                || asked.eq_ignore_ascii_case(origin)
                || origin.rsplit('/').next().is_some_and(|with_port| asked.eq_ignore_ascii_case(with_port))
        })
    }

    /// The base URL, and notes about what was left out.
    pub(super) fn finish(self, findings: &mut Findings) -> String {
        for (host, requests) in &self.left_out {
            findings.note(format!(
                "left out: {} to another host, `{host}` (`--include-host {host}` takes them over)",
                count(*requests, "request")
            ));
        }
        let found = self.main.filter(|main| main.starts_with("http") && !main.contains("{{"));
        base_url(self.options, found.as_deref(), findings)
    }
}

/// The base URL that was given, that was found, or one to be replaced.
pub(super) fn base_url(options: &Options, found: Option<&str>, findings: &mut Findings) -> String {
    match (&options.base_url, found) {
        (Some(given), _) => given.trim_end_matches('/').to_owned(),
        (None, Some(found)) => found.to_owned(),
        (None, None) => {
            findings.note("guessed: `base_url`; set it to where the system is reached");
            "http://127.0.0.1:8000".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let address = Address::parse("https://me:a%2Bb@Shop.example:8443/a%20b?c=d#e").unwrap();
        assert_eq!(
            (address.origin.as_str(), address.host.as_str()),
            ("https://shop.example:8443", "shop.example")
        );
        assert_eq!(address.target.source(), "/a%20b?c=d");
        assert_eq!(address.credentials, Some(("me".to_owned(), "a+b".to_owned())));
        for other in ["", "shop.example/", "data:text/plain,x", "wss://a.example/", "http://"] {
            assert!(Address::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn other_hosts_are_left_out_and_said_unless_asked_for() {
        let options = Options { hosts: vec!["api.example".to_owned()], ..Options::default() };
        let mut hosts = Hosts::new(&options);
        let mut admitted = |url: &str| hosts.admit(&Address::parse(url).unwrap());
        assert!(admitted("http://shop.example/") && admitted("http://api.example/a"));
        assert!(!admitted("http://pay.example/") && !admitted("http://pay.example/b"));
        let mut findings = Findings::default();
        assert_eq!(hosts.finish(&mut findings), "http://shop.example");
        assert_eq!(findings.notes.len(), 1);
        assert!(findings.notes[0].starts_with("left out: 2 requests to another host, `pay.example`"));
    }
}
