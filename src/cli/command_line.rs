//! The command line as it was typed: for the store, and for doing the same again.

/// The command as it was typed; values of credentials in URLs are left out.
pub(super) fn command_line() -> String {
    let words = std::env::args().map(|word| {
        let word = crate::web::shown(&word);
        if word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c)) && !word.is_empty() {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
