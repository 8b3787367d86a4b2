//! Bodies as they were before the server compressed them, for checks and extractions. Pure.

use std::borrow::Cow;
use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::bufread::GzDecoder;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flate2::{Decompress, FlushDecompress, Status};
use hyper::header::CONTENT_ENCODING;
use ruzstd::decoding::StreamingDecoder;

use super::headers::Headers;
use crate::unit;

/// What requests offer to read.
pub(super) const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// Codings that an answer may have upon one another.
const MOST_CODINGS: usize = 4;
/// What brotli reads at a time.
const BUFFER: usize = 4096;
/// Bytes of checksum and length at the end of a member of gzip (RFC 1952).
const GZIP_TRAILER: usize = 8;

/// The body of an answer without its codings, the last applied first.
///
/// # Errors
/// In words, if it has a coding that is not known, is damaged, or is longer than `limit` bytes.
pub(super) fn decoded<'a>(headers: &Headers, body: &'a [u8], limit: usize) -> Result<Cow<'a, [u8]>, String> {
    let mut body = Cow::Borrowed(body);
    // Nothing is coded in an answer without content, such as one to HEAD.
    if body.is_empty() || !headers.has(CONTENT_ENCODING.as_str()) {
        return Ok(body);
    }
    let lines: Vec<String> = headers
        .all(CONTENT_ENCODING.as_str())
        .map(|line| String::from_utf8_lossy(line).to_ascii_lowercase())
        .collect();
    let codings: Vec<&str> = lines
        .iter()
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && *coding != "identity")
        .collect();
    if codings.len() > MOST_CODINGS {
        return Err(format!("the body is encoded {} times over", codings.len()));
    }
    for coding in codings.into_iter().rev() {
        body = Cow::Owned(without(coding, &body, limit)?);
    }
    Ok(body)
}

fn without(coding: &str, body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let read = match coding {
        "gzip" | "x-gzip" => gzip(body, limit),
        "deflate" if is_zlib(body) => read(ZlibDecoder::new(body), limit),
        "deflate" => read(DeflateDecoder::new(body), limit),
        "br" => read(Decompressor::new(body, BUFFER), limit),
        "zstd" => frames(body, limit),
        _ => return Err(format!("the body's content-encoding `{coding}` is not supported")),
    };
    match read {
        Ok(decoded) if decoded.len() > limit => Err(over(limit)),
        Ok(decoded) => Ok(decoded),
        Err(reason) => Err(format!("the {coding} body cannot be decoded: {reason}")),
    }
}

/// What is said of a body that is longer than it may be.
pub(super) fn over(limit: usize) -> String {
    format!("the body is longer than {} (`body_limit`)", unit::size(limit as u64))
}

/// One byte more than the limit, if there are so many.
fn read(from: impl Read, limit: usize) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut decoded).map_err(|e| e.to_string())?;
    Ok(decoded)
}

/// Members of gzip stand behind one another.
fn gzip(body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let whole = read(MultiGzDecoder::new(body), limit);
    whole.or_else(|reason| without_trailer(body, limit).ok_or(reason))
}

/// What is in a member of gzip whose content is whole, and whose checksum at the end is missing or cut short: browsers and
/// curl take it. None of anything else.
fn without_trailer(body: &[u8], limit: usize) -> Option<Vec<u8>> {
    // It has read the header, and nothing else.
    let content = GzDecoder::new(body).into_inner();
    let mut inflate = Decompress::new(false);
    let mut decoded = Vec::new();
    loop {
        let before = (inflate.total_in(), decoded.len());
        decoded.reserve(BUFFER);
        let rest = content.get(usize::try_from(before.0).ok()?..)?;
        let status = inflate.decompress_vec(rest, &mut decoded, FlushDecompress::None).ok()?;
        if decoded.len() > limit {
            return Some(decoded);
        }
        match status {
            Status::StreamEnd => break,
            _ if (inflate.total_in(), decoded.len()) == before => return None,
            _ => {}
        }
    }
    let trailer = content.len() - usize::try_from(inflate.total_in()).ok()?;
    (trailer < GZIP_TRAILER).then_some(decoded)
}

/// Zstandard frames stand behind one another.
fn frames(mut body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    while !body.is_empty() && decoded.len() <= limit {
        let decoder = StreamingDecoder::new(&mut body).map_err(|e| e.to_string())?;
        decoded.extend(read(decoder, limit)?);
    }
    Ok(decoded)
}

