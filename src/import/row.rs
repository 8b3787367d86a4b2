//! What the readers of all formats make of a line.

use std::borrow::Cow;

use super::names;
use super::times::Moment;
use crate::sample::{Outcome, status_text};

/// A request, as a file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// What was called: `GET /orders`.
    pub(super) endpoint: Cow<'a, str>,
    /// Who called: k6's scenario, JMeter's thread group; empty where the file does not tell.
    pub(super) user_class: &'a str,
    /// The user's name within the file; empty where the file does not tell.
    pub(super) user: &'a str,
    /// When it was sent.
    pub(super) start: Moment,
    /// From then to its end, µs.
    pub(super) elapsed_us: i64,
    /// From then to the answer's head, µs; none where the file does not tell.
    pub(super) first_byte_us: Option<i64>,
    /// How it ended.
    pub(super) ending: Ending<'a>,
    /// Body bytes received.
    pub(super) bytes_in: u64,
    /// Body bytes sent.
    pub(super) bytes_out: u64,
}

/// Words of failures by which no answer came.
const UNANSWERED: [&str; 9] = [
    "timeout",
    "timed out",
    "connect",
    "closed",
    "reset",
    "refused",
    "unknownhost",
    "unresolved",
    "exception",
];

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending<'a> {
    pub(super) outcome: Outcome,
    /// 0 where there was no answer.
    pub(super) status: u16,
    /// Empty for `ok`.
    pub(super) reason: Cow<'a, str>,
}

impl<'a> Ending<'a> {
    /// By the tool's own word on whether it went well, and the first of its reasons that says something. A request
    /// that has failed without a status was not answered.
    pub(super) fn of(is_ok: bool, status: u16, reasons: &[&'a str]) -> Self {
        if is_ok {
            return Self { outcome: Outcome::Ok, status, reason: Cow::Borrowed("") };
        }
        let said = reasons.iter().find(|reason| !reason.is_empty());
        let (outcome, unsaid) = match status {
            0 => (Outcome::Error, "no answer".to_owned()),
            _ => (Outcome::Failed, format!("status {}", status_text(status))),
        };
        let reason = said.map_or(Cow::Owned(unsaid), |reason| names::shown(reason));
        Self { outcome, status, reason }
    }

    /// The same for a tool that keeps no status: `failed`, unless its words are those of a request without an answer.
    pub(super) fn without_status(is_ok: bool, reason: &'a str) -> Self {
        let mut ending = Self::of(is_ok, 0, &[reason]);
        let lower = reason.to_ascii_lowercase();
        if !is_ok && !UNANSWERED.iter().any(|word| lower.contains(word)) {
            ending.outcome = Outcome::Failed;
            if reason.is_empty() {
                ending.reason = Cow::Borrowed("failed");
            }
        }
        ending
    }
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A request.
    Request(Row<'a>),
    /// So many of something that is told of but is no request with a time: `dropped iterations`.
    LeftOut(&'static str, u64),
    /// How the file had to be read, if that is not the usual way.
    Note(&'static str),
    /// What the tool itself has made of its requests, where the file holds nothing else.
    Stated(Stated),
    /// Something else.
    Other,
}

/// What a last line that is cut off is called among what was left out.
pub(super) const CUT_OFF: &str = "cut-off last line";

/// What a line of column names in the middle of a file is called there: another run begins.
pub(super) const SECOND_HEADER: &str = "repeated header lines";

/// Metrics without samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stated {
    /// How many requests they are of.
    pub(super) requests: u64,
    /// How long the load was, µs.
    pub(super) span_us: i64,
    /// Their names and values, as the tool states them: `p99`, `46.51 ms`.
    pub(super) metrics: Vec<(String, String)>,
}

/// Takes a line, or says what is wrong with it.
pub(super) type Each<'e> = dyn FnMut(Line<'_>) -> Result<(), String> + 'e;

/// Why a file cannot be read on.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file itself.
    Read(std::io::Error),
    /// A line, from 1.
    Line { line: u64, what: String },
    /// It is nothing that can be imported.
    Refused { what: String, hint: String },
}

impl Fault {
    pub(super) fn refused(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), hint: hint.into() }
    }
}
