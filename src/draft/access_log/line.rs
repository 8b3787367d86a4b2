//! Lines of logs: common and combined format, with whatever stands before or behind, or a JSON object.

use std::sync::LazyLock;

use regex::Regex;

use crate::draft::body::is_token;
use crate::draft::hosts::Address;
use crate::draft::tree::Tree;
use crate::utc;

/// Characters of a path at most; longer ones are attacks.
const LONGEST: usize = 2000;

/// A request of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) method: String,
    /// With its query.
    pub(super) path: String,
    /// 0 if unknown.
    pub(super) status: u16,
    /// In µs since 1970.
    pub(super) at_us: Option<i64>,
}

#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static COMBINED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\[([^\]]{5,40})\]\s+"([A-Z]{1,20}) (\S+)(?: [A-Za-z]+/[0-9.]+)?"\s+(\d{3}|-)"#).unwrap()
});

/// Where JSON lines have the request line as one text.
const REQUEST_LINE: [&str; 4] = ["request", "request_line", "req", "http_request"];
const METHOD: [&str; 13] = [
    "method",
    "request_method",
    "http_method",
    "verb",
    "RequestMethod",
    "request.method",
    "req.method",
    "httpRequest.requestMethod",
    "http.request.method",
    "http.method",
    "http_request.method",
    "requestMethod",
    "cs-method",
];
const PATH: [&str; 18] = [
    "path",
    "uri",
    "request_uri",
    "url",
    "RequestPath",
    "request.uri",
    "request.url",
    "request.path",
    "req.url",
    "httpRequest.requestUrl",
    "url.original",
    "url.path",
    "http.url",
    "http.target",
    "requestPath",
    "target",
    "request_path",
    "cs-uri-stem",
];
const STATUS: [&str; 14] = [
    "status",
    "status_code",
    "statusCode",
    "DownstreamStatus",
    "OriginStatus",
    "response.status",
    "res.statusCode",
    "httpRequest.status",
    "http.response.status_code",
    "http.status_code",
    "response_code",
    "response.status_code",
    "code",
    "sc-status",
];
const TIME: [&str; 13] = [
    "time",
    "timestamp",
    "@timestamp",
    "ts",
    "time_iso8601",
    "time_local",
    "StartUTC",
    "date",
    "datetime",
    "msec",
    "requestTime",
    "start_time",
    "eventTime",
];

/// Whether a line is one of a log.
pub(in crate::draft) fn is_line(line: &str) -> bool {
    COMBINED.is_match(line)
}

/// Whether a JSON value is a request of a log.
pub(in crate::draft) fn is_entry(tree: &Tree) -> bool {
    entry(tree).is_some()
}

/// A line, if it can be read.
pub(super) fn read(line: &str) -> Option<Hit> {
    if line.trim_start().starts_with('{') {
        return entry(&serde_json::from_str(line).ok()?);
    }
    let found = COMBINED.captures(line)?;
    let status = found.get(4)?.as_str().parse().unwrap_or(0);
    hit(found.get(2)?.as_str(), found.get(3)?.as_str(), status, moment(found.get(1)?.as_str()))
}

fn entry(tree: &Tree) -> Option<Hit> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| at(tree, key).scalar());
    let status = text(&STATUS).and_then(|status| status.parse().ok()).unwrap_or(0);
    let at_us = TIME.iter().find_map(|key| match at(tree, key) {
        Tree::Number(number) => number.as_f64().and_then(of_number),
        other => moment(&other.scalar()?),
    });
    let line = REQUEST_LINE.iter().find_map(|key| at(tree, key).text());
    if let Some((method, rest)) = line.and_then(|line| line.trim().split_once(' ')) {
        return hit(method, rest.split(' ').next().unwrap_or_default(), status, at_us);
    }
    hit(&text(&METHOD)?, &text(&PATH)?, status, at_us)
}

/// The value of a key, which may be dotted itself or stand for keys below each other.
fn at<'a>(tree: &'a Tree, key: &str) -> &'a Tree {
    if tree.has(key) {
        return tree.get(key);
    }
    key.split('.').fold(tree, |tree, key| tree.get(key))
}

fn hit(method: &str, target: &str, status: u16, at_us: Option<i64>) -> Option<Hit> {
    let method = method.to_ascii_uppercase();
    let is_sound = is_token(&method) && target.len() <= LONGEST && !target.contains(char::is_control);
    if !is_sound {
        return None;
    }
    // Proxies log whole URLs.
    let path = match Address::parse(target) {
        Some(address) => address.target.source(),
        None => target.split('#').next().unwrap_or_default().to_owned(),
    };
    Some(Hit { method, path, status, at_us })
}

/// `10/Oct/2000:13:55:36 -0700`, RFC 3339, or a number of seconds.
fn moment(text: &str) -> Option<i64> {
    let number = || text.parse::<f64>().ok().and_then(of_number);
    utc::parse_us(text).or_else(|| utc::parse_log_us(text)).or_else(number)
}

/// Seconds since 1970, or milli-, micro- or nanoseconds: which of them, the number's size tells.
#[expect(clippy::cast_possible_truncation, reason = "moments until the year 5138")]
fn of_number(number: f64) -> Option<i64> {
    let seconds = match number {
        n if n >= 1e17 => n / 1e9,
        n if n >= 1e14 => n / 1e6,
        n if n >= 1e11 => n / 1e3,
        n => n,
    };
    (1e8..1e11).contains(&seconds).then_some((seconds * 1e6) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<(String, String, u16, Option<i64>)> {
        read(line).map(|hit| (hit.method, hit.path, hit.status, hit.at_us))
    }

    #[test]
    fn lines_of_many_programs_are_read() {
        let known = Some(("GET".to_owned(), "/a?b=1".to_owned(), 200, Some(971_211_336_000_000)));
        for line in [
            r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a?b=1 HTTP/1.0" 200 2326"#,
            r#"shop:80 ::1 - - [10/Oct/2000:20:55:36 +0000] "GET /a?b=1 HTTP/1.1" 200 5 "-" "curl \"x\"" 0.1"#,
            r#"{"time": "2000-10-10T20:55:36Z", "request": "GET /a?b=1 HTTP/1.1", "status": "200"}"#,
            r#"{"ts": 971211336.0, "request": {"method": "GET", "uri": "/a?b=1"}, "status": 200}"#,
            r#"{"StartUTC": "2000-10-10T20:55:36Z", "RequestMethod": "GET", "RequestPath": "/a?b=1", "DownstreamStatus": 200}"#,
            r#"{"timestamp": 971211336000, "method": "get", "url": "http://shop.example/a?b=1", "statusCode": 200}"#,
        ] {
            assert_eq!(of(line), known, "{line}");
        }
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "",
            "hello",
            "[x] \"GET\" 200",
            "{\"a\": 1}",
            "{",
            r#"- - - [10/Oct/2000:13:55:36 -0700] "\x16\x03" 400 0"#,
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }
}
