//! Bodies in other character sets than UTF-8, for checks and extractions. Pure.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use hyper::header::CONTENT_TYPE;

use super::headers::Headers;

/// A body in UTF-8, by the character set that its `content-type` names, or its byte order mark. One whose set is not known,
/// or not named, stays as it is.
pub(super) fn in_utf8<'a>(headers: &Headers, body: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
    let marked = Encoding::for_bom(&body).map(|(encoding, _)| encoding);
    let marked = marked.filter(|encoding| [UTF_16LE, UTF_16BE].contains(encoding));
    let named = || headers.first(CONTENT_TYPE.as_str()).and_then(named).and_then(Encoding::for_label);
    match marked.or_else(named) {
        Some(encoding) if encoding != UTF_8 => Cow::Owned(encoding.decode(&body).0.into_owned().into_bytes()),
        _ => body,
    }
}

/// The character set that a media type names: `text/html; charset="iso-8859-1"`.
fn named(media_type: &[u8]) -> Option<&[u8]> {
    let parameters = media_type.split(|byte| *byte == b';').skip(1);
    parameters.map(<[u8]>::trim_ascii).find_map(|parameter| {
        let at = parameter.iter().position(|byte| *byte == b'=')?;
        let value = parameter[at + 1..].trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
        parameter[..at].trim_ascii().eq_ignore_ascii_case(b"charset").then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::header::HeaderValue;

    use super::*;

    fn read(media_type: &'static str, body: &[u8]) -> String {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        String::from_utf8_lossy(&in_utf8(&headers.into(), Cow::Borrowed(body))).into_owned()
    }

    #[test]
    fn bodies_are_read_in_the_character_set_that_they_are_in() {
        assert_eq!(read("text/html; charset=ISO-8859-1", b"caf\xe9"), "caf\u{e9}");
        assert_eq!(read("text/plain;format=flowed; Charset=\"windows-1252\"", b"\x80"), "\u{20ac}");
        assert_eq!(read("application/json", b"\xff\xfe{\0}\0"), "{}");
        assert_eq!(read("application/json; charset=utf-16be", b"\0{\0}"), "{}");
        assert_eq!(read("text/html; charset=utf-8", "caf\u{e9}".as_bytes()), "caf\u{e9}");
        assert_eq!(read("text/html; charset=unheard-of", b"a"), "a");
        assert_eq!(read("text/html", b"caf\xe9"), "caf\u{fffd}", "nothing is guessed");
    }
}
