//! Which exchanges are kept: all, or the first failed ones of each endpoint and reason. Secrets are hidden before anything
//! is kept.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use minijinja::value::{Value, ValueKind};

use super::headers::Headers;
use crate::redact::Redactor;
use crate::sample::{
    EndpointId, Exchange, MOST_BODY, MOST_EXCHANGES, Message, Outcome, Sample, beginning, status_text,
};

/// Endpoints and reasons that are told apart; exchanges of further ones are not kept.
const MOST_REASONS: usize = 500;

/// Which exchanges are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    /// The first failed ones of each endpoint and reason, [`MOST_EXCHANGES`] of each.
    #[default]
    Failed,
    /// All of them.
    All,
}

/// Decides for a worker which exchanges are kept, and writes them down.
pub(super) struct Witness {
    kept: Kept,
    redactor: Arc<Redactor>,
    counts: RefCell<HashMap<(EndpointId, String), usize>>,
}

/// One side of an exchange as it went over the wire.
pub(super) struct Said<'a> {
    pub(super) start: String,
    pub(super) headers: &'a Headers,
    pub(super) body: &'a [u8],
    /// Bytes of its body over the wire.
    pub(super) body_bytes: usize,
    /// Whether `body` is not all of it.
    pub(super) is_cut: bool,
}

/// An exchange as it is told to the witness.
pub(super) struct Told<'a> {
    /// Why it ended as it did; empty if as expected.
    pub(super) reason: &'a str,
    pub(super) request: Said<'a>,
    /// Redirects that were followed.
    pub(super) redirects: &'a [String],
    pub(super) answer: Option<Said<'a>>,
    /// Variables that were taken, with their values.
    pub(super) extracted: &'a [(String, Value)],
    /// Values that are secret whatever name they stand under.
    pub(super) secrets: Vec<String>,
}

impl Witness {
    pub(super) fn new(kept: Kept, redactor: Arc<Redactor>) -> Self {
        Self { kept, redactor, counts: RefCell::default() }
    }

    /// Whether bodies of answers are wanted, whatever becomes of them.
    pub(super) fn wants_bodies(&self) -> bool {
        self.kept == Kept::All
    }

    /// Whether an exchange that ended so is kept; it is counted then.
    pub(super) fn wants(&self, endpoint: EndpointId, outcome: Outcome, reason: &str) -> bool {
        match (self.kept, outcome) {
            (Kept::All, _) => true,
            (Kept::Failed, Outcome::Failed | Outcome::Error) => self.is_among_the_first(endpoint, reason),
            (Kept::Failed, Outcome::Ok | Outcome::Rejected | Outcome::Dropped) => false,
        }
    }

    /// A text without secrets.
    pub(super) fn shown(&self, text: &str) -> String {
        self.redactor.body(text)
    }

    fn is_among_the_first(&self, endpoint: EndpointId, reason: &str) -> bool {
        let mut counts = self.counts.borrow_mut();
        let known = (endpoint, reason.to_owned());
        if counts.len() >= MOST_REASONS && !counts.contains_key(&known) {
            return false;
        }
        let count = counts.entry(known).or_default();
        *count += 1;
        *count <= MOST_EXCHANGES
    }

    /// An exchange as it is kept.
    pub(super) fn exchange(&self, sample: &Sample, told: Told<'_>) -> Exchange {
        let Told { reason, request, redirects, answer, extracted, secrets } = told;
        let redactor = self.redactor.also_knowing(secrets);
        let shown = |value: &Value| beginning(written(value).as_bytes());
        Exchange {
            endpoint: sample.endpoint,
            user: sample.user,
            journey: sample.journey,
            outcome: sample.outcome,
            reason: redactor.body(reason),
            sent_us: sample.sent_us,
            done_us: sample.done_us,
            redirects: redirects.iter().map(|hop| redactor.body(hop)).collect(),
            request: message(&redactor, &request),
            answer: answer.map(|answer| message(&redactor, &answer)),
            extracted: extracted
                .iter()
                .map(|(name, value)| (name.clone(), redactor.value(name, &shown(value))))
                .collect(),
        }
    }
}

fn message(redactor: &Redactor, said: &Said<'_>) -> Message {
    let header = |(name, value): (Cow<'_, str>, &[u8])| {
        let shown = redactor.header(&name, &String::from_utf8_lossy(value));
        (name.into_owned(), shown)
    };
    Message {
        start: redactor.body(&said.start),
        headers: said.headers.iter().map(header).collect(),
        body: redactor.body(&beginning(said.body)),
        body_bytes: said.body_bytes as u64,
        is_cut: said.is_cut || said.body.len() > MOST_BODY,
    }
}

/// A value as JSON has it; a text without quotes.
fn written(value: &Value) -> String {
    match value.kind() {
        ValueKind::Bool | ValueKind::None | ValueKind::Seq | ValueKind::Map => {
            serde_json::to_string(value).unwrap_or_default()
        }
        _ => value.to_string(),
    }
}

/// `403 Forbidden`, `NOT_FOUND`.
pub(super) fn status_line(status: u16) -> String {
    let known = hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    match known {
        Some(words) => format!("{status} {words}"),
        None => status_text(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failures_of_an_endpoint_and_a_reason_are_kept() {
        let witness = Witness::new(Kept::Failed, Arc::default());
        let wants = |endpoint, outcome, reason: &str| witness.wants(EndpointId(endpoint), outcome, reason);
        assert!(
            !wants(0, Outcome::Ok, "") && !wants(0, Outcome::Rejected, "") && !wants(0, Outcome::Dropped, "")
        );
        let kept = (0..20).filter(|_| wants(0, Outcome::Failed, "status 500")).count();
        assert_eq!(kept, MOST_EXCHANGES);
        assert!(wants(1, Outcome::Failed, "status 500"), "another endpoint");
        assert!(wants(0, Outcome::Error, "timeout"), "another reason");
        let many = (0..10 * MOST_REASONS).filter(|n| wants(2, Outcome::Failed, &n.to_string())).count();
        assert_eq!(many, MOST_REASONS - 3, "memory is bounded");
    }

    #[test]
    fn all_are_kept_where_all_are_wanted() {
        let witness = Witness::new(Kept::All, Arc::default());
        assert!(witness.wants(EndpointId(0), Outcome::Ok, "") && witness.wants_bodies());
    }
}
