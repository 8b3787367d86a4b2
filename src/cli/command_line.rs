//! The command line as it was typed: for the store, and for doing the same again.

/// The command as it was typed; values of credentials in URLs are left out.
pub(super) fn command_line() -> String {
    let words = std::env::args().map(|word| {
        let word = hide_credentials(&word);
        if word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c)) && !word.is_empty() {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn hide_credentials(word: &str) -> String {
    let Some((before, rest)) = word.split_once("://") else { return word.to_owned() };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    match rest[..authority_end].rsplit_once('@') {
        Some((_, host)) => format!("{before}://***@{host}{}", &rest[authority_end..]),
        None => word.to_owned(),
    }
}
