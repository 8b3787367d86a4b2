//! The record that crosses from `load` to `store`: one finished, or dropped, request or effect;
//! how workers collect them, and how they come back by the column.
//!
//! Times are microseconds since the run's start. *Response time*
//! is `done − intended` and holds what a stalled system makes its users wait; *service time* is
//! `done − sent`.

mod columns;
mod exchange;
mod recorder;

use serde::{Deserialize, Serialize};

pub use columns::SampleColumns;
pub use exchange::{Exchange, MOST_BODY, MOST_EXCHANGES, Message, beginning};
pub use recorder::{Recorder, Sink};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Outcome {
    /// Answered as expected.
    Ok = 0,
    /// Refused as the scenario expects it to be now and then (a 409 in a race).
    Rejected = 1,
    /// Answered wrongly: an unexpected status, or a check that did not hold.
    Failed = 2,
    /// Not answered: no connection, a reset, a timeout.
    Error = 3,
    /// Never sent: its time had passed before a connection was free.
    Dropped = 4,
}

impl Outcome {
    /// All outcomes, in the order of their codes.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Rejected, Self::Failed, Self::Error, Self::Dropped];

    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Dropped => "dropped",
        }
    }

    /// Whether a sample of a kind that ended so was never answered: it counts as one that took for ever. An
    /// effect that was given up is never seen, and a group that has failed never done; a wrong answer to a
    /// request is an answer.
    pub fn is_unanswered(self, kind: Kind) -> bool {
        match self {
            Self::Ok | Self::Rejected => false,
            Self::Failed => kind != Kind::Request,
            Self::Error | Self::Dropped => true,
        }
    }

    /// Whether there was an answer that the scenario foresees.
    pub fn is_answered(self) -> bool {
        matches!(self, Self::Ok | Self::Rejected)
    }
}

/// The part of a run in which a sample was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Phase {
    /// Users are still being added.
    Ramp = 0,
    /// The load is as the scenario asks for.
    Steady = 1,
    /// The load has ended; requests under way are awaited.
    CoolDown = 2,
    /// The load has ended; the system works off its backlog.
    Drain = 3,
}

impl Phase {
    /// All phases, in the order of their codes and of time.
    pub const ALL: [Self; 4] = [Self::Ramp, Self::Steady, Self::CoolDown, Self::Drain];

    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Steady => "steady",
            Self::CoolDown => "cool-down",
            Self::Drain => "drain",
        }
    }
}

/// What a sample measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Kind {
    /// A request and its answer.
    Request = 0,
    /// From a request's intended start to its effect being visible; its service time counts from the answer.
    Effect = 1,
    /// A group of steps, from when the first was due to the end of the last.
    Group = 2,
}

impl Kind {
    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Effect => "effect",
            Self::Group => "group",
        }
    }

    /// The kind of a word; a request for words of none.
    pub fn of_word(word: &str) -> Self {
        let kinds = [Self::Request, Self::Effect, Self::Group];
        kinds.into_iter().find(|kind| kind.word() == word).unwrap_or(Self::Request)
    }
}

/// Traffic class of the questions that a poll asks: they are loadproof's, not the users'.
pub const PROBE_CLASS: &str = "probe";

/// The words for gRPC's status codes, by code
/// (<https://github.com/grpc/grpc/blob/master/doc/statuscodes.md>).
pub const GRPC_STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The status under which a gRPC code is stored: 1000 more, so that `OK` (0) is not taken for no
/// answer, nor any of them for HTTP's.
pub fn grpc_status(code: u16) -> u16 {
    1000 + code
}

/// The stored status of a gRPC code's word; none if there is no such code.
pub fn grpc_status_of_word(word: &str) -> Option<u16> {
    let code = GRPC_STATUSES.iter().position(|known| *known == word)?;
    u16::try_from(code).ok().map(grpc_status)
}

/// A status as people read it: `404`, `NOT_FOUND`.
pub fn status_text(status: u16) -> String {
    let word = status.checked_sub(1000).and_then(|code| GRPC_STATUSES.get(usize::from(code)));
    word.map_or_else(|| status.to_string(), |word| (*word).to_owned())
}

/// A subject by its place in the compiled scenario's list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointId(pub u16);

/// What is counted and timed together: an endpoint as one traffic class calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// `request`, `effect` or `group`.
    pub kind: Kind,
    /// `production`, `migration`, …; empty where the scenario names none.
    pub traffic_class: String,
    /// The endpoint's name, `POST /customers`; for an effect what becomes visible.
    pub endpoint: String,
}

impl Subject {
    /// Whether it is a poll's question.
    pub fn is_probe(&self) -> bool {
        self.traffic_class == PROBE_CLASS
    }

