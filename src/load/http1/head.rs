//! The head of an answer: its status, how its body is framed, and whether the connection stays (RFC 9112
//! §4 to §6, §9.3). Pure.

use std::fmt;
use std::io::BufRead;
use std::mem::MaybeUninit;
use std::ops::Range;

use httparse::{Header, ParserConfig, Response, Status};

/// Header lines that an answer may have at most.
pub(super) const MOST_LINES: usize = 1024;
/// Header lines that there is room for without asking for any.
const USUAL_LINES: usize = 64;
/// Bytes of a head at most.
pub(super) const MOST_BYTES: usize = 400 << 10;

/// What a request makes of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It has no body, whatever its head says.
    Head,
    /// If it succeeds, the connection is a tunnel from there on.
    Connect,
    Other,
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// None for an answer without a body.
    pub(super) length: Option<Length>,
    /// Whether the connection can carry another request.
    pub(super) stays: bool,
    /// Where its header lines stand.
    pub(super) lines: Range<usize>,
    /// Where the body begins.
    pub(super) end: usize,
    /// Whether a value goes on on a line of its own.
    pub(super) is_folded: bool,
    pub(super) sets_cookies: bool,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Exactly(u64),
    Chunked,
    UntilClose,
}

/// Why bytes are not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    NotHttp,
    Status,
    /// The name that a header line begins with, and what is wrong with it.
    Line(LineName, &'static str),
    ManyLines,
    LongHead,
    ManyInterim,
    Length,
    OldTransferEncoding,
    Chunk(&'static str),
    Trailers,
}

/// The beginning of a header line, as far as it is shown: its value may be a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct LineName {
    bytes: [u8; LineName::MOST],
    length: usize,
}

impl LineName {
    /// Bytes that are shown at most.
    const MOST: usize = 32;

    fn of(name: &[u8]) -> Self {
        let (mut bytes, length) = ([0; Self::MOST], name.len().min(Self::MOST));
        bytes[..length].copy_from_slice(&name[..length]);
        Self { bytes, length }
    }
}

impl fmt::Display for LineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes[..self.length].escape_ascii())
    }
}

impl fmt::Debug for LineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("the server does not answer in HTTP/1.1"),
            Self::Status => f.write_str("the answer has no valid status"),
            Self::Line(name, why) => write!(f, "the header line `{name}` of the answer is not valid: {why}"),
            Self::ManyLines => write!(f, "the answer has more than {MOST_LINES} header lines"),
            Self::LongHead => write!(f, "the head of the answer is longer than {} KiB", MOST_BYTES >> 10),
            Self::ManyInterim => f.write_str("the server sends one interim answer after another"),
            Self::Length => f.write_str("the `content-length` of the answer is not valid"),
            Self::OldTransferEncoding => f.write_str(
                "the answer has a header line `transfer-encoding`, which HTTP/1.0 does not have: its end is not known",
            ),
            Self::Chunk(why) => write!(f, "a chunk of the answer is not valid: {why}"),
            Self::Trailers => f.write_str("the header lines behind the body are not valid"),
        }
    }
}

