//! The header lines of an answer: as they came, and read when somebody asks for one.

use std::borrow::Cow;
use std::ops::Range;

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

use super::buffer::Buffer;

/// What may not stand behind a body (RFC 9110 §6.5.1): it says how to frame, decode or route an answer that is here already.
const NEVER_BEHIND: [HeaderName; 7] = [
    header::SET_COOKIE,
    header::LOCATION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::WWW_AUTHENTICATE,
];

/// The header lines of an answer, and those behind its body, which count where its head has none of their name.
pub(super) struct Headers {
    head: InHead,
    trailers: Option<Box<HeaderMap>>,
}

enum InHead {
    Lines(Lines),
    Map(Box<HeaderMap>),
}

/// Header lines in the bytes of an answer.
pub(super) struct Lines {
    answer: Buffer,
    place: Range<usize>,
}

impl Lines {
    /// Those at a place that was found to hold nothing but header lines.
    pub(super) fn new(answer: Buffer, place: Range<usize>) -> Self {
        Self { answer, place }
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.answer.filled()[self.place.clone()].split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((&line[..colon], line[colon + 1..].trim_ascii()))
        })
    }
}

impl Default for Headers {
    /// None.
    fn default() -> Self {
        HeaderMap::new().into()
    }
}

impl From<HeaderMap> for Headers {
    fn from(map: HeaderMap) -> Self {
        Self::of_map(map, None)
    }
}

impl Headers {
    /// Header lines as they came, and those behind the body.
    pub(super) fn of_lines(lines: Lines, trailers: Option<HeaderMap>) -> Self {
        Self { head: InHead::Lines(lines), trailers: trailers.map(|lines| Box::new(allowed(lines))) }
    }

    /// Header lines that are read already, and those behind the body.
    pub(super) fn of_map(map: HeaderMap, trailers: Option<HeaderMap>) -> Self {
        Self { head: InHead::Map(Box::new(map)), trailers: trailers.map(|lines| Box::new(allowed(lines))) }
    }

    /// All values of a header, by its name in lower case.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let behind = self.trailers.as_deref().filter(|trailers| trailers.contains_key(name));
        let behind = behind.filter(|_| self.in_head(name).next().is_none());
        let behind = behind.into_iter().flat_map(move |map| map.get_all(name)).map(HeaderValue::as_bytes);
        self.in_head(name).chain(behind)
    }

    fn in_head<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let (map, lines) = match &self.head {
            InHead::Map(map) => (Some(&**map), None),
            InHead::Lines(lines) => (None, Some(lines)),
        };
        let mapped = map.into_iter().flat_map(move |map| map.get_all(name)).map(HeaderValue::as_bytes);
        let is_it = move |(known, _): &(&[u8], &[u8])| known.eq_ignore_ascii_case(name.as_bytes());
        mapped.chain(lines.into_iter().flat_map(Lines::iter).filter(is_it).map(|(_, value)| value))
    }

    /// The first value of a header, by its name in lower case.
    pub(super) fn first<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of a header that are text, by its name in lower case.
    pub(super) fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).filter_map(text)
    }

    /// All values of a header as checks read them, by its name in lower case: what is not UTF-8 is ISO 8859-1 (RFC 9110 §5.5).
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        self.all(name).map(|value| match std::str::from_utf8(value) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(value.iter().copied().map(char::from).collect()),
        })
    }

    /// Whether there is such a header, by its name in lower case.
    pub(super) fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// All of them, with their names in lower case.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, &[u8])> {
        let (map, lines) = match &self.head {
            InHead::Map(map) => (Some(&**map), None),
            InHead::Lines(lines) => (None, Some(lines)),
        };
        let in_lines = lines
            .into_iter()
            .flat_map(Lines::iter)
            .map(|(name, value)| (Cow::Owned(String::from_utf8_lossy(name).to_ascii_lowercase()), value));
        let behind = in_map(self.trailers.as_deref()).filter(|(name, _)| self.in_head(name).next().is_none());
        in_map(map).chain(in_lines).chain(behind)
    }

    /// The bytes at a place of the answer; none if they are not kept with its head.
    pub(super) fn answer(&self, place: Range<usize>) -> &[u8] {
        match &self.head {
            InHead::Lines(lines) => lines.answer.filled().get(place).unwrap_or_default(),
            InHead::Map(_) => &[],
        }
    }

    /// What has come behind a place of the answer; nothing if that is not kept with its head.
    pub(super) fn behind(&self, place: usize) -> &[u8] {
        match &self.head {
            InHead::Lines(lines) => lines.answer.filled().get(place..).unwrap_or_default(),
            InHead::Map(_) => &[],
        }
    }
}

/// Lines behind a body, without those that may not stand there.
fn allowed(mut trailers: HeaderMap) -> HeaderMap {
    for name in &NEVER_BEHIND {
        trailers.remove(name);
    }
    trailers
}

fn in_map(map: Option<&HeaderMap>) -> impl Iterator<Item = (Cow<'_, str>, &[u8])> {
    map.into_iter().flatten().map(|(name, value)| (Cow::Borrowed(name.as_str()), value.as_bytes()))
}

/// A value as text: visible ASCII, spaces and tabs.
fn text(value: &[u8]) -> Option<&str> {
    let is_plain = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    std::str::from_utf8(value).ok().filter(|_| value.iter().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, trailers: &[(&'static str, &'static str)]) -> Headers {
        let mut buffer = Buffer::take();
        buffer.push(format!("HTTP/1.1 200 OK\r\n{text}\r\nbody").as_bytes());
        let map = trailers.iter().map(|(name, value)| {
            (hyper::header::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        let trailers = (!trailers.is_empty()).then(|| map.collect());
        Headers::of_lines(Lines::new(buffer, 17..17 + text.len() + 2), trailers)
    }

    #[test]
    fn values_are_found_whatever_case_their_name_has() {
        let headers =
            lines("Set-Cookie: a=1\r\nETag:v7 \r\nset-cookie:b=2\nx-none:\r\nx-odd: \u{e9}\r\n", &[]);
        assert_eq!(headers.texts("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!((headers.first("etag"), headers.first("x-none")), (Some(&b"v7"[..]), Some(&b""[..])));
        assert!(headers.has("x-odd") && headers.texts("x-odd").next().is_none() && !headers.has("body"));
        assert_eq!(headers.values("x-odd").collect::<Vec<_>>(), ["\u{e9}"]);
        let odd = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_bytes(b"caf\xe9").unwrap())]);
        assert_eq!(Headers::from(odd).values("etag").collect::<Vec<_>>(), ["caf\u{e9}"]);
        let names: Vec<Cow<'_, str>> = headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["set-cookie", "etag", "set-cookie", "x-none", "x-odd"]);
        let whole = headers.answer(0..usize::MAX);
        assert!(whole.is_empty(), "it is not there");
    }

    #[test]
    fn lines_behind_the_body_count_where_the_head_has_none_of_their_name() {
        let behind = [("a", "4"), ("c", "5"), ("set-cookie", "sid=evil"), ("location", "/evil")];
        let headers = lines("a: 1\r\na: 2\r\nb: 3\r\n", &behind);
        assert_eq!(headers.texts("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(headers.texts("c").collect::<Vec<_>>(), ["5"]);
        assert!(!headers.has("set-cookie") && !headers.has("location"));
        let all: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect();
        assert_eq!(all, ["a=1", "a=2", "b=3", "c=5"]);
    }
}