    /// The name for a heading: `POST /orders [production]`.
    pub fn title(&self) -> String {
        if self.traffic_class.is_empty() {
            self.endpoint.clone()
        } else {
            format!("{} [{}]", self.endpoint, self.traffic_class)
        }
    }
}

/// A user class of a scenario by its place in the compiled scenario's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserClassId(pub u16);

/// A reason of failure by its place, from 1, in the list its worker has sent; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReasonId(pub u16);

/// The key that a sample was about, if its scenario states one: a list, and a number within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// No key.
    pub const NONE: Self = Self(0);
    /// Bits of a key's number; above them stands its list.
    pub const NUMBER_BITS: u32 = 40;
    /// The highest number of a key.
    pub const MOST: u64 = (1 << Self::NUMBER_BITS) - 1;

    /// Key `number`, from 1 to [`Key::MOST`], of the list at a place of the scenario's.
    pub fn new(list: u16, number: u64) -> Self {
        Self(u64::from(list) << Self::NUMBER_BITS | number.min(Self::MOST))
    }

    /// The key that is stored as `code`.
    pub fn from_code(code: u64) -> Self {
        Self(code)
    }

    /// As it is stored: `list << 40 | number`; 0 for none.
    pub fn code(self) -> u64 {
        self.0
    }

    /// The bucket of a number, for counting: 1, 2–3, 4–7, … are buckets 0, 1, 2, …
    pub fn bucket(number: u64) -> usize {
        number.max(1).ilog2() as usize
    }

    /// Its list's place and its number; none for no key.
    pub fn parts(self) -> Option<(usize, u64)> {
        let number = self.0 & Self::MOST;
        let list = usize::try_from(self.0 >> Self::NUMBER_BITS).ok()?;
        (number > 0).then_some((list, number))
    }
}

/// The race that a sample was an entrant of: requests that were released together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Race(u64);

impl Race {
    /// None.
    pub const NONE: Self = Self(0);

    /// Race `number` of those at a place in the scenario's list.
    pub fn new(of: u16, number: u32) -> Self {
        Self((u64::from(of) + 1) << 32 | u64::from(number))
    }

    /// The race that is stored as `code`.
    pub fn from_code(code: u64) -> Self {
        Self(code)
    }

    /// As it is stored: `(place + 1) << 32 | number`; 0 for none.
    pub fn code(self) -> u64 {
        self.0
    }

    /// Its place in the scenario's list; none for none.
    pub fn place(self) -> Option<usize> {
        usize::try_from(self.0 >> 32).ok()?.checked_sub(1)
    }
}

/// One finished or dropped request, or one effect that was seen or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What was called.
    pub endpoint: EndpointId,
    /// Who called.
    pub user_class: UserClassId,
    /// The user's number within the run, from 0.
    pub user: u32,
    /// The journey instance's number within the run: equal numbers belong together.
    pub journey: u32,
    /// When it was due: its part of the run.
    pub phase: Phase,
    /// How it ended.
    pub outcome: Outcome,
    /// HTTP status; for gRPC see [`grpc_status`]; 0 where there was no answer.
    pub status: u16,
    /// Why it ended so, for `failed`, `error` and `dropped`.
    pub reason: ReasonId,
    /// When it should have been sent, µs since the run's start.
    pub intended_us: i64,
    /// When it was sent; for a dropped one, when it was given up.
    pub sent_us: i64,
    /// When the answer's head arrived; equal to `done_us` where there was none.
    pub first_byte_us: i64,
    /// When the answer was complete, or the failure was known.
    pub done_us: i64,
    /// What it was about.
    pub key: Key,
    /// The race that it was an entrant of.
    pub race: Race,
    /// Body bytes received.
    pub bytes_in: u32,
    /// Body bytes sent.
    pub bytes_out: u32,
    /// Redirects that were followed within it.
    pub redirects: u8,
    /// Times that it was sent once more, because a connection had died without a byte of an answer.
    pub repeats: u8,
}

/// Columns of a stored sample, in the order in which they are written and summed up. All are integers; the last two may be
/// missing.
pub const STORED_COLUMNS: [&str; 18] = [
    "id",
    "endpoint",
    "user_class",
    "user",
    "journey",
    "phase",
    "outcome",
    "status",
    "intended_us",
    "sent_us",
    "first_byte_us",
    "done_us",
    "bytes_in",
    "bytes_out",
    "redirects",
    "repeats",
    "reason",
    "key",
];