impl Head {
    /// The head that `bytes` begin with; none if they do not hold all of it.
    ///
    /// # Errors
    /// If they are not the beginning of an answer.
    pub(super) fn parse(bytes: &[u8], asked: Asked) -> Result<Option<Self>, Malformed> {
        let mut lines = [const { MaybeUninit::<Header<'_>>::uninit() }; USUAL_LINES];
        match parsed(bytes, &mut lines, asked, false) {
            // Folded values and many lines cost every answer something, so there is room for them where it is needed.
            Err(_) => {
                let mut lines = vec![MaybeUninit::<Header<'_>>::uninit(); MOST_LINES];
                parsed(bytes, &mut lines, asked, true)
            }
            other => other,
        }
    }

    /// Whether another answer to the same request follows (RFC 9110 §15.2).
    pub(super) fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }
}

fn parsed<'b>(
    bytes: &'b [u8],
    lines: &mut [MaybeUninit<Header<'b>>],
    asked: Asked,
    may_fold: bool,
) -> Result<Option<Head>, Malformed> {
    let mut response = Response::new(&mut []);
    let mut config = ParserConfig::default();
    config.allow_obsolete_multiline_headers_in_responses(may_fold);
    let end = match config.parse_response_with_uninit_headers(&mut response, bytes, lines) {
        Ok(Status::Complete(end)) => end,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed::ManyLines),
        Err(httparse::Error::Version | httparse::Error::Token) => return Err(Malformed::NotHttp),
        Err(httparse::Error::Status) => return Err(Malformed::Status),
        Err(_) => return Err(bad_line(bytes)),
    };
    let status = response.code.filter(|code| *code >= 100).ok_or(Malformed::Status)?;
    let is_new = response.version == Some(1);
    let mut told = Told::default();
    for line in response.headers.iter() {
        told.note(line);
    }
    // What cannot be seen of the lines is where the first one begins. Empty lines may come before all of them.
    let first = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(end);
    let start = first + line_length(&bytes[first..end]);
    let is_folded = may_fold && has_fold(&bytes[start..end]);
    let stays = if is_new { !told.closes } else { !told.closes && told.keeps };
    // Whoever stands between may have read another end of this answer than was meant: nothing more is taken from it.
    let stays = stays && !(told.is_chunked.is_some() && told.content_length.is_some());
    let is_tunnel = status == 101 || (asked == Asked::Connect && (200..300).contains(&status));
    let has_body = !is_tunnel && status >= 200 && !matches!(status, 204 | 304) && asked != Asked::Head;
    let length = if has_body { Some(told.length(is_new)?) } else { None };
    Ok(Some(Head {
        status,
        length,
        stays: stays && !is_tunnel && length != Some(Length::UntilClose),
        lines: start..end,
        end,
        is_folded,
        sets_cookies: told.sets_cookies,
    }))
}

/// Which header line is not valid, and why.
pub(super) fn bad_line(bytes: &[u8]) -> Malformed {
    let first = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    let lines = bytes[first..].split(|byte| *byte == b'\n').skip(1);
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let found = lines.take_while(|line| !line.is_empty()).find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':');
        let name = &line[..colon.unwrap_or(line.len())];
        let is_sign = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let why = if colon.is_none() {
            "it has no colon"
        } else if name.is_empty() {
            "it has no name"
        } else if matches!(name.last(), Some(b' ' | b'\t')) {
            "there is white space before its colon (RFC 9112, section 5.1)"
        } else if !name.iter().all(is_sign) {
            "its name has characters that no name has"
        } else if line.iter().any(|byte| *byte == 127 || (*byte < 32 && *byte != b'\t')) {
            "its value has control characters"
        } else {
            return None;
        };
        Some(Malformed::Line(LineName::of(name), why))
    });
    found.unwrap_or(Malformed::Line(LineName::of(b""), "its line ends are not"))
}

/// Whether a line begins with white space.
fn has_fold(lines: &[u8]) -> bool {
    lines.split(|byte| *byte == b'\n').any(|line| matches!(line.first(), Some(b' ' | b'\t')))
}

/// Bytes of the first line, with its end. The standard library looks for that many bytes at a time.
fn line_length(mut bytes: &[u8]) -> usize {
    // Reading from memory does not fail.
    bytes.skip_until(b'\n').unwrap_or(bytes.len())
}

/// What header lines tell of their message.
#[derive(Default)]
struct Told {
    content_length: Option<Stated>,
    /// Whether the last coding is `chunked`.
    is_chunked: Option<bool>,
    closes: bool,
    keeps: bool,
    sets_cookies: bool,
}

/// What lines `content-length` state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stated {
    Length(u64),
    /// Several lengths, or no number.
    Nonsense,
}