/// "deflate" is zlib's form (RFC 9110 §8.4.1.2), which begins with a header; some servers leave it out.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 15 == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use hyper::HeaderMap;
    use hyper::header::HeaderValue;

    use super::*;

    const LIMIT: usize = 1 << 20;
    const TEXT: &[u8] = br#"{"state":"done"}"#;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn read_as(codings: &[&'static str], body: &[u8], limit: usize) -> Result<Vec<u8>, String> {
        let mut headers = HeaderMap::new();
        for coding in codings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        decoded(&headers.into(), body, limit).map(Cow::into_owned)
    }

    #[test]
    fn every_coding_that_is_offered_is_read() {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(TEXT).unwrap();
        // The same text stored: the crates for these two only read.
        let brotli = [&[0x8b, 0x07, 0x80], TEXT, &[0x03]].concat();
        let zstd = [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x10, 0x81, 0, 0], TEXT].concat();
        for (coding, body) in [
            ("gzip", gzip(TEXT)),
            ("X-GZIP", gzip(TEXT)),
            ("deflate", zlib.finish().unwrap()),
            ("deflate", raw.finish().unwrap()),
            ("br", brotli),
            ("zstd", zstd),
            ("identity", TEXT.to_vec()),
        ] {
            assert_eq!(read_as(&[coding], &body, LIMIT).as_deref(), Ok(TEXT), "{coding}");
        }
    }

    #[test]
    fn codings_lie_upon_one_another_and_members_behind_one_another() {
        assert_eq!(read_as(&["gzip, gzip"], &gzip(&gzip(TEXT)), LIMIT).as_deref(), Ok(TEXT));
        assert_eq!(read_as(&["gzip", "identity, gzip"], &gzip(&gzip(TEXT)), LIMIT).as_deref(), Ok(TEXT));
        let twice = [gzip(TEXT), gzip(TEXT)].concat();
        assert_eq!(read_as(&["gzip"], &twice, LIMIT), Ok([TEXT, TEXT].concat()));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let cut = &gzip(TEXT)[..12];
        for (coding, body) in [("gzip", cut), ("gzip", TEXT), ("br", b"\xff\xff"), ("zstd", TEXT)] {
            let reason = read_as(&[coding], body, LIMIT).unwrap_err();
            assert!(reason.starts_with(&format!("the {coding} body cannot be decoded: ")), "{reason}");
        }
        let unknown = "the body's content-encoding `compress` is not supported";
        assert_eq!(read_as(&["compress"], TEXT, LIMIT).unwrap_err(), unknown);
        assert!(read_as(&["gzip,gzip,gzip,gzip,gzip"], TEXT, LIMIT).is_err());
        assert_eq!(read_as(&["gzip"], b"", LIMIT), Ok(Vec::new()), "an answer without content");
    }

    #[test]
    fn a_body_that_grows_beyond_the_limit_is_given_up() {
        let bomb = gzip(&vec![0; 3 << 20]);
        assert!(bomb.len() < 10_000);
        let reason = read_as(&["gzip"], &bomb, LIMIT).unwrap_err();
        assert_eq!(reason, "the body is longer than 1 MiB (`body_limit`)");
        let twice = gzip(&gzip(&vec![0; 3 << 20]));
        assert_eq!(read_as(&["gzip, gzip"], &twice, LIMIT).unwrap_err(), reason);
    }

    #[test]
    fn gzip_is_read_without_its_checksum_and_not_without_its_content() {
        let text = "all that was said ".repeat(2000);
        let whole = gzip(text.as_bytes());
        for cut in [1, 7, 8] {
            let read = read_as(&["gzip"], &whole[..whole.len() - cut], LIMIT);
            assert_eq!(read.as_deref(), Ok(text.as_bytes()), "without the last {cut}");
        }
        for cut in [9, 20, whole.len() - 12, whole.len() - 3] {
            assert!(
                read_as(&["gzip"], &whole[..whole.len() - cut], LIMIT).is_err(),
                "without the last {cut}"
            );
        }
        let mut damaged = whole.clone();
        damaged[whole.len() - 6] ^= 1;
        assert!(read_as(&["gzip"], &damaged, LIMIT).is_err(), "a wrong checksum");
        let cut = &whole[..whole.len() - 8];
        assert!(read_as(&["gzip"], cut, 100).unwrap_err().contains("body_limit"));
    }
}
