//! What templates can do with values besides minijinja's filters: encodings, hashes and the time.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};
use ring::{digest, hmac};

use super::json::Json;
use super::scope::{Scope, with_scope};
use super::written::text;

/// Makes the functions known to an environment.
pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_filter(
        "b64encode",
        |state: &State<'_, '_>, value: &Value, form: Option<Cow<'_, str>>| {
            encoded(text(state, value).as_bytes(), form.as_deref().unwrap_or("base64"))
        },
    );
    environment.add_filter("b64decode", |value: Cow<'_, str>| b64decode(&value));
    environment.add_filter("sha256", |state: &State<'_, '_>, value: &Value, form: Option<Cow<'_, str>>| {
        let hash = digest::digest(&digest::SHA256, text(state, value).as_bytes());
        encoded(hash.as_ref(), form.as_deref().unwrap_or("hex"))
    });
    environment.add_filter(
        "hmac_sha256",
        |state: &State<'_, '_>, value: &Value, key: Cow<'_, str>, form: Option<Cow<'_, str>>| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            let tag = hmac::sign(&key, text(state, value).as_bytes());
            encoded(tag.as_ref(), form.as_deref().unwrap_or("hex"))
        },
    );
    environment.add_filter("fromjson", |value: Cow<'_, str>| {
        Json::parse(&value).map(|json| json.value()).ok_or_else(|| invalid("the text is not JSON"))
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