/// A sample as it is stored: the values of [`STORED_COLUMNS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredSample {
    /// The columns that every sample has.
    pub numbers: [i64; STORED_COLUMNS.len() - 2],
    /// The store's number of its reason.
    pub reason: Option<i64>,
    /// Its key.
    pub key: Option<i64>,
}

/// When one sample was due, sent and done, and what it is counted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedSample {
    /// What was called, by its place in a list of subjects.
    pub subject: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// Its part of the run.
    pub phase: Phase,
    /// When it was due, µs since the run's start.
    pub intended_us: i64,
    /// When it was sent, µs since the run's start.
    pub sent_us: i64,
    /// When it was done, µs since the run's start.
    pub done_us: i64,
}

impl From<&Sample> for TimedSample {
    fn from(sample: &Sample) -> Self {
        let Sample { endpoint, outcome, phase, intended_us, sent_us, done_us, .. } = *sample;
        Self { subject: endpoint.0.into(), outcome, phase, intended_us, sent_us, done_us }
    }
}

/// One sample in words, for export.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExportedSample {
    /// The run's number.
    pub run: i64,
    /// Its place within the run.
    pub sequence: i64,
    /// `request`, `effect` or `group`.
    pub kind: String,
    /// The class of its traffic.
    pub traffic_class: String,
    /// What was called.
    pub endpoint: String,
    /// Who called.
    pub user_class: String,
    /// The user's number.
    pub user: i64,
    /// The journey instance's number.
    pub journey: i64,
    /// Its part of the run.
    pub phase: String,
    /// How it ended.
    pub outcome: String,
    /// HTTP status, 0 for none.
    pub status: i64,
    /// Why it ended so.
    pub reason: Option<String>,
    /// When it was due, µs since the run's start.
    pub intended_us: i64,
    /// When it was sent.
    pub sent_us: i64,
    /// When the answer's head arrived.
    pub first_byte_us: i64,
    /// When it was done.
    pub done_us: i64,
    /// Body bytes received.
    pub bytes_in: i64,
    /// Body bytes sent.
    pub bytes_out: i64,
    /// The list of the key that it was about, by its place among the run's.
    pub key_list: Option<i64>,
    /// That key's number, from 1.
    pub key: Option<i64>,
    /// Redirects that were followed within it.
    pub redirects: i64,
    /// Times that it was sent once more, because a connection had died.
    pub repeats: i64,
    /// The tags of what was called, as a JSON object; none if it has none.
    pub tags: Option<String>,
}

impl ExportedSample {
    /// What it is counted with.
    pub fn subject(&self) -> Subject {
        let kind = Kind::of_word(&self.kind);
        Subject { kind, traffic_class: self.traffic_class.clone(), endpoint: self.endpoint.clone() }
    }

    /// Whether it was answered as the scenario foresees: only then it has a response time.
    pub fn is_answered(&self) -> bool {
        [Outcome::Ok, Outcome::Rejected].iter().any(|outcome| outcome.word() == self.outcome)
    }

    /// Whether it was never answered, or an effect that was given up: as slow as can be.
    pub fn is_unanswered(&self) -> bool {
        let kind = self.subject().kind;
        Outcome::ALL.into_iter().any(|outcome| outcome.word() == self.outcome && outcome.is_unanswered(kind))
    }
}

/// Samples of one worker, in the order in which they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The worker that made them.
    pub worker: u16,
    /// The samples; their reasons count in this worker's list.
    pub samples: Vec<Sample>,
    /// Reasons that this worker met for the first time: they extend its list.
    pub new_reasons: Vec<String>,
    /// What some of the requests and answers said.
    pub exchanges: Vec<Exchange>,
    /// Checks that decide nothing and were made since the last batch.
    pub soft_checks: Vec<SoftChecks>,
}

/// How often a check that decides nothing has passed, and how often not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftChecks {
    /// Its place in the scenario's list.
    pub check: u16,
    /// What was called.
    pub endpoint: EndpointId,
    /// When that was due: its part of the run.
    pub phase: Phase,
    /// Answers that passed.
    pub passed: u64,
    /// Answers that did not, and requests that were not answered.
    pub failed: u64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An `ok` request at the run's start that took no time.
    pub(crate) const PLAIN: Sample = Sample {
        endpoint: EndpointId(0),
        user_class: UserClassId(0),
        user: 0,
        journey: 0,
        phase: Phase::Steady,
        outcome: Outcome::Ok,
        status: 200,
        reason: ReasonId(0),
        intended_us: 0,
        sent_us: 0,
        first_byte_us: 0,
        done_us: 0,
        key: Key::NONE,
        race: Race::NONE,
        bytes_in: 0,
        bytes_out: 0,
        redirects: 0,
        repeats: 0,
    };
}
