//! What a request and its answer said, as far as that is kept: evidence for people, without secrets.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{EndpointId, Outcome};
use crate::unit;

/// Bytes of a body that are kept.
pub const MOST_BODY: usize = 4096;
/// Failed exchanges that are kept of an endpoint and a reason.
pub const MOST_EXCHANGES: usize = 5;

/// One request and its answer. Secrets are hidden in it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was called.
    pub endpoint: EndpointId,
    /// The user's number.
    pub user: u32,
    /// The journey instance's number; with `sent_us` it finds the sample.
    pub journey: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so; empty if as expected.
    pub reason: String,
    /// When it was sent, µs since the run's start.
    pub sent_us: i64,
    /// When it was done.
    pub done_us: i64,
    /// What was asked.
    pub request: Message,
    /// What came back; none if nothing did.
    pub answer: Option<Message>,
    /// Redirects that were followed, `302 to /login`: the answer is that to the last request.
    pub redirects: Vec<String>,
    /// Variables that were taken from the answer, and their values.
    pub extracted: Vec<(String, String)>,
}

/// One side of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `POST /orders`, `403 Forbidden`.
    pub start: String,
    /// Names and values, in the order in which they stood.
    pub headers: Vec<(String, String)>,
    /// The beginning of its body, at most [`MOST_BODY`] bytes of it.
    pub body: String,
    /// Bytes of the whole body, as it went over the wire.
    pub body_bytes: u64,
    /// Whether only the beginning of the body was kept.
    #[serde(default)]
    pub is_cut: bool,
}

impl Message {
    /// The value of its first header of a name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Message {
    /// As it went over the wire, but for what is hidden and cut off.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.start)?;
        for (name, value) in &self.headers {
            write!(f, "\n{name}: {value}")?;
        }
        if self.body_bytes == 0 {
            return Ok(());
        }
        write!(f, "\n\n{}", self.body)?;
        if self.is_cut {
            write!(f, "\n({} bytes in all)", unit::count(self.body_bytes))?;
        }
        Ok(())
    }
}

/// The beginning of a body as text: what is kept of it. A body that is not text is only counted.
pub fn beginning(body: &[u8]) -> String {
    let part = &body[..body.len().min(MOST_BODY)];
    match std::str::from_utf8(part) {
        Ok(text) => text.to_owned(),
        // The last character may have been cut through.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&part[..error.valid_up_to()]).into_owned()
        }
        Err(_) => "(binary)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_as_it_went_over_the_wire() {
        let mut message = Message {
            start: "POST /orders".to_owned(),
            headers: vec![("accept".to_owned(), "*/*".to_owned())],
            ..Message::default()
        };
        assert_eq!(message.to_string(), "POST /orders\naccept: */*");
        (message.body, message.body_bytes) = ("{}".to_owned(), 2);
        assert_eq!(message.to_string(), "POST /orders\naccept: */*\n\n{}");
        (message.body_bytes, message.is_cut) = (5000, true);
        assert_eq!(message.to_string(), "POST /orders\naccept: */*\n\n{}\n(5000 bytes in all)");
    }

    #[test]
    fn a_body_is_kept_by_its_beginning_and_a_character_stays_whole() {
        assert_eq!(beginning(b"short"), "short");
        let long = "ü".repeat(MOST_BODY);
        assert_eq!(beginning(long.as_bytes()).len(), MOST_BODY);
        let odd = format!("x{long}");
        assert_eq!(beginning(odd.as_bytes()).len(), MOST_BODY - 1);
        assert_eq!(beginning(&[0x89, b'P', b'N', b'G', 0xff, 0]), "(binary)");
    }
}
