//! What the readers of all formats make of a line.

use std::borrow::Cow;

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
    /// When it was sent, µs since 1970; since the run's start for a tool that keeps no date.
    pub(super) start_us: i64,
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
        let reason = said.map_or(Cow::Owned(unsaid), |reason| Cow::Borrowed(*reason));
        Self { outcome, status, reason }
    }
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A request.
    Request(Row<'a>),
    /// So many of something that is told of but is no request with a time: `dropped iterations`.
    LeftOut(&'static str, u64),
    /// Something else.
    Other,
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
