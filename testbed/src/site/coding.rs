//! Content codings, and gzip for those who accept it.
//!
//! Brotli and zstd are written without compression, which both formats have a block for: a client
//! has to decode them all the same, and no encoder is needed.

use std::io::Write as _;

use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY},
    },
    middleware::Next,
    response::Response,
};
use flate2::{
    Compression, Crc,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use crate::random::bits;

/// Shorter bodies are sent as they are.
const WORTHWHILE: u64 = 200;

/// How a body is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// With zlib's header, as RFC 9110 has it.
    Deflate,
    /// Without, as some servers send it.
    RawDeflate,
    Brotli,
    Zstd,
}

impl Coding {
    pub(crate) const NAMES: [&str; 5] = ["gzip", "deflate", "deflate-raw", "br", "zstd"];
    const ALL: [Coding; 5] =
        [Coding::Gzip, Coding::Deflate, Coding::RawDeflate, Coding::Brotli, Coding::Zstd];

    pub(crate) fn named(name: &str) -> Option<Coding> {
        let at = Coding::NAMES.iter().position(|known| *known == name)?;
        Some(Coding::ALL[at])
    }

    /// What `Content-Encoding` says.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate | Coding::RawDeflate => "deflate",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }
    }

    pub(crate) fn encode(self, body: &[u8]) -> Vec<u8> {
        match self {
            Coding::Gzip => gzip(body),
            Coding::Deflate => zlib(body),
            Coding::RawDeflate => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                finish(encoder.write_all(body).and_then(|()| encoder.finish()))
            }
            Coding::Brotli => stored_brotli(body),
            Coding::Zstd => stored_zstd(body),
        }
    }
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    finish(encoder.write_all(body).and_then(|()| encoder.finish()))
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    finish(encoder.write_all(body).and_then(|()| encoder.finish()))
}

fn finish(written: std::io::Result<Vec<u8>>) -> Vec<u8> {
    written.expect("writing to a vector cannot fail")
}

/// RFC 7932: a window of 64 KiB (bit 0), then meta-blocks that are not the last (0), with a length of
/// four nibbles (00), less one, uncompressed (1), from a whole byte on; then an empty last one (11).
fn stored_brotli(body: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    for (number, block) in body.chunks(1 << 16).enumerate() {
        let length = u32::try_from(block.len() - 1).expect("a block has 64 KiB at most");
        // The bit of the window stands before the first one only.
        let window = u32::from(number == 0);
        let header = (length << 3 | 1 << 19) << window;
        coded.extend_from_slice(&header.to_le_bytes()[..3]);
        coded.extend_from_slice(block);
    }
    coded.push(if body.is_empty() { 0b110 } else { 0b11 });
    coded
}

/// RFC 8878: a frame of one segment with its size in four bytes, and raw blocks, the last one marked.
fn stored_zstd(body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).expect("bodies here are short");
    let mut coded = vec![0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000];
    coded.extend_from_slice(&size.to_le_bytes());
    let mut rest = body;
    loop {
        let (block, after) = rest.split_at(rest.len().min(1 << 16));
        let length = u32::try_from(block.len()).expect("a block has 64 KiB at most");
        let header = length << 3 | u32::from(after.is_empty());
        coded.extend_from_slice(&header.to_le_bytes()[..3]);
        coded.extend_from_slice(block);
        if after.is_empty() {
            return coded;
        }
        rest = after;
    }
}

/// A picture of 64 by 64 grey dots: bytes of all values.
pub(crate) fn png() -> Vec<u8> {
    const SIDE: u32 = 64;
    let mut image = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(data);
        image.extend_from_slice(&u32::try_from(data.len()).expect("it is small").to_be_bytes());
        image.extend_from_slice(kind);
        image.extend_from_slice(data);
        image.extend_from_slice(&crc.sum().to_be_bytes());
    };
    // Eight bits of grey, no interlacing.
    let header = [SIDE.to_be_bytes().as_slice(), SIDE.to_be_bytes().as_slice(), &[8, 0, 0, 0, 0]].concat();
    chunk(b"IHDR", &header);
    let rows = (0..SIDE).flat_map(|row| {
        // Each row begins with its filter: none.
        let dots = (0..SIDE).map(move |column| bits(64, u64::from(row * SIDE + column)).to_le_bytes()[0]);
        std::iter::once(0).chain(dots)
    });
    chunk(b"IDAT", &zlib(&rows.collect::<Vec<u8>>()));
    chunk(b"IEND", &[]);
    image
}

/// Compresses pages and JSON for those who accept gzip.
pub(crate) async fn compress(request: Request, next: Next) -> Response {
    let accepted = accepts_gzip(request.headers());
    let mut answer = next.run(request).await;
    let content_type = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let compressible =
        content_type.starts_with(b"text/html") || content_type.starts_with(b"application/json");
    if !compressible || answer.headers().contains_key(CONTENT_ENCODING) {
        return answer;
    }
    answer.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
    // A body without a known size might not end.
    if !accepted || answer.body().size_hint().exact().is_none_or(|size| size < WORTHWHILE) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    let Ok(body) = body.collect().await else { return Response::from_parts(head, Body::empty()) };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(head, Body::from(gzip(&body.to_bytes())))
}

/// Whether `Accept-Encoding` names gzip, or all codings, and not with a weight of 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let weight = |wanted: &str| {
        let lines = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
        let mut codings = lines.flat_map(|line| line.split(','));
        codings.find_map(|coding| {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let weight = parameters.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
            name.trim().eq_ignore_ascii_case(wanted).then_some(weight.unwrap_or(1.0_f32))
        })
    };
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_those_who_accept_it() {
        let accepts = |text: &'static str| {
            accepts_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(text))]))
        };
        for text in ["gzip", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1"] {
            assert!(accepts(text), "{text}");
        }
        for text in ["", "br", "gzip;q=0", "gzip; q=0.0, *", "identity"] {
            assert!(!accepts(text), "{text}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn stored_codings_are_as_their_formats_say() {
        assert_eq!(stored_brotli(b"hello"), b"\x40\x00\x10hello\x03");
        assert_eq!(stored_zstd(b"hello"), b"\x28\xb5\x2f\xfd\xa0\x05\0\0\0\x29\0\0hello");
    }
}
