//! One entry of a recording.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Answer, Noise};
use crate::draft::body::{essence, is_token};
use crate::draft::hosts::Address;
use crate::draft::model::{Body, Findings, Part, Request, Target};
use crate::draft::multipart;
use crate::draft::template::Template;
use crate::draft::tree::Tree;
use crate::utc;

/// Characters of an answer's body that are looked at.
const LOOKED_AT: usize = 4 << 20;

/// An entry, and what of it is needed to judge it.
pub(super) struct Entry<'a> {
    tree: &'a Tree,
    /// None for what is not HTTP.
    pub(super) address: Option<Address>,
    /// In capitals.
    pub(super) method: String,
    /// In µs since 1970.
    pub(super) started_us: Option<i64>,
    pub(super) ended_us: Option<i64>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        let method = tree.at(&["request", "method"]).text().unwrap_or("GET").to_ascii_uppercase();
        let address =
            tree.at(&["request", "url"]).text().and_then(Address::parse).filter(|_| is_token(&method));
        let started_us = tree.get("startedDateTime").text().and_then(utc::parse_us);
        let took_ms = tree.get("time").number().unwrap_or(0.0).clamp(0.0, 3_600_000.0);
        #[expect(clippy::cast_possible_truncation, reason = "at most an hour")]
        let ended_us = started_us.map(|started| started.saturating_add((took_ms * 1000.0) as i64));
        Self { tree, address, method, started_us, ended_us }
    }

    pub(super) fn status(&self) -> u16 {
        let status = self.tree.at(&["response", "status"]).scalar();
        status
            .and_then(|status| status.parse().ok())
            .filter(|status| (100..600).contains(status))
            .unwrap_or(0)
    }

    /// Whether the recording says that there was no answer: one that leaves answers out says nothing.
    pub(super) fn is_unanswered(&self) -> bool {
        self.status() == 0 && self.tree.at(&["response", "status"]).number().is_some()
    }

    /// The media type of its answer.
    pub(super) fn media(&self) -> &'a str {
        self.tree.at(&["response", "content", "mimeType"]).text().unwrap_or_default()
    }

    /// What Chrome says that it was for; empty in recordings of others.
    pub(super) fn kind(&self) -> &'a str {
        self.tree.get("_resourceType").text().unwrap_or_default()
    }

    pub(super) fn noise(&self) -> Option<Noise> {
        Noise::of(self)
    }

    /// Whether it has a header of preflight requests.
    pub(super) fn asks_for_permission(&self) -> bool {
        self.headers("request").any(|(name, _)| name.eq_ignore_ascii_case("access-control-request-method"))
    }

    /// Where its answer leads, if that is a redirect.
    pub(super) fn location(&self) -> Option<&'a str> {
        if !matches!(self.status(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let header = self.headers("response").find(|(name, _)| name.eq_ignore_ascii_case("location"));
        let told = self.tree.at(&["response", "redirectURL"]).text().filter(|url| !url.is_empty());
        header.map(|(_, value)| value).or(told)
    }

    /// Its URL as it stands there.
    pub(super) fn url(&self) -> &'a str {
        self.tree.at(&["request", "url"]).text().unwrap_or_default()
    }

    fn headers(&self, side: &str) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let headers = self.tree.at(&[side, "headers"]).items();
        headers.iter().filter_map(|header| Some((header.get("name").text()?, header.get("value").text()?)))
    }

    /// Names of the cookies that it sent.
    pub(super) fn sent_cookies(&self) -> impl Iterator<Item = String> + use<'a> {
        let sent = self.headers("request").filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        sent.flat_map(|(_, value)| value.split(';')).filter_map(|pair| {
            let name = pair.split('=').next()?.trim();
            (!name.is_empty()).then(|| name.to_owned())
        })
    }

    /// Names of the cookies that its answer sets.
    pub(super) fn set_cookies(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let set = self.headers("response").filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        // Chrome puts several into one header, a line each.
        set.flat_map(|(_, value)| value.lines()).filter_map(|line| Some(line.split('=').next()?.trim()))
    }

    pub(super) fn request(&self, findings: &mut Findings) -> Request {
        let target = self.address.as_ref().map_or_else(Target::default, |address| address.target.clone());
        let mut request = Request::new(&self.method, target);
        let post = self.tree.at(&["request", "postData"]);
        let media = post.get("mimeType").text().unwrap_or_default();
        request.body = body(post, media, findings);
        let mut headers: Vec<(&str, &str)> = self.headers("request").collect();
        // Servers check them against forgery; for what changes nothing they say nothing.
        if matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            headers.retain(|(name, _)| {
                !["origin", "referer"].iter().any(|left| name.eq_ignore_ascii_case(left))
            });
        }
        request.take_headers(headers);
        request
    }

    pub(super) fn answer(&self) -> Answer {
        let content = self.tree.at(&["response", "content"]);
        let text = content.get("text").text().unwrap_or_default();
        let text = match content.get("encoding").text() {
            Some("base64") => {
                let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
                String::from_utf8(bytes).unwrap_or_default()
            }
            _ => text.to_owned(),
        };
        Answer {
            status: self.status(),
            headers: self
                .headers("response")
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            media: self.media().to_owned(),
            text: if text.len() > LOOKED_AT { String::new() } else { text },
        }
    }
}

/// The body that was sent.
fn body(post: &Tree, media: &str, findings: &mut Findings) -> Option<Body> {
    let text = post.get("text").text().unwrap_or_default();
    let params = post.get("params").items();
    if essence(media) == "multipart/form-data" {
        let parts = if text.is_empty() {
            of_params(params, findings)
        } else {
            multipart::parts(text, media, findings)
        };
        return (!parts.is_empty()).then_some(Body::Multipart(parts));
    }
    if !text.is_empty() {
        return Some(Body::parse(text, media));
    }
    let pairs: Vec<(String, Template)> = params
        .iter()
        .filter_map(|param| {
            let value = param.get("value").scalar().unwrap_or_default();
            Some((param.get("name").text()?.to_owned(), Template::literal(value)))
        })
        .collect();
    Body::form(pairs)
}

fn of_params(params: &[Tree], findings: &mut Findings) -> Vec<(String, Part)> {
    let mut parts = Vec::new();
    for param in params {
        let name = param.get("name").text().unwrap_or_default().to_owned();
        let value = param.get("value").scalar().unwrap_or_default();
        let part = match param.get("fileName").text() {
            Some(file) => multipart::file(file, param.get("contentType").text(), value.as_bytes(), findings),
            None => Part::Text(Template::literal(value)),
        };
        parts.push((name, part));
    }
    parts
}
