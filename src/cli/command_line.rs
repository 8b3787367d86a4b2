//! The command line as it was typed: for the store, and for doing the same again.

use std::path::Path;

/// Headers whose values tell nothing; those of all others may be credentials.
const PLAIN_HEADERS: [&str; 7] =
    ["accept", "accept-encoding", "accept-language", "content-type", "host", "origin", "user-agent"];

/// The command as it was typed; credentials in URLs and values of headers are left out.
pub(super) fn command_line() -> String {
    let mut words = std::env::args();
    let program = words.next().map(|program| program_name(&program));
    typed(program.into_iter().chain(words))
}

/// The program as it was typed; of a full path the name, which says as much elsewhere.
fn program_name(program: &str) -> String {
    let path = Path::new(program);
    match path.file_name() {
        Some(name) if path.is_absolute() => name.to_string_lossy().into_owned(),
        _ => program.to_owned(),
    }
}

fn typed(words: impl Iterator<Item = String>) -> String {
    let mut is_header = false;
    let words = words.map(|word| {
        let shown = match (is_header, word.strip_prefix("--header=")) {
            (true, _) => header(&word),
            (false, Some(value)) => format!("--header={}", header(value)),
            (false, None) => crate::web::shown(&word),
        };
        is_header = !is_header && ["-H", "--header"].contains(&word.as_str());
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

fn quoted(word: &str) -> String {
    if word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c)) && !word.is_empty() {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::typed;

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
        ];
        assert_eq!(
            typed(words.into_iter().map(str::to_owned)),
            "loadproof http http://host/ -H 'Authorization: …' --header 'content-type: text/plain' \
             '--header=x-api-key: …' -b 'it'\\''s' -H http://host"
        );
    }
}
