//! Where in a stream of bytes an event ends. Pure.

/// The name of the field that an event needs (§9.2.6).
const DATA: &[u8] = b"data";

/// Finds the ends of events, however their bytes come.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of the line that is being read: one byte more than is needed to tell its field.
    line: Vec<u8>,
    /// Whether the event that is being read has data: without, it is none.
    has_data: bool,
    /// Whether the last byte was a carriage return: a line feed behind it ends no other line.
    after_return: bool,
}

impl Lines {
    /// How many events end among the next bytes.
    pub(super) fn ends(&mut self, bytes: &[u8]) -> usize {
        let mut count = 0;
        for byte in bytes {
            let was_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if was_return => {}
                b'\n' | b'\r' => count += usize::from(self.ends_line()),
                _ if self.line.len() <= DATA.len() => self.line.push(*byte),
                _ => {}
            }
        }
        count
    }

    /// A line has ended; whether an event has ended with it.
    fn ends_line(&mut self) -> bool {
        if self.line.is_empty() {
            return std::mem::take(&mut self.has_data);
        }
        let name = self.line.split(|byte| *byte == b':').next();
        self.has_data |= name == Some(DATA);
        self.line.clear();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(text: &str) -> usize {
        let whole = Lines::default().ends(text.as_bytes());
        let mut lines = Lines::default();
        let by_byte: usize = text.as_bytes().iter().map(|byte| lines.ends(&[*byte])).sum();
        assert_eq!(whole, by_byte, "{text:?}");
        whole
    }

    #[test]
    fn an_event_ends_with_an_empty_line_behind_data_in_any_convention() {
        for end in ["\n", "\r", "\r\n"] {
            assert_eq!(ends(&"data: a\n\ndata: b\ndata: c\n\n".replace('\n', end)), 2, "{end:?}");
        }
        assert_eq!(ends("event: x\nid: 1\ndata\n\n"), 1, "a field without a colon has an empty value");
    }

    #[test]
    fn comments_other_fields_and_events_that_are_not_finished_do_not_count() {
        for text in
            [": keep-alive\n\n", "event: x\n\n", "database: 1\n\n", "dat: 1\n\n", "data: 1\n", "\n\n\n", ""]
        {
            assert_eq!(ends(text), 0, "{text:?}");
        }
        assert_eq!(ends("data: 1\n: comment\nretry: 5\n\n: more\n\n"), 1);
    }
}
