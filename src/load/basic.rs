//! Basic authentication. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use url::Url;

/// What a server is shown of the name and password in a URL (RFC 7617).
pub(super) fn authorization(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    header(&unescaped(url.username()), &unescaped(url.password().unwrap_or_default()))
}

/// What a server is shown of a name and a password.
pub(super) fn header(user: &[u8], password: &[u8]) -> Option<HeaderValue> {
    let pair = [user, b":", password].concat();
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A text without percent-encoding.
fn unescaped(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let encoded =
            (bytes[at] == b'%').then(|| Some((digit(bytes.get(at + 1))?, digit(bytes.get(at + 2))?)));
        match encoded.flatten().and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Option<String> {
        let value = authorization(&Url::parse(url).unwrap())?;
        assert!(value.is_sensitive());
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_name_and_password_are_sent_as_they_are_meant() {
        // `me:p@ss:`, `me:` and `:pw` in base64.
        assert_eq!(of("http://me:p%40ss%3a@h/").as_deref(), Some("Basic bWU6cEBzczo="));
        assert_eq!(of("http://me@h/").as_deref(), Some("Basic bWU6"));
        assert_eq!(of("http://:pw@h/").as_deref(), Some("Basic OnB3"));
        assert_eq!(of("http://h/"), None);
    }

    #[test]
    fn what_only_looks_encoded_stays() {
        assert_eq!(
            [unescaped("100%"), unescaped("%zz%4"), unescaped("%C3%A9")],
            [b"100%".to_vec(), b"%zz%4".to_vec(), "é".into()]
        );
    }
}
