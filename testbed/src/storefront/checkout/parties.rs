//! The parties that a checkout calls, and their books. Outside of the service: both forms call
//! the same ones, and wait for them here and nowhere else.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::sleep;

use super::{
    Outside,
    payment::Payment,
    register::{CheckoutId, State},
};
use crate::storefront::Form;

/// Inventory, payment provider and order desk.
pub(super) struct Parties {
    outside: Outside,
    payment: Payment,
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
    pub(super) fn new(outside: Outside, form: Form) -> Self {
        Self { outside, payment: Payment::new(&outside, form), books: Mutex::new(HashMap::new()) }
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

    /// Charges the payment; whether it was accepted.
    pub(super) async fn charge(&self, id: CheckoutId) -> bool {
        if !self.payment.charge(id.0).await {
            return false;
        }
        self.lock().entry(id).or_default().charges += 1;
        true
    }

    /// Whether the payment provider is being left alone.
    pub(super) fn leaves_payment_alone(&self) -> bool {
        self.payment.is_left_alone()
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
