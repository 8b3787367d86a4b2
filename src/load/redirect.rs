//! Where an answer points to, and the request that goes there (RFC 9110 §15.4). Pure.

use hyper::Method;
use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE,
    COOKIE, HOST, HeaderValue, LOCATION, PROXY_AUTHORIZATION,
};
use hyper::http::uri::Uri;
use url::Url;

use super::headers::Headers;
use super::outgoing::Message;
use crate::scenario::journey::is_redirect;

/// What a redirect that turns a request into a GET takes away with its body.
const OF_BODY: [hyper::header::HeaderName; 5] =
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION];
/// What another origin is not told.
const SECRET: [hyper::header::HeaderName; 3] = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];

/// The status of a redirect that keeps method and body.
pub(super) const WITH_BODY: u16 = 307;

/// Where an answer to a request of `from` points to; none if it is not a redirect.
///
/// # Errors
/// In words, if that is no place of the web.
pub(super) fn target(status: u16, headers: &Headers, from: &Url) -> Result<Option<Url>, String> {
    if !is_redirect(status) {
        return Ok(None);
    }
    let Some(location) = headers.first(LOCATION.as_str()) else { return Ok(None) };
    let text = String::from_utf8_lossy(location);
    // It would lead to itself; browsers and curl show what has come with it.
    if text.trim().is_empty() {
        return Ok(None);
    }
    let found = from.join(&text).ok();
    let found = found.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    found
        .map(Some)
        .ok_or_else(|| format!("cannot follow the redirect ({status}) to `{}`", crate::web::shown(&text)))
}

/// The request of a redirect: `message` went to `from`, was answered with `status`, and goes to `to`,
/// whose server is called `host`.
pub(super) fn redirected(
    mut message: Message,
    status: u16,
    from: &Url,
    to: &Url,
    host: &HeaderValue,
) -> Option<Message> {
    let is_kept = matches!(status, WITH_BODY | 308);
    if !is_kept && message.method() != Method::HEAD && message.method() != Method::GET {
        *message.method_mut() = Method::GET;
        *message.body_mut() = bytes::Bytes::new();
        for name in &OF_BODY {
            message.headers_mut().remove(name);
        }
    }
    if from.origin() != to.origin() {
        for name in &SECRET {
            message.headers_mut().remove(name);
        }
        message.headers_mut().insert(HOST, host.clone());
    }
    let query = to.query().map_or(String::new(), |query| format!("?{query}"));
    *message.uri_mut() = Uri::try_from(format!("{}{query}", to.path())).ok()?;
    Some(message)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::HeaderMap;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn points_to(status: u16, location: &str) -> Result<Option<String>, String> {
        let headers =
            HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(location.as_bytes()).unwrap())]);
        target(status, &headers.into(), &url("http://h:8000/a/b?c=d"))
            .map(|found| found.map(|url| url.to_string()))
    }

    #[test]
    fn locations_may_be_relative_and_hold_what_must_be_encoded() {
        for (location, to) in [
            ("/x", "http://h:8000/x"),
            ("x?y", "http://h:8000/a/x?y"),
            ("?y", "http://h:8000/a/b?y"),
            ("//other/x", "http://other/x"),
            ("https://other/é b#top", "https://other/%C3%A9%20b#top"),
            ("../..", "http://h:8000/"),
        ] {
            assert_eq!(points_to(302, location).as_ref().map(Option::as_deref), Ok(Some(to)), "`{location}`");
        }
    }

    #[test]
    fn only_redirects_to_the_web_are_followed() {
        for status in [200, 300, 304, 305, 404] {
            assert_eq!(points_to(status, "/x"), Ok(None), "{status}");
        }
        for status in [301, 302, 303, 307, 308] {
            assert!(points_to(status, "/x").is_ok_and(|to| to.is_some()), "{status}");
        }
        assert_eq!(target(302, &Headers::default(), &url("http://h/")), Ok(None));
        assert_eq!(points_to(302, " "), Ok(None), "an empty one");
        for location in ["ftp://h/x", "javascript:alert(1)", "http://me:secret@"] {
            let reason = points_to(302, location).unwrap_err();
            assert!(
                reason.starts_with("cannot follow the redirect (302) to ") && !reason.contains("secret"),
                "{reason}"
            );
        }
    }

    fn posted(status: u16, to: &str) -> Message {
        let message = hyper::Request::post("/a")
            .header(HOST, "h")
            .header(AUTHORIZATION, "Bearer t")
            .header(COOKIE, "a=b")
            .header(CONTENT_TYPE, "text/plain")
            .header("x-own", "1")
            .body(Bytes::from_static(b"body"))
            .unwrap();
        redirected(message, status, &url("http://h/a"), &url(to), &HeaderValue::from_static("there")).unwrap()
    }

    #[test]
    fn the_method_becomes_get_unless_the_redirect_keeps_it() {
        for status in [301, 302, 303] {
            let message = posted(status, "http://h/x?y");
            assert_eq!((message.method(), message.body().len()), (&Method::GET, 0), "{status}");
            assert_eq!(
                (message.uri().to_string().as_str(), message.headers().contains_key(CONTENT_TYPE)),
                ("/x?y", false)
            );
        }
        for status in [307, 308] {
            let message = posted(status, "http://h/x");
            assert_eq!((message.method(), &message.body()[..]), (&Method::POST, &b"body"[..]), "{status}");
            assert!(message.headers().contains_key(CONTENT_TYPE));
        }
        let head = hyper::Request::head("/a").body(Bytes::new()).unwrap();
        let at = url("http://h/a");
        let head = redirected(head, 303, &at, &at, &HeaderValue::from_static("h")).unwrap();
        assert_eq!(head.method(), Method::HEAD);
    }

    #[test]
    fn another_origin_learns_no_secrets() {
        let message = posted(307, "http://h/x");
        assert!(message.headers().contains_key(AUTHORIZATION) && message.headers().contains_key(COOKIE));
        assert_eq!(message.headers()[HOST], "h");
        for to in ["http://there/", "http://h:81/", "https://h/"] {
            let message = posted(307, to);
            assert!(
                !message.headers().contains_key(AUTHORIZATION) && !message.headers().contains_key(COOKIE),
                "{to}"
            );
            assert_eq!(
                (&message.headers()[HOST], &message.headers()["x-own"]),
                (&HeaderValue::from_static("there"), &HeaderValue::from_static("1"))
            );
        }
    }
}
