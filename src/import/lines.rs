//! Text, line by line: JSON with one object a line, logs.

use std::io::{BufRead, BufReader, Read};

use super::row::{CUT_OFF, Each, Fault, Line};

/// Bytes of the longest line; a response's body may be in it.
pub(super) const LONGEST: u64 = 64 << 20;

/// Hands every line to `each`, as `of` understands it. A last line that is cut off is left out.
pub(super) fn read(
    input: impl Read,
    of: fn(&str, &mut Each<'_>) -> Result<(), String>,
    each: &mut Each<'_>,
) -> Result<(), Fault> {
    let mut input = BufReader::new(input);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut bytes).map_err(Fault::Read)?;
        // The last letter may be cut off.
        let text = String::from_utf8_lossy(&bytes);
        if read == 0 {
            break;
        }
        if text.trim().is_empty() {
            continue;
        }
        let mut understood = of(&text, each);
        if understood.is_err() && !text.ends_with('\n') && (read as u64) < LONGEST {
            understood = each(Line::LeftOut(CUT_OFF, 1));
        }
        understood.map_err(|what| Fault::Line { line, what })?;
    }
    Ok(())
}

/// All of a text that is not long.
pub(super) fn whole(input: impl Read) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let read = input.take(LONGEST).read_to_end(&mut bytes).map_err(Fault::Read)?;
    if read as u64 == LONGEST {
        return Err(Fault::refused("it is too long for this format", "is it the file that was meant?"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A JSON value, or what is wrong with it.
pub(super) fn json<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    // serde_json counts lines within the text, which is one.
    serde_json::from_str(text).map_err(|error| {
        let words = error.to_string();
        words.split(" at line ").next().unwrap_or(&words).to_owned()
    })
}

/// A reader that remembers the last byte that went through it.
#[derive(Debug)]
pub(super) struct LastByte<R> {
    source: R,
    last: Option<u8>,
}

impl<R> LastByte<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, last: None }
    }

    /// The last byte that was read.
    pub(super) fn last(&self) -> Option<u8> {
        self.last
    }
}

impl<R: Read> Read for LastByte<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.last = buffer[..read].last().copied().or(self.last);
        Ok(read)
    }
}
