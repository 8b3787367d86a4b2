//! gRPC over HTTP/2 (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>): the headers
//! of a call, and where its status stands.

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE};

use super::headers::Headers;
use crate::sample::grpc_status;

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const STATUS: &str = "grpc-status";

/// What every call has among its headers; the deadline goes with it, so that the server can give up
/// what nobody waits for any more.
pub(super) fn headers(timeout: Duration) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    // At most eight digits.
    let (number, unit) = match timeout.as_millis() {
        ms @ 0..100_000_000 => (ms.max(1), 'm'),
        _ => (timeout.as_secs().min(99_999_999).into(), 'S'),
    };
    if let Ok(value) = HeaderValue::try_from(format!("{number}{unit}")) {
        headers.insert(TIMEOUT, value);
    }
    headers
}

/// The status of a call that was answered, as samples have it: HTTP's if that tells of a failure
/// beneath gRPC; none if there is neither.
pub(super) fn status(http: u16, headers: &Headers) -> Option<u16> {
    let code =
        headers.texts(STATUS).next().and_then(|code| code.parse::<u16>().ok()).filter(|code| *code < 17);
    match code {
        Some(code) => Some(grpc_status(code)),
        None => (http != 200).then_some(http),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_have_at_most_eight_digits() {
        let text = |timeout| headers(timeout)[TIMEOUT].to_str().unwrap().to_owned();
        assert_eq!(text(Duration::from_millis(1500)), "1500m");
        assert_eq!(text(Duration::from_micros(1)), "1m");
        assert_eq!(text(Duration::from_hours(100_000)), "99999999S");
    }

    #[test]
    fn a_status_stands_in_the_trailers_or_alone_in_the_head() {
        let with = |code: &'static str| {
            let mut map = HeaderMap::new();
            map.insert(STATUS, HeaderValue::from_static(code));
            map
        };
        let status = |http, head, trailers| status(http, &Headers::of_map(head, trailers));
        let none = HeaderMap::new;
        assert_eq!(status(200, none(), Some(with("5"))), Some(1005));
        assert_eq!(status(200, with("14"), None), Some(1014));
        assert_eq!(status(503, none(), None), Some(503));
        assert_eq!(status(200, none(), Some(with("many"))), None);
    }
}
