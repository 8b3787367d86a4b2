//! The events of a saga.

use serde::{Deserialize, Serialize};

/// What has happened to a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Happened {
    CheckoutStarted,
    StockReserved,
    PaymentCharged,
    PaymentDeclined,
    OrderConfirmed,
    StockReleased,
}

/// An event of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) happened: Happened,
    pub(super) checkout: u64,
}
