//! What one context makes of another's events: orders and their payments.
//!
//! ```text
//! PaymentSucceeded ──► the order becomes Paid or, if it was cancelled meanwhile, the payment is refunded
//! OrderCancelled   ──► a payment that has succeeded already is refunded
//! ```
//!
//! So whichever of cancellation and payment comes first, no cancelled order stays paid for.

use serde_json::{Value, json};

use super::{
    Shop, domain,
    fields::Object,
    handling::{Instruction, carry_out},
    refusal::Refusal,
    streams::Message,
};

/// Reacts to an event, if its kind calls for it.
pub(super) fn react(shop: &Shop, message: &Message) -> Result<(), Refusal> {
    match message.event.as_str() {
        "PaymentSucceeded" if message.stream.aggregate == "payment" => settle_order(shop, &state(message)),
        "OrderCancelled" => refund_cancelled(shop, text(&state(message), "payment_id")),
        _ => Ok(()),
    }
}

fn settle_order(shop: &Shop, payment: &Object) -> Result<(), Refusal> {
    let input = json!({
        "payment_id": payment.get("payment_id"),
        "amount": payment.get("amount"),
        "payment_method": payment.get("payment_method_type"),
    });
    let order_id = text(payment, "order_id");
    match ask(shop, "PaymentSucceeded", order_id, input) {
        // An order that nobody knows, or that has heard of it already, wants nothing more.
        Err(Refusal::Unknown { .. }) => Ok(()),
        Err(Refusal::Rule { .. }) => {
            let order = shop.store.context("ordering").load(aggregate("order"), order_id)?;
            let cancelled = order.is_some_and(|(order, _)| text(&order, "status") == "Cancelled");
            if cancelled { refund(shop, payment) } else { Ok(()) }
        }
        other => other,
    }
}

fn refund_cancelled(shop: &Shop, payment_id: &str) -> Result<(), Refusal> {
    let payment = shop.store.context("payments").load(aggregate("payment"), payment_id)?;
    match payment {
        Some((payment, _)) if text(&payment, "status") == "Succeeded" => refund(shop, &payment),
        _ => Ok(()),
    }
}

/// Asks the gateway for all of a payment back, once.
fn refund(shop: &Shop, payment: &Object) -> Result<(), Refusal> {
    let input = json!({"amount": payment.get("amount"), "reason": "Order cancelled"});
    match ask(shop, "RefundRequested", text(payment, "payment_id"), input) {
        // All of it is on its way back already.
        Err(Refusal::Rule { .. }) => Ok(()),
        other => other,
    }
}

fn ask(shop: &Shop, event: &'static str, id: &str, input: Value) -> Result<(), Refusal> {
    let command = domain::command_on_path(event);
    let input = serde_json::from_value(input).unwrap_or_default();
    carry_out(shop, Instruction { command, id: id.to_owned(), part: None, input, priority: 0 }).map(drop)
}

fn aggregate(kind: &str) -> &'static domain::Aggregate {
    domain::aggregate(kind).expect("reactions are to known aggregates")
}

fn state(message: &Message) -> Object {
    serde_json::from_str(&message.payload).unwrap_or_default()
}

fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or("")
}
