//! JSON, one object a line.

use std::io::{BufRead, BufReader, Read};

use super::row::{Each, Fault};

/// Bytes of the longest line; a response's body may be in it.
const LONGEST: u64 = 64 << 20;

/// Hands every line to `each`, as `of` understands it.
pub(super) fn read(
    input: impl Read,
    of: fn(&str, &mut Each<'_>) -> Result<(), String>,
    each: &mut Each<'_>,
) -> Result<(), Fault> {
    let mut input = BufReader::new(input);
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let read = input.by_ref().take(LONGEST).read_line(&mut text).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => Fault::Line { line, what: "it is not UTF-8".to_owned() },
            _ => Fault::Read(error),
        })?;
        if read == 0 {
            break;
        }
        if !text.trim().is_empty() {
            of(&text, each).map_err(|what| Fault::Line { line, what })?;
        }
    }
    Ok(())
}

/// A JSON value, or what is wrong with it.
pub(super) fn json<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    // serde_json counts lines within the text, which is one.
    serde_json::from_str(text).map_err(|error| {
        let words = error.to_string();
        words.split(" at line ").next().unwrap_or(&words).to_owned()
    })
}
