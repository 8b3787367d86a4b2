//! Paths and queries as they go out: what may not stand there is percent-encoded, as browsers and
//! curl do. Pure.

use bytes::Bytes;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A path with its query, encoded where that is needed; what is encoded already stays. A fragment
/// is cut off: it is never sent. None if it holds a control character.
pub(super) fn encoded(target: Bytes) -> Option<Bytes> {
    let is_plain = |byte: &u8| !needs_encoding(*byte, false) && *byte != b'#';
    // Nearly always: nothing is copied.
    if target.iter().all(is_plain) {
        return Some(target);
    }
    let mut out = Vec::with_capacity(target.len() + 16);
    let mut is_query = false;
    for byte in target.iter().copied().take_while(|byte| *byte != b'#') {
        is_query |= byte == b'?';
        if byte.is_ascii_control() {
            return None;
        }
        if needs_encoding(byte, is_query) {
            out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.push(byte);
        }
    }
    Some(Bytes::from(out))
}

/// The sets of the URL standard (<https://url.spec.whatwg.org/#percent-encoded-bytes>), with `\`, `^` and `|`, which
/// servers refuse: Java's among them.
fn needs_encoding(byte: u8, is_query: bool) -> bool {
    match byte {
        0..=b' ' | 0x7f..=0xff | b'"' | b'<' | b'>' | b'`' | b'\\' | b'^' | b'|' => true,
        b'{' | b'}' => !is_query,
        b'\'' => is_query,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(target: &str) -> Option<String> {
        let encoded = encoded(Bytes::copy_from_slice(target.as_bytes()))?;
        Some(String::from_utf8(encoded.to_vec()).unwrap())
    }

    #[test]
    fn what_may_not_stand_in_a_target_is_encoded() {
        assert_eq!(sent("/a b?c d=é").as_deref(), Some("/a%20b?c%20d=%C3%A9"));
        assert_eq!(sent("/{x}?q={y}'").as_deref(), Some("/%7Bx%7D?q={y}%27"));
        assert_eq!(sent("/\"<>`").as_deref(), Some("/%22%3C%3E%60"));
    }

    #[test]
    fn what_is_encoded_or_allowed_stays() {
        for target in ["/", "/a%20b%2Fc?d=%C3%A9", "/100%", "/~a/(b);c=1,2?x=[1]&y=a+b", "/it's"] {
            assert_eq!(sent(target).as_deref(), Some(target));
        }
    }

    #[test]
    fn a_fragment_is_not_sent_and_control_characters_cannot_be() {
        assert_eq!(sent("/a?b#c d").as_deref(), Some("/a?b"));
        assert_eq!(sent("/a\r\nhost: b"), None);
        assert_eq!(sent("/a\u{7f}"), None);
    }
}
