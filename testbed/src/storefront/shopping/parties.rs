//! The parties that a plan calls, and their books. Outside of the service: both forms call the
//! same ones, and these fail with one probability, whoever calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::plan::Step;
use crate::random::unit;

/// Which calls fail.
const SEED: u64 = 61;

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Cart,
    Inventory,
    Payment,
    OrderDesk,
}

impl Party {
    /// How many there are.
    pub(super) const COUNT: usize = 4;

    /// Who does a step.
    pub(super) fn of(step: &Step) -> Self {
        match step {
            Step::AddToCart(_) => Self::Cart,
            Step::ReserveStock => Self::Inventory,
            Step::ChargePayment => Self::Payment,
            Step::ConfirmOrder => Self::OrderDesk,
        }
    }
}

/// The number of an order, from 1; never given twice.
pub(super) type OrderNumber = u64;

/// No answer came. Whether the call had an effect, the caller cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoAnswer;

/// A call of a party for a step of an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) order: OrderNumber,
    /// The place of the step in its plan.
    pub(super) step: usize,
    /// Whether it carries an idempotency key: a party that has had its effect does not have it twice.
    pub(super) has_key: bool,
}

/// All parties.
pub(super) struct Parties {
    /// How long each takes to answer.
    call_time: Duration,
    /// Share of the calls without an answer; half of them have had their effect.
    failure: f64,
    calls: AtomicU64,
    failures: AtomicU64,
    books: Mutex<BTreeMap<OrderNumber, BTreeMap<usize, u32>>>,
}

impl Parties {
    pub(super) fn new(call_time: Duration, failure: f64) -> Self {
        Self {
            call_time,
            failure,
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            books: Mutex::new(BTreeMap::new()),
        }
    }

    /// Has a step done.
    pub(super) async fn call(&self, call: Call) -> Result<(), NoAnswer> {
        tokio::time::sleep(self.call_time).await;
        let lot = unit(SEED, self.calls.fetch_add(1, Relaxed));
        if lot >= self.failure / 2.0 {
            self.apply(call);
        }
        if lot < self.failure {
            self.failures.fetch_add(1, Relaxed);
            return Err(NoAnswer);
        }
        Ok(())
    }

    /// Takes the effects of an order back, where the answer comes.
    pub(super) async fn undo(&self, order: OrderNumber) -> Result<(), NoAnswer> {
        tokio::time::sleep(self.call_time).await;
        if unit(SEED, self.calls.fetch_add(1, Relaxed)) < self.failure {
            self.failures.fetch_add(1, Relaxed);
            return Err(NoAnswer);
        }
        self.lock().remove(&order);
        Ok(())
    }

    fn apply(&self, call: Call) {
        let mut books = self.lock();
        let times = books.entry(call.order).or_default().entry(call.step).or_default();
        if !(call.has_key && *times > 0) {
            *times += 1;
        }
    }

    /// The steps of an order that had their effect, by their places.
    pub(super) fn done(&self, order: OrderNumber) -> BTreeSet<usize> {
        self.lock().get(&order).map(|steps| steps.keys().copied().collect()).unwrap_or_default()
    }

    /// Effects beyond the first of a step.
    pub(super) fn duplicates(&self) -> u64 {
        self.lock().values().flat_map(BTreeMap::values).map(|times| u64::from(times - 1)).sum()
    }

    /// Effects of orders of a kind.
    pub(super) fn effects(&self, is_of_kind: impl Fn(OrderNumber) -> bool) -> u64 {
        let books = self.lock();
        let kind = books.iter().filter(|(order, _)| is_of_kind(**order));
        kind.map(|(_, steps)| steps.len() as u64).sum()
    }

    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    pub(super) fn reset(&self) {
        self.calls.store(0, Relaxed);
        self.failures.store(0, Relaxed);
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OrderNumber, BTreeMap<usize, u32>>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
