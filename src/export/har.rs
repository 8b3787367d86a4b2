//! Exchanges as an HTTP Archive, which browsers and proxies show: HAR 1.2
//! (<http://www.softwareishard.com/blog/har-12-spec/>). Secrets are hidden in exchanges already.

use serde_json::{Value, json};

use crate::sample::{Exchange, Message};
use crate::utc;

/// The exchanges of a journey.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The journey's name.
    pub title: &'a str,
    /// What was said.
    pub exchanges: Vec<&'a Exchange>,
}

/// The archive, as JSON. `started_ms`: when it all began, ms since 1970.
pub fn archive(pages: &[Page<'_>], started_ms: i64) -> String {
    let id = |place: usize| format!("page_{}", place + 1);
    let entries: Vec<Value> = pages
        .iter()
        .enumerate()
        .flat_map(|(place, page)| page.exchanges.iter().map(move |e| entry(e, &id(place), started_ms)))
        .collect();
    let page = |(place, page): (usize, &Page<'_>)| json!({ "startedDateTime": moment(started_ms, 0), "id": id(place), "title": page.title, "pageTimings": {} });
    let archive = json!({ "log": {
        "version": "1.2",
        "creator": { "name": "loadproof", "version": env!("CARGO_PKG_VERSION") },
        "pages": pages.iter().enumerate().map(page).collect::<Vec<_>>(),
        "entries": entries,
    }});
    format!("{archive:#}")
}

fn entry(exchange: &Exchange, page: &str, started_ms: i64) -> Value {
    let ms = (exchange.done_us - exchange.sent_us) as f64 / 1000.0;
    let (method, path) = exchange.request.start.split_once(' ').unwrap_or((&exchange.request.start, ""));
    let url = match exchange.request.header("host") {
        Some(host) if path.starts_with('/') => format!("http://{host}{path}"),
        _ => path.to_owned(),
    };
    let mut entry = json!({
        "pageref": page,
        "startedDateTime": moment(started_ms, exchange.sent_us),
        "time": ms,
        "request": {
            "method": method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers(&exchange.request),
            "queryString": query(path),
            "headersSize": -1,
            "bodySize": exchange.request.body_bytes,
        },
        "response": response(exchange),
        "cache": {},
        "timings": { "send": 0, "wait": ms, "receive": 0 },
    });
    if exchange.request.body_bytes > 0 {
        entry["request"]["postData"] = json!({
            "mimeType": exchange.request.header("content-type").unwrap_or_default(),
            "text": exchange.request.body,
        });
    }
    entry
}

fn response(exchange: &Exchange) -> Value {
    let none = Message::default();
    let answer = exchange.answer.as_ref().unwrap_or(&none);
    let (status, words) = answer.start.split_once(' ').unwrap_or((&answer.start, ""));
    let mut response = json!({
        "status": status.parse::<u16>().unwrap_or(0),
        "statusText": words,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(answer),
        "content": {
            "size": answer.body_bytes,
            "mimeType": answer.header("content-type").unwrap_or("x-unknown"),
            "text": answer.body,
        },
        "redirectURL": answer.header("location").unwrap_or_default(),
        "headersSize": -1,
        "bodySize": answer.body_bytes,
    });
    if exchange.answer.is_none() {
        // As Chromium notes why there is no answer.
        response["_error"] = json!(exchange.reason);
    }
    response
}

fn headers(message: &Message) -> Vec<Value> {
    message.headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn query(path: &str) -> Vec<Value> {
    let Some((_, query)) = path.split_once('?') else { return Vec::new() };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        json!({ "name": name, "value": value })
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn moment(started_ms: i64, us: i64) -> String {
    utc::to_millisecond(started_ms + us / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{EndpointId, Outcome};

    #[test]
    fn an_archive_holds_what_browsers_read() {
        let request = Message {
            start: "POST /login?next=/".to_owned(),
            headers: vec![
                ("host".to_owned(), "127.0.0.1:8000".to_owned()),
                ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ],
            body: "user=ada".to_owned(),
            body_bytes: 8,
            is_cut: false,
        };
        let answer = Message { start: "302 Found".to_owned(), ..Message::default() };
        let exchange = Exchange {
            endpoint: EndpointId(0),
            user: 0,
            journey: 0,
            outcome: Outcome::Ok,
            reason: String::new(),
            sent_us: 1_500_000,
            done_us: 1_502_500,
            request,
            answer: Some(answer),
            redirects: Vec::new(),
            extracted: Vec::new(),
        };
        let page = Page { title: "Log in", exchanges: vec![&exchange] };
        let archive: Value = serde_json::from_str(&archive(&[page], 1_763_647_320_000)).unwrap();
        let entry = &archive["log"]["entries"][0];
        assert_eq!(entry["startedDateTime"], "2025-11-20T14:02:01.500Z");
        assert_eq!(entry["time"], 2.5);
        assert_eq!(entry["request"]["url"], "http://127.0.0.1:8000/login?next=/");
        assert_eq!(entry["request"]["queryString"][0]["value"], "/");
        assert_eq!(entry["request"]["postData"]["text"], "user=ada");
        assert_eq!(
            (&entry["response"]["status"], &entry["response"]["statusText"]),
            (&json!(302), &json!("Found"))
        );
        assert_eq!(archive["log"]["pages"][0]["title"], "Log in");
    }
}
