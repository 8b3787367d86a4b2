//! A run's samples by the column, as the store gives them back.

use super::{Key, Outcome, Phase, Race, Subject};

/// The samples of a run, column by column; all columns have the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleColumns {
    /// What the numbers in `subject` mean.
    pub subjects: Vec<Subject>,
    /// Place in `subjects`.
    pub subject: Vec<u32>,
    /// How it ended.
    pub outcome: Vec<Outcome>,
    /// Its part of the run.
    pub phase: Vec<Phase>,
    /// HTTP status, 0 for none.
    pub status: Vec<u16>,
    /// When it was due, µs since the run's start.
    pub intended_us: Vec<i64>,
    /// When it was sent, µs since the run's start.
    pub sent_us: Vec<i64>,
    /// When it was done, µs since the run's start.
    pub done_us: Vec<i64>,
    /// What it was about.
    pub key: Vec<Key>,
    /// Body bytes received; empty where they are not known.
    pub bytes_in: Vec<u32>,
    /// Body bytes sent; empty where they are not known.
    pub bytes_out: Vec<u32>,
    /// Who called, as `user class << 32 | user`: equal numbers are one user. Empty where it is not known.
    pub caller: Vec<u64>,
    /// The journey instance that it is part of: equal numbers belong together. Empty where it is not known.
    pub journey: Vec<u32>,
    /// Redirects that were followed within it. Empty where they are not known.
    pub redirects: Vec<u8>,
    /// Times that requests were sent once more, because a connection had died without a byte of an answer: over
    /// all samples.
    pub repeats: u64,
    /// The samples, by their places in the columns, that were entrants of races.
    pub entrants: Vec<(usize, Race)>,
}
