//! The record that crosses from `load` to `store`: one finished, or dropped, request or effect.
//!
//! Plain values with no behaviour. Times are microseconds since the run's start. *Response time*
//! is `done − intended` and holds what a stalled system makes its users wait; *service time* is
//! `done − sent`.

use serde::{Deserialize, Serialize};

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
    /// From a request's answer to its effect being visible.
    Effect = 1,
}

impl Kind {
    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Effect => "effect",
        }
    }
}

/// Traffic class of the questions that a poll asks: they are loadproof's, not the users'.
pub const PROBE_CLASS: &str = "probe";

/// An endpoint of a scenario by its place in the compiled scenario's endpoint list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointId(pub u16);

/// What is counted and timed together: an endpoint as one traffic class calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Subject {
    /// `request` or `effect`.
    pub kind: Kind,
    /// `production`, `migration`, …; empty where the scenario names none.
    pub traffic_class: String,
    /// The endpoint's name, `POST /customers`; for an effect what becomes visible.
    pub endpoint: String,
}

impl Subject {
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
    /// HTTP status, 0 where there was no answer.
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
    /// Body bytes received.
    pub bytes_in: u32,
    /// Body bytes sent.
    pub bytes_out: u32,
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
}
