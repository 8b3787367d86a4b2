//! The command line as it was typed: for the store, and for doing the same again.

use std::path::Path;

use crate::redact::{self, is_secret_name};

/// Headers whose values tell nothing; those of all others may be credentials.
const PLAIN_HEADERS: [&str; 7] =
    ["accept", "accept-encoding", "accept-language", "content-type", "host", "origin", "user-agent"];

/// The command as it was typed; credentials in URLs and values of headers are left out.
pub(super) fn command_line() -> String {
    let mut words = std::env::args();
    let program = words.next().map(|program| program_name(&program));
    line(program.into_iter().chain(words))
}

/// The program as it was typed; of a full path the name, which says as much elsewhere.
fn program_name(program: &str) -> String {
    let path = Path::new(program);
    match path.file_name() {
        Some(name) if path.is_absolute() => name.to_string_lossy().into_owned(),
        _ => program.to_owned(),
    }
}

/// Words as a line that can be typed, without credentials.
pub(super) fn line(words: impl Iterator<Item = String>) -> String {
    let mut before = String::new();
    let words = words.map(|word| {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (before.as_str(), None),
        };
        let shown = match (flag, value) {
            ("--header" | "--push-header", Some(value)) => format!("{flag}={}", header(value)),
            ("-H" | "--header" | "--push-header", None) => header(&word),
            ("--var", Some(value)) => format!("{flag}={}", var(value)),
            ("--var", None) => var(&word),
            (flag, Some(_)) if is_secret_name(flag) => format!("{flag}=…"),
            (flag, None) if flag.starts_with('-') && is_secret_name(flag) => "…".to_owned(),
            _ => redact::command(&crate::web::shown(&word)),
        };
        // A value is nothing that another one belongs to.
        let has_own_value = value.is_some();
        before = if before.starts_with('-') || has_own_value { String::new() } else { word };
        quoted(&shown)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A header, with its value if that cannot be a secret.
fn header(text: &str) -> String {
    match text.split_once(':') {
        // `-H` is a host elsewhere.
        Some((name, value))
            if !value.starts_with("//")
                && !PLAIN_HEADERS.contains(&name.trim().to_ascii_lowercase().as_str()) =>
        {
            format!("{name}: …")
        }
        _ => crate::web::shown(text),
    }
}

/// A variable, with its value if its name tells of no secret.
fn var(text: &str) -> String {
    match text.split_once('=') {
        Some((name, _)) if is_secret_name(name) => format!("{name}=…"),
        _ => crate::web::shown(text),
    }
}

fn quoted(word: &str) -> String {
    if word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c)) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn secrets_are_left_out_and_the_rest_can_be_typed_again() {
        let words = [
            "loadproof",
            "http",
            "http://me:secret@host/",
            "-H",
            "Authorization: Bearer abc",
            "--header",
            "content-type: text/plain",
            "--header=x-api-key: abc",
            "-b",
            "it's",
            "-H",
            "http://host",
            "--var",
            "api_key=abc",
            "--var=port=8000",
        ];
        assert_eq!(
            line(words.into_iter().map(str::to_owned)),
            "loadproof http http://host/ -H 'Authorization: …' --header 'content-type: text/plain' \
             '--header=x-api-key: …' -b 'it'\\''s' -H http://host --var 'api_key=…' --var=port=8000"
        );
    }
}
