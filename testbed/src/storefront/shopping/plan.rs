//! From what is wanted to the steps that bring it about.

use serde::{Deserialize, Serialize};

use super::intent::{Intent, Item};

/// What an executor does, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
}

/// One call of one party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(super) enum Step {
    AddToCart(Item),
    ReserveStock,
    ChargePayment,
    ConfirmOrder,
}

impl Plan {
    /// The steps for an intent.
    pub(super) fn of(intent: &Intent) -> Self {
        let mut steps: Vec<Step> = intent.items.iter().cloned().map(Step::AddToCart).collect();
        if intent.check_out {
            steps.extend([Step::ReserveStock, Step::ChargePayment, Step::ConfirmOrder]);
        }
        Self { steps }
    }
}