impl Told {
    fn note(&mut self, line: &Header<'_>) {
        match line.name.len() {
            10 if line.name.eq_ignore_ascii_case("connection") => {
                self.closes |= has_token(line.value, b"close");
                self.keeps |= has_token(line.value, b"keep-alive");
            }
            10 if line.name.eq_ignore_ascii_case("set-cookie") => self.sets_cookies = true,
            14 if line.name.eq_ignore_ascii_case("content-length") => {
                for number in line.value.split(|byte| *byte == b',') {
                    let stated = digits(number.trim_ascii()).map_or(Stated::Nonsense, Stated::Length);
                    let is_same = self.content_length.is_none_or(|known| known == stated);
                    self.content_length = Some(if is_same { stated } else { Stated::Nonsense });
                }
            }
            17 if line.name.eq_ignore_ascii_case("transfer-encoding") => {
                let last = line.value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                // A list that is not text names no coding.
                let is_text = line.value.is_ascii();
                self.is_chunked = Some(is_text && last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
            }
            _ => {}
        }
    }

    /// How long the body is: what says of its coding comes before what says of its length (RFC 9112 §6.3).
    fn length(&self, is_new: bool) -> Result<Length, Malformed> {
        match (self.is_chunked, self.content_length) {
            (Some(_), _) if !is_new => Err(Malformed::OldTransferEncoding),
            (Some(true), _) => Ok(Length::Chunked),
            (Some(false), _) | (None, None) => Ok(Length::UntilClose),
            (None, Some(Stated::Length(length))) => Ok(Length::Exactly(length)),
            (None, Some(Stated::Nonsense)) => Err(Malformed::Length),
        }
    }
}

/// Whether a list of tokens holds one, in whatever case.
fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|known| known.trim_ascii().eq_ignore_ascii_case(token))
}

/// A number of digits only.
fn digits(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    (!text.is_empty())
        .then(|| text.iter().try_fold(0_u64, |sum, byte| sum.checked_mul(10)?.checked_add(digit(byte)?)))
        .flatten()
}

