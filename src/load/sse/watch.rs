//! The events of one answer as effects: the first from when its request was due, each other from the one before it.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use super::lines::Lines;
use crate::load::effect::{Awaiting, Cause, Effect};
use crate::load::recording::Recording;
use crate::load::reply;
use crate::load::who::Who;
use crate::sample::{EndpointId, Key, Outcome};
use crate::scenario::journey::Events;

/// Records the events of an answer as they come. Whoever drops it before its end leaves the event that was awaited as an
/// error.
pub(in crate::load) struct Watch<'a> {
    events: &'a Events,
    recording: &'a Recording,
    who: Who,
    key: Key,
    lines: RefCell<Lines>,
    seen: Cell<u64>,
    awaited: RefCell<Option<Awaiting<'a>>>,
}

impl<'a> Watch<'a> {
    /// Waits for the events of a request that is being sent.
    pub(in crate::load) fn begin(
        events: &'a Events,
        recording: &'a Recording,
        who: Who,
        key: Key,
        intended: Instant,
    ) -> Self {
        let cause = Cause { intended, done: Instant::now() };
        let first = Effect { endpoint: events.first, who, key, cause }.awaited(recording);
        Self {
            events,
            recording,
            who,
            key,
            lines: RefCell::default(),
            seen: Cell::new(0),
            awaited: RefCell::new(Some(first)),
        }
    }

    fn gap(&self, endpoint: EndpointId, since: Instant) -> Awaiting<'a> {
        let cause = Cause { intended: since, done: since };
        Effect { endpoint, who: self.who, key: self.key, cause }.awaited(self.recording)
    }

    /// The answer has ended so: after an event, as it should, nothing more was awaited; otherwise what was awaited has not
    /// come.
    pub(in crate::load) fn end(&self, outcome: Outcome, reason: Option<&str>) {
        let Some(awaited) = self.awaited.take() else { return };
        match outcome {
            Outcome::Ok if self.seen.get() == 0 => {
                awaited.end(0, Err((Outcome::Failed, "the answer ended without an event")));
            }
            Outcome::Ok | Outcome::Rejected => awaited.forget(),
            other => awaited.end(0, Err((other, reason.unwrap_or_default()))),
        }
    }
}

impl reply::Watch for Watch<'_> {
    fn arrived(&self, bytes: &[u8]) {
        let count = self.lines.borrow_mut().ends(bytes);
        if count == 0 {
            return;
        }
        let at = Instant::now();
        for _ in 0..count {
            if self.has_enough() {
                return;
            }
            self.seen.set(self.seen.get() + 1);
            if let Some(awaited) = self.awaited.take() {
                awaited.end(0, Ok((Outcome::Ok, at)));
            }
            if !self.has_enough() {
                *self.awaited.borrow_mut() = self.events.gap.map(|endpoint| self.gap(endpoint, at));
            }
        }
    }

    fn has_enough(&self) -> bool {
        self.events.most.is_some_and(|most| self.seen.get() >= most)
    }
}
