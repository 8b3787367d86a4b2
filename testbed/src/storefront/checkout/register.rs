//! Which checkouts there are, and how far each has come.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::event::Happened;

/// How far a checkout has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Pending,
    Completed,
    Compensated,
    Failed,
}

/// The number of a checkout, from 1; never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CheckoutId(pub(super) u64);

impl CheckoutId {
    /// `c-17`
    pub(super) fn text(self) -> String {
        format!("c-{}", self.0)
    }

    pub(super) fn of(text: &str) -> Option<Self> {
        text.strip_prefix("c-")?.parse().ok().map(Self)
    }
}

/// All checkouts.
#[derive(Default)]
pub(super) struct Register(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    last: u64,
    checkouts: BTreeMap<CheckoutId, Checkout>,
    counts: Counts,
}

#[derive(Clone, Copy)]
struct Checkout {
    state: State,
    units: u32,
    /// The events that were handled or are being handled, a bit each.
    begun: u8,
}

/// How many checkouts there were, by their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) completed: u64,
    pub(super) compensated: u64,
    pub(super) failed: u64,
}

impl Counts {
    pub(super) fn in_progress(self) -> u64 {
        self.accepted - self.completed - self.compensated - self.failed
    }
}

impl Register {
    /// A new checkout of so many units.
    pub(super) fn accept(&self, units: u32) -> CheckoutId {
        let mut inner = self.lock();
        inner.last += 1;
        inner.counts.accepted += 1;
        let id = CheckoutId(inner.last);
        inner.checkouts.insert(id, Checkout { state: State::Pending, units, begun: 0 });
        id
    }

    pub(super) fn complete(&self, id: CheckoutId) {
        self.end(id, State::Completed);
    }

    pub(super) fn compensate(&self, id: CheckoutId) {
        self.end(id, State::Compensated);
    }

    pub(super) fn fail(&self, id: CheckoutId) {
        self.end(id, State::Failed);
    }

    /// Ends a checkout, once; one from before a reset is not known any more.
    fn end(&self, id: CheckoutId, state: State) {
        let mut inner = self.lock();
        let Some(checkout) = inner.checkouts.get_mut(&id).filter(|c| c.state == State::Pending) else {
            return;
        };
        checkout.state = state;
        match state {
            State::Completed => inner.counts.completed += 1,
            State::Compensated => inner.counts.compensated += 1,
            State::Failed | State::Pending => inner.counts.failed += 1,
        }
    }

    pub(super) fn state(&self, id: CheckoutId) -> Option<State> {
        self.lock().checkouts.get(&id).map(|checkout| checkout.state)
    }

    /// Begins to handle an event of a checkout; its units, or none if there is nothing to do: it is not known any more, has
    /// ended, or the event was told before.
    pub(super) fn begin(&self, id: CheckoutId, happened: Happened) -> Option<u32> {
        let mut inner = self.lock();
        let checkout = inner.checkouts.get_mut(&id).filter(|c| c.state == State::Pending)?;
        let bit = 1_u8 << (happened as u8);
        let is_new = checkout.begun & bit == 0;
        checkout.begun |= bit;
        is_new.then_some(checkout.units)
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// How many ended checkouts are of a kind.
    pub(super) fn ended(&self, is_of_kind: impl Fn(CheckoutId, State, u32) -> bool) -> u64 {
        let inner = self.lock();
        let ended = inner.checkouts.iter().filter(|(_, checkout)| checkout.state != State::Pending);
        ended.filter(|(id, c)| is_of_kind(**id, c.state, c.units)).count() as u64
    }

    /// Forgets all checkouts; their numbers are not given again.
    pub(super) fn reset(&self) {
        let mut inner = self.lock();
        inner.checkouts.clear();
        inner.counts = Counts::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