/// A head whose folded values stand on one line each, a space in the place of each fold (RFC 9112 §5.2).
pub(super) fn unfolded(head: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        match (lines.last_mut(), line.first()) {
            (Some(before), Some(b' ' | b'\t')) => {
                before.truncate(before.trim_ascii_end().len());
                before.push(b' ');
                before.extend_from_slice(line.trim_ascii());
                before.extend_from_slice(b"\n");
            }
            _ => lines.push(line.to_vec()),
        }
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str, asked: Asked) -> Result<Head, Malformed> {
        Head::parse(text.as_bytes(), asked).map(|head| head.expect("it is whole"))
    }

    /// How the body of an answer with this status and these lines is framed, and whether the connection stays.
    fn of(status: u16, lines: &str) -> Result<(Option<Length>, bool), Malformed> {
        head(&format!("HTTP/1.1 {status} So\r\n{lines}\r\n"), Asked::Other)
            .map(|head| (head.length, head.stays))
    }

    #[test]
    fn lengths_are_told_by_the_lines_the_status_and_the_request() {
        for (status, lines, length) in [
            (200, "content-length: 5\r\n", Some(Length::Exactly(5))),
            (200, "Content-Length: 5, 5\r\nCONTENT-LENGTH: 5\r\n", Some(Length::Exactly(5))),
            (200, "content-length: 0\r\n", Some(Length::Exactly(0))),
            (404, "transfer-encoding: gzip, Chunked\r\n", Some(Length::Chunked)),
            (204, "content-length: 5\r\n", None),
            (304, "content-length: 5\r\n", None),
        ] {
            assert_eq!(of(status, lines), Ok((length, true)), "{status} {lines}");
        }
        for lines in
            ["", "transfer-encoding: gzip\r\n", "transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n"]
        {
            assert_eq!(of(200, lines), Ok((Some(Length::UntilClose), false)), "{lines}");
        }
        assert_eq!(of(101, "connection: upgrade\r\n"), Ok((None, false)));
        let asked = |asked| head("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", asked).unwrap();
        assert_eq!((asked(Asked::Head).length, asked(Asked::Head).stays), (None, true));
        assert_eq!((asked(Asked::Connect).length, asked(Asked::Connect).stays), (None, false));
    }

    #[test]
    fn ambiguous_lengths_are_refused() {
        for lines in [
            "content-length: 5\r\ncontent-length: 6\r\n",
            "content-length: 5, 6\r\n",
            "content-length: +5\r\n",
            "content-length: \r\n",
            "content-length: 99999999999999999999\r\n",
        ] {
            assert_eq!(of(200, lines), Err(Malformed::Length), "{lines}");
        }
        let both = of(200, "content-length: 5\r\ntransfer-encoding: chunked\r\n");
        assert_eq!(both, Ok((Some(Length::Chunked), false)), "the connection carries nothing more");
        let old = head("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Asked::Other);
        assert_eq!(old, Err(Malformed::OldTransferEncoding));
    }

    #[test]
    fn connections_stay_unless_they_are_said_to_close() {
        let stays = |version, lines: &str| {
            head(&format!("HTTP/1.{version} 200\r\ncontent-length: 0\r\n{lines}\r\n"), Asked::Other)
                .unwrap()
                .stays
        };
        assert!(
            stays(1, "") && stays(1, "connection: upgrade\r\n") && stays(0, "connection: Keep-Alive\r\n")
        );
        assert!(!stays(0, "") && !stays(1, "Connection: te, CLOSE\r\n"));
        assert!(!stays(1, "connection: close\r\nconnection: keep-alive\r\n"));
    }

    #[test]
    fn what_is_not_an_answer_is_refused_and_what_is_not_all_of_one_is_awaited() {
        for (bytes, why) in [
            ("SSH-2.0-OpenSSH_9.2\r\n", Malformed::NotHttp),
            ("HTTP/2.0 200 OK\r\n", Malformed::NotHttp),
            ("HTTP/1.1 2x0 OK\r\n", Malformed::Status),
            ("HTTP/1.1 099 OK\r\n\r\n", Malformed::Status),
        ] {
            assert_eq!(Head::parse(bytes.as_bytes(), Asked::Other), Err(why), "{bytes:?}");
        }
        let whole = "HTTP/1.1 200 OK\r\na: b\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(Head::parse(&whole.as_bytes()[..end], Asked::Other), Ok(None), "{end}");
        }
        let found = head(whole, Asked::Other).unwrap();
        assert_eq!((&whole[found.lines], found.end), ("a: b\r\n\r\n", whole.len()));
    }

    #[test]
    fn a_header_line_that_is_none_is_named() {
        for (line, why) in [
            ("no colon", "the header line `no colon` of the answer is not valid: it has no colon"),
            (
                "x-key : secret",
                "the header line `x-key ` of the answer is not valid: there is white space before its colon (RFC 9112, section 5.1)",
            ),
            (": a", "the header line `` of the answer is not valid: it has no name"),
            (
                "a\u{e9}b: c",
                "the header line `a\\xc3\\xa9b` of the answer is not valid: its name has characters that no name has",
            ),
            ("a: b\u{1}", "the header line `a` of the answer is not valid: its value has control characters"),
        ] {
            let text = format!("HTTP/1.1 200 OK\r\nserver: a\r\n{line}\r\n\r\n");
            assert_eq!(head(&text, Asked::Other).unwrap_err().to_string(), why, "{line}");
        }
        let long = format!("HTTP/1.1 200 OK\r\n{}\r\n\r\n", "x".repeat(5000));
        assert!(head(&long, Asked::Other).unwrap_err().to_string().len() < 100);
    }

    #[test]
    fn so_many_lines_are_read_and_no_more() {
        let with = |count| format!("HTTP/1.1 204 No\r\n{}\r\n", "x: y\r\n".repeat(count));
        assert!(head(&with(MOST_LINES), Asked::Other).is_ok());
        assert_eq!(head(&with(MOST_LINES + 1), Asked::Other), Err(Malformed::ManyLines));
    }

    #[test]
    fn folded_values_become_one_line() {
        let text = "HTTP/1.1 204 No\r\na: one \r\n\t two\r\n  three\r\nb:\r\n c\r\n\r\n";
        assert!(head(text, Asked::Other).unwrap().is_folded);
        let plain = unfolded(text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&plain), "HTTP/1.1 204 No\r\na: one two three\nb: c\n\r\n");
        assert!(!head(&String::from_utf8(plain).unwrap(), Asked::Other).unwrap().is_folded);
    }
}
