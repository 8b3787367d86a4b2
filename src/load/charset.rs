//! The text of a body in whatever character set it came: as its first bytes, its `content-type` or the page itself say, as
//! browsers do (<https://encoding.spec.whatwg.org/>). Pure.

use std::borrow::Cow;
use std::sync::LazyLock;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use hyper::header::CONTENT_TYPE;
use regex::bytes::Regex;

use super::headers::Headers;
use crate::sample::MOST_BODY;

/// Bytes of a page in which it may say its character set.
const PRESCAN: usize = 1024;

#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static META: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i-u)<meta\s[^>]{0,200}?charset\s*=\s*["']?\s*([a-z0-9_:.-]{1,40})"#).unwrap()
});
#[expect(clippy::unwrap_used, reason = "fixed patterns")]
static XML: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i-u)^\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([a-z0-9_:.-]{1,40})"#).unwrap()
});

/// A body as text.
pub(super) struct BodyText<'a> {
    pub(super) text: Cow<'a, str>,
    /// The name of its character set, unless that is UTF-8.
    pub(super) charset: Option<&'static str>,
    /// Whether every byte of it had a meaning.
    pub(super) is_whole: bool,
}

impl<'a> BodyText<'a> {
    /// The text of a body with these headers.
    pub(super) fn of(headers: &Headers, body: &'a [u8]) -> Self {
        let media_type = headers.first(CONTENT_TYPE.as_str()).unwrap_or_default();
        let (encoding, body) = match Encoding::for_bom(body) {
            Some((encoding, length)) => (encoding, &body[length..]),
            None => (stated(media_type).unwrap_or(UTF_8), body),
        };
        let encoding = if encoding == UTF_8 {
            match std::str::from_utf8(body) {
                Ok(text) => return Self { text: Cow::Borrowed(text), charset: None, is_whole: true },
                // Only its end is missing: of a long one just the beginning may have been kept.
                Err(error) if error.error_len().is_none() && body.len() >= MOST_BODY => UTF_8,
                Err(_) if stated(media_type).is_some() => UTF_8,
                Err(_) => guessed(media_type, body),
            }
        } else {
            encoding
        };
        let (text, had_errors) = encoding.decode_without_bom_handling(body);
        let charset = (encoding != UTF_8).then(|| encoding.name());
        Self { text, charset, is_whole: !had_errors }
    }

    /// What a reason says of the character set: ` (read as windows-1252)`; nothing of UTF-8.
    pub(super) fn note(&self) -> String {
        self.charset.map_or(String::new(), |charset| format!(" (read as {charset})"))
    }
}

/// The character set in a `content-type`; none if it has none that is known.
fn stated(media_type: &[u8]) -> Option<&'static Encoding> {
    let parameters = media_type.split(|byte| *byte == b';').skip(1);
    let label = parameters.into_iter().find_map(|parameter| {
        let at = parameter.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (parameter[..at].trim_ascii(), parameter[at + 1..].trim_ascii());
        name.eq_ignore_ascii_case(b"charset").then(|| value.trim_ascii_start())
    })?;
    Encoding::for_label(label.strip_prefix(b"\"").and_then(|l| l.strip_suffix(b"\"")).unwrap_or(label))
}

/// The character set of a body that is not UTF-8, and of which nobody says what it is but itself.
fn guessed(media_type: &[u8], body: &[u8]) -> &'static Encoding {
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let essence = essence.to_ascii_lowercase();
    let looks_like_one = essence.is_empty() && body.trim_ascii_start().starts_with(b"<");
    let is_page = looks_like_one || essence.starts_with(b"text/") || essence.ends_with(b"xml");
    if !is_page {
        return UTF_8;
    }
    let start = &body[..body.len().min(PRESCAN)];
    let found = XML.captures(start).or_else(|| META.captures(start)).and_then(|found| found.get(1));
    match found.and_then(|label| Encoding::for_label(label.as_bytes())) {
        // What was read until here was no UTF-16, whatever it says.
        Some(encoding) if encoding != UTF_16LE && encoding != UTF_16BE => encoding,
        Some(_) => UTF_8,
        None => WINDOWS_1252,
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(media_type: &'static str, body: &[u8]) -> (String, Option<&'static str>) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        let text = BodyText::of(&headers.into(), body);
        (text.text.into_owned(), text.charset)
    }

    #[test]
    fn the_character_set_is_what_the_answer_says() {
        let latin = b"caf\xe9!";
        for (media_type, body, text, charset) in [
            ("text/plain; charset=ISO-8859-1", &latin[..], "caf\u{e9}!", Some("windows-1252")),
            ("text/plain; a=b; CHARSET=\"latin1\"", latin, "caf\u{e9}!", Some("windows-1252")),
            ("text/html", latin, "caf\u{e9}!", Some("windows-1252")),
            ("text/html; charset=nonsense", latin, "caf\u{e9}!", Some("windows-1252")),
            ("text/html", "caf\u{e9}".as_bytes(), "caf\u{e9}", None),
            ("", b"<p>\xe9<", "<p>\u{e9}<", Some("windows-1252")),
            ("", latin, "caf\u{fffd}!", None),
            ("text/plain; charset=utf-8", latin, "caf\u{fffd}!", None),
            ("application/json", latin, "caf\u{fffd}!", None),
            ("application/octet-stream", latin, "caf\u{fffd}!", None),
            (
                "text/plain; charset=Shift_JIS",
                b"\x83e\x83X\x83g",
                "\u{30c6}\u{30b9}\u{30c8}",
                Some("Shift_JIS"),
            ),
            (
                "text/html",
                b"<meta charset='shift_jis'>\x83e",
                "<meta charset='shift_jis'>\u{30c6}",
                Some("Shift_JIS"),
            ),
            (
                "text/html",
                b"<meta http-equiv=content-type content=\"text/html; charset=koi8-r\">\xc1.",
                "<meta http-equiv=content-type content=\"text/html; charset=koi8-r\">\u{430}.",
                Some("KOI8-R"),
            ),
            (
                "application/xml",
                b"<?xml version='1.0' encoding='iso-8859-2'?>\xb1.",
                "<?xml version='1.0' encoding='iso-8859-2'?>\u{105}.",
                Some("ISO-8859-2"),
            ),
            ("text/html; charset=latin1", b"\xef\xbb\xbfcaf\xc3\xa9", "caf\u{e9}", None),
            ("text/plain", b"\xff\xfea\0", "a", Some("UTF-16LE")),
            ("text/html", b"<meta charset=utf-16>\xe9!", "<meta charset=utf-16>\u{fffd}!", None),
        ] {
            assert_eq!(read(media_type, body), (text.to_owned(), charset), "{media_type} {body:?}");
        }
    }

    #[test]
    fn the_beginning_of_a_long_page_is_no_other_character_set() {
        let page = "\u{e9}".repeat(MOST_BODY);
        assert_eq!(read("text/html", &page.as_bytes()[..=MOST_BODY]).1, None);
        assert_eq!(read("text/html", b"caf\xe9").1, Some("windows-1252"));
    }

    #[test]
    fn bytes_without_a_meaning_are_noticed() {
        let whole = |media_type, body| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
            BodyText::of(&headers.into(), body).is_whole
        };
        assert!(whole("application/json", b"\"a\"") && whole("text/plain", b"\xe9!"));
        assert!(!whole("application/json", b"\"\xe9\""));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_text(media_type in "[ -~]{0,40}", body: Vec<u8>) {
            let value = HeaderValue::from_str(&media_type).unwrap();
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value)]);
            BodyText::of(&headers.into(), &body);
        }
    }
}
