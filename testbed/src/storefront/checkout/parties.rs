//! The parties that a checkout calls, and their books. Outside of the service: both forms call
//! the same ones, and wait for them here and nowhere else.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Semaphore, time::sleep};

use super::{
    Outside,
    register::{CheckoutId, State},
};
use crate::random::unit;

/// Which payments are declined.
const SEED: u64 = 41;

/// Inventory, payment provider and order desk.
pub(super) struct Parties {
    outside: Outside,
    payment_slots: Semaphore,
    books: Mutex<HashMap<CheckoutId, Entry>>,
}

/// What the parties have written down of a checkout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    reserved: u32,
    charges: u32,
    orders: u32,
}

/// What the books come to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) reserved: u64,
    pub(super) charges: u64,
    pub(super) orders: u64,
}

impl Parties {
    pub(super) fn new(outside: Outside) -> Self {
        Self {
            outside,
            payment_slots: Semaphore::new(outside.payment_slots.get()),
            books: Mutex::new(HashMap::new()),
        }
    }

    /// Puts units aside.
    pub(super) async fn reserve(&self, id: CheckoutId, units: u32) {
        sleep(self.outside.inventory_time).await;
        self.lock().entry(id).or_default().reserved += units;
    }

    /// Gives the units back.
    pub(super) async fn release(&self, id: CheckoutId) {
        sleep(self.outside.inventory_time).await;
        self.lock().entry(id).or_default().reserved = 0;
    }

    /// Charges the payment; whether it was accepted. Waits for a free slot, first come, first served.
    pub(super) async fn charge(&self, id: CheckoutId) -> bool {
        let slot = self.payment_slots.acquire().await;
        sleep(self.outside.payment_time).await;
        drop(slot);
        if unit(SEED, id.0) < self.outside.decline {
            return false;
        }
        self.lock().entry(id).or_default().charges += 1;
        true
    }

    /// Writes the order.
    pub(super) async fn confirm(&self, id: CheckoutId) {
        sleep(self.outside.order_time).await;
        self.lock().entry(id).or_default().orders += 1;
    }

    /// Whether the books say otherwise than the state of an ended checkout.
    pub(super) fn contradicts(&self, id: CheckoutId, state: State, units: u32) -> bool {
        let entry = self.lock().get(&id).copied().unwrap_or_default();
        match state {
            State::Completed => entry != Entry { reserved: units, charges: 1, orders: 1 },
            State::Compensated => entry != Entry::default(),
            State::Failed | State::Pending => false,
        }
    }

    pub(super) fn totals(&self) -> Totals {
        self.lock().values().fold(Totals::default(), |sum, entry| Totals {
            reserved: sum.reserved + u64::from(entry.reserved),
            charges: sum.charges + u64::from(entry.charges),
            orders: sum.orders + u64::from(entry.orders),
        })
    }

    pub(super) fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CheckoutId, Entry>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
