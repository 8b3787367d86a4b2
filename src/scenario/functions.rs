//! What templates can do with values besides minijinja's filters: encodings, hashes and the time.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};
use ring::{digest, hmac};

use super::effort::spend;
use super::json::Json;
use super::scope::{Scope, with_scope};
use super::written::text;

/// Makes the functions known to an environment.
pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_filter(
        "b64encode",
        |state: &State<'_, '_>, value: &Value, form: Option<Cow<'_, str>>| {
            let value = text(state, value);
            spend(state, value.len())?;
            encoded(value.as_bytes(), form.as_deref().unwrap_or("base64"))
        },
    );
    environment.add_filter("b64decode", |state: &State<'_, '_>, value: Cow<'_, str>| {
        spend(state, value.len())?;
        b64decode(&value)
    });
    environment.add_filter("sha256", |state: &State<'_, '_>, value: &Value, form: Option<Cow<'_, str>>| {
        let value = text(state, value);
        spend(state, value.len())?;
        let hash = digest::digest(&digest::SHA256, value.as_bytes());
        encoded(hash.as_ref(), form.as_deref().unwrap_or("hex"))
    });
    environment.add_filter(
        "hmac_sha256",
        |state: &State<'_, '_>, value: &Value, key: Cow<'_, str>, form: Option<Cow<'_, str>>| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            let value = text(state, value);
            spend(state, value.len())?;
            let tag = hmac::sign(&key, value.as_bytes());
            encoded(tag.as_ref(), form.as_deref().unwrap_or("hex"))
        },
    );
    environment.add_filter("fromjson", |state: &State<'_, '_>, value: Cow<'_, str>| {
        spend(state, value.len())?;
        Json::parse(&value).map(|json| json.value()).ok_or_else(|| invalid("the text is not JSON"))
    });
    environment.add_filter("urldecode", |state: &State<'_, '_>, value: Cow<'_, str>| {
        spend(state, value.len())?;
        Ok::<_, Error>(urldecode(&value))
    });
    environment.add_filter("unescape", |state: &State<'_, '_>, value: Cow<'_, str>| {
        spend(state, value.len())?;
        Ok::<_, Error>(unescape(&value))
    });
    environment.add_function("cookie", |state: &State<'_, '_>, name: &str| {
        with_scope(state, |scope| scope.cookie(name).map_or(Value::UNDEFINED, Value::from))
    });
    environment.add_function("now", |state: &State<'_, '_>, form: Option<Cow<'_, str>>| {
        let now = moment(state)?;
        match form {
            Some(form) => jiff::fmt::strtime::format(form.as_bytes(), now)
                .map_err(|e| invalid(format!("`{form}` is not a format of times: {e}"))),
            None => Ok(format!("{now:.3}")),
        }
    });
    environment.add_function("timestamp", |state: &State<'_, '_>, unit: Option<Cow<'_, str>>| {
        let us = with_scope(state, Scope::now)?;
        match unit.as_deref() {
            None | Some("s") => Ok(us / 1_000_000),
            Some("ms") => Ok(us / 1_000),
            Some("us") => Ok(us),
            Some(other) => {
                Err(invalid(format!("`{other}` is not a unit of time: expected `s`, `ms` or `us`")))
            }
        }
    });
}

fn invalid(detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

/// Bytes as text, in one of the forms that APIs ask for.
fn encoded(bytes: &[u8], form: &str) -> Result<String, Error> {
    match form {
        "hex" => Ok(bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))),
        "base64" => Ok(STANDARD.encode(bytes)),
        "base64url" => Ok(URL_SAFE_NO_PAD.encode(bytes)),
        _ => Err(invalid(format!("`{form}` is not an encoding: expected `hex`, `base64` or `base64url`"))),
    }
}

/// The text in base64, of either alphabet, with its padding or without.
fn b64decode(text: &str) -> Result<String, Error> {
    let plain: String = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let bytes = URL_SAFE_NO_PAD.decode(plain).map_err(|e| invalid(format!("`{text}` is not base64: {e}")))?;
    String::from_utf8(bytes).map_err(|_| invalid("what is in base64 is not a text"))
}

/// A text without percent encoding; what is not UTF-8 then becomes U+FFFD, and what is not encoded stays.
fn urldecode(text: &str) -> String {
    let (bytes, mut decoded) = (text.as_bytes(), Vec::with_capacity(text.len()));
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digit = |behind: usize| bytes.get(at + behind).and_then(|b| char::from(*b).to_digit(16));
        match (byte, digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// A text of HTML without its character references: the five of XML, `&nbsp;`, and those by number. Others stay.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(LONGEST_REFERENCE).position(|byte| byte == b';');
        match end.and_then(|end| Some((referenced(&rest[1..end])?, end))) {
            Some((character, end)) => {
                plain.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

/// Bytes of a character reference at most.
const LONGEST_REFERENCE: usize = 12;

fn referenced(name: &str) -> Option<char> {
    match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        "nbsp" => return Some('\u{a0}'),
        _ => {}
    }
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?).filter(|character| *character != '\0')
}

fn moment(state: &State<'_, '_>) -> Result<jiff::Timestamp, Error> {
    let us = with_scope(state, Scope::now)?;
    jiff::Timestamp::from_microsecond(us).map_err(|e| invalid(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::template::{Templates, Variables};

    fn render(source: &str) -> Result<String, String> {
        let mut templates = Templates::new(&Variables::default());
        let text = templates.add_text(source).unwrap();
        let rendered = templates.render(&text, &Scope::new(1, || 1_767_225_600_123_456));
        rendered.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn texts_are_encoded_and_hashed_as_others_do() {
        let is = |source: &str, wanted: &str| assert_eq!(render(source).as_deref(), Ok(wanted), "{source}");
        is("{{ 'me:pw' | b64encode }}", "bWU6cHc=");
        is("{{ '???' | b64encode('base64url') }}", "Pz8_");
        is("{{ 'Pz8_' | b64decode }} {{ 'bWU6cHc=' | b64decode }}", "??? me:pw");
        is("{{ 'abc' | sha256 }}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        // RFC 4231, test case 2.
        let tag = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        is("{{ 'what do ya want for nothing?' | hmac_sha256('Jefe') }}", tag);
        is("{{ ('{\"a\": [1, 2.50]}' | fromjson).a[0] }}", "1");
        is("{{ '/a?b=1&amp;c=&#x2F;&#39;&copy;&' | unescape }}", "/a?b=1&c=/'&copy;&");
        is("{{ 'a%3D%c3%a9+%zz%' | urldecode }}", "a=é+%zz%");
        assert!(render("{{ '?' | b64decode }}").unwrap_err().contains("not base64"));
        assert!(render("{{ 'a' | sha256('md5') }}").unwrap_err().contains("expected `hex`"));
    }

    #[test]
    fn the_time_is_that_of_the_load() {
        assert_eq!(render("{{ now() }}").unwrap(), "2026-01-01T00:00:00.123Z");
        assert_eq!(render("{{ now('%d.%m.%Y') }}").unwrap(), "01.01.2026");
        assert_eq!(render("{{ timestamp() }} {{ timestamp('ms') }}").unwrap(), "1767225600 1767225600123");
        assert!(render("{{ timestamp('days') }}").unwrap_err().contains("`days`"));
    }
}
