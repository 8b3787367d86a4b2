//! `[defaults]`: what every request has unless it says otherwise.

use std::time::Duration;

use toml::de::DeValue;

use crate::scenario::fields::{Fields, Located, wrong_type};
use crate::scenario::problem::{Place, Problems};
use crate::scenario::transport::HttpVersion;

/// Redirects that are followed if the scenario does not say: as many as curl's users and k6 follow.
const REDIRECTS: u32 = 10;
/// Bytes of a body that are kept at most if the scenario does not say.
const BODY_LIMIT: usize = 16 << 20;

/// What every request has unless it says otherwise.
#[derive(Debug)]
pub(in crate::scenario) struct Defaults {
    pub(in crate::scenario) connect_timeout: Duration,
    pub(in crate::scenario) timeout: Duration,
    pub(in crate::scenario) http: HttpVersion,
    pub(in crate::scenario) cookies: bool,
    pub(in crate::scenario) redirects: u32,
    pub(in crate::scenario) body_limit: usize,
    pub(in crate::scenario) headers: Vec<(String, Located<String>)>,
}

pub(in crate::scenario) fn read(file: &mut Fields<'_>) -> Defaults {
    let mut defaults = Defaults {
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(30),
        http: HttpVersion::default(),
        cookies: true,
        redirects: REDIRECTS,
        body_limit: BODY_LIMIT,
        headers: Vec::new(),
    };
    if let Some(mut table) = file.table("defaults") {
        if let Some(timeout) = table.time("connect_timeout") {
            defaults.connect_timeout = timeout;
        }
        if let Some(timeout) = table.time("timeout") {
            defaults.timeout = timeout;
        }
        defaults.http = http_version(&mut table).unwrap_or_default();
        defaults.cookies = table.flag("cookies").unwrap_or(defaults.cookies);
        defaults.redirects = redirects(&mut table).unwrap_or(defaults.redirects);
        defaults.body_limit = body_limit(&mut table).unwrap_or(defaults.body_limit);
        defaults.headers = headers(&mut table);
        table.finish();
    }
    defaults
}

/// `http = "1.1"`, `"2"` or `"auto"`.
fn http_version(table: &mut Fields<'_>) -> Option<HttpVersion> {
    let text = table.text("http")?;
    match text.value.as_str() {
        "auto" => Some(HttpVersion::Auto),
        "1.1" => Some(HttpVersion::Http1),
        "2" => Some(HttpVersion::Http2),
        other => {
            let title = format!("`{other}` is not a version of HTTP");
            table.problems.add(&text.place, title, "expected `auto`, `1.1` or `2`");
            None
        }
    }
}

/// Redirects that are followed at most.
pub(super) fn redirects(table: &mut Fields<'_>) -> Option<u32> {
    table.count("redirects", 0).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// Bytes of a body that are kept at most.
pub(super) fn body_limit(table: &mut Fields<'_>) -> Option<usize> {
    table.size("body_limit").map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// `headers = { name = "value" }`, or with a list of values, with names in lower case: values that HTTP can send.
pub(in crate::scenario) fn headers(table: &mut Fields<'_>) -> Vec<(String, Located<String>)> {
    let headers = named_texts(table);
    for (name, value) in &headers {
        if fixed_ends(&value.value).iter().any(|text| text.chars().any(|c| c.is_ascii_control() && c != '\t'))
        {
            let title = format!("the header `{name}` cannot be sent");
            table.problems.add(
                &value.place,
                title,
                "a header's value has no line breaks or control characters",
            );
        }
    }
    headers
}

/// What is sent as it stands: all of a text, or what stands before and behind its templates. A template's last line
/// break is not of what it gives.
fn fixed_ends(text: &str) -> Vec<&str> {
    let mark = ["{{", "{%", "{#"].iter().filter_map(|mark| text.find(mark)).min();
    let end = ["}}", "%}", "#}"].iter().filter_map(|mark| text.rfind(mark)).max();
    match mark.zip(end) {
        Some((start, end)) => vec![&text[..start], text[end + 2..].trim_end_matches(['\r', '\n'])],
        None => vec![text],
    }
}

/// The same of whatever kind, for events as well.
pub(in crate::scenario) fn named_texts(table: &mut Fields<'_>) -> Vec<(String, Located<String>)> {
    let Some(headers) = table.table("headers") else { return Vec::new() };
    let problems = headers.problems;
    let mut found = Vec::new();
    for (name, value) in headers.entries() {
        check_name(problems, &name);
        let values = match value.get_ref() {
            DeValue::Array(values) => values.iter().collect(),
            _ => vec![value],
        };
        for value in values {
            let place = Place { file: headers.file(), span: value.span() };
            match value.get_ref().as_str() {
                Some(text) => {
                    found.push((name.value.to_ascii_lowercase(), Located { value: text.to_owned(), place }));
                }
                None => wrong_type(
                    problems,
                    &place,
                    &name.value,
                    "a string, or a list of strings",
                    value.get_ref(),
                ),
            }
        }
    }
    found
}

/// Notes what cannot be a header's name.
pub(super) fn check_name(problems: &Problems, name: &Located<String>) {
    if !is_token(&name.value) {
        problems.add(&name.place, format!("`{}` is not a header name", name.value), "not a name");
    }
}

/// Whether a text can be a header's name, or a method (RFC 9110 §5.6.2).
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}
