//! Orders: from created to completed, with the ways out (cancelled, returned, refunded).

use serde_json::{Value, json};

use super::{
    Aggregate,
    command::{Act, Command, Then, begin, delete, post, put, take_over},
    state::{add_part, cents, named_part, number as number_of, parts, remove_part, set},
};
use crate::shopstream::{
    fields::{Field, Object, any_text, list, number_from, object, text, texts, whole_from},
    refusal::Refusal,
};

pub(crate) static ORDER: Aggregate = Aggregate {
    kind: "order",
    domain: "ordering",
    name: "Order",
    id: "order_id",
    listed_by: Some("customer_id"),
    event_sourced: true,
};

/// The event that every order begins with.
pub(crate) const CREATED: &str = "OrderCreated";

/// The state that every order begins in.
pub(crate) const FIRST_STATUS: &str = "Created";

const ITEM: &[Field] = &[
    any_text("product_id"),
    any_text("variant_id"),
    any_text("sku"),
    any_text("title"),
    whole_from("quantity", 1),
    number_from("unit_price", 0.0),
];

/// An address to ship or bill to.
pub(crate) const ADDRESS: &[Field] = &[
    text("street", 255),
    text("city", 100),
    text("state", 100).optional(),
    text("postal_code", 20),
    text("country", 100),
];

const SHIPMENT: [Field; 4] = [
    any_text("shipment_id"),
    any_text("carrier"),
    any_text("tracking_number"),
    any_text("estimated_delivery").optional(),
];

const PAYMENT_ID: Field = any_text("payment_id");
const PAYMENT_METHOD: Field = any_text("payment_method");
const REASON: Field = any_text("reason");
const SHIPPABLE: &[&str] = &["Paid", "Processing", "Partially_Shipped"];
const OPEN: &[&str] = &[FIRST_STATUS];

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[
            any_text("customer_id"),
            list("items", ITEM),
            object("shipping_address", ADDRESS),
            object("billing_address", ADDRESS),
            number_from("shipping_cost", 0.0).or_number(0.0),
            number_from("tax_total", 0.0).or_number(0.0),
            number_from("discount_total", 0.0).or_number(0.0),
            text("currency", 3).or_text("USD"),
        ],
        to: Some(FIRST_STATUS),
        then: Then::Try(create),
        ..begin(&ORDER, "/orders", CREATED)
    },
    Command {
        fields: ITEM,
        from: OPEN,
        then: Then::Do(add_item),
        ..post(&ORDER, "/orders/{id}/items", "ItemAdded")
    },
    Command {
        from: OPEN,
        then: Then::Try(remove_item),
        ..delete(&ORDER, "/orders/{id}/items/{part}", "ItemRemoved")
    },
    Command {
        fields: &[whole_from("new_quantity", 1)],
        from: OPEN,
        then: Then::Try(change_quantity),
        ..put(&ORDER, "/orders/{id}/items/{part}/quantity", "ItemQuantityUpdated")
    },
    Command {
        fields: &[any_text("coupon_code")],
        from: OPEN,
        then: Then::TakeOver,
        ..post(&ORDER, "/orders/{id}/coupon", "CouponApplied")
    },
    Command { from: OPEN, to: Some("Confirmed"), ..put(&ORDER, "/orders/{id}/confirm", "OrderConfirmed") },
    Command {
        fields: &[PAYMENT_ID, PAYMENT_METHOD],
        from: &["Confirmed"],
        to: Some("Payment_Pending"),
        then: Then::TakeOver,
        ..put(&ORDER, "/orders/{id}/payment/pending", "PaymentPending")
    },
    Command {
        fields: &[PAYMENT_ID, number_from("amount", 0.0), PAYMENT_METHOD],
        from: &["Payment_Pending"],
        to: Some("Paid"),
        then: Then::Do(take_payment),
        ..put(&ORDER, "/orders/{id}/payment/success", "PaymentSucceeded")
    },
    Command {
        fields: &[PAYMENT_ID, REASON],
        from: &["Payment_Pending"],
        to: Some("Confirmed"),
        then: Then::Do(note_payment_failure),
        ..put(&ORDER, "/orders/{id}/payment/failure", "PaymentFailed")
    },
    Command {
        from: &["Paid"],
        to: Some("Processing"),
        ..put(&ORDER, "/orders/{id}/processing", "OrderProcessing")
    },
    Command {
        fields: &[SHIPMENT[0], SHIPMENT[1], SHIPMENT[2], SHIPMENT[3], texts("shipped_item_ids").optional()],
        from: SHIPPABLE,
        to: Some("Shipped"),
        then: Then::TakeOver,
        ..put(&ORDER, "/orders/{id}/ship", "OrderShipped")
    },
    Command {
        fields: &[SHIPMENT[0], SHIPMENT[1], SHIPMENT[2], SHIPMENT[3], texts("shipped_item_ids")],
        from: SHIPPABLE,
        to: Some("Partially_Shipped"),
        then: Then::TakeOver,
        ..put(&ORDER, "/orders/{id}/ship/partial", "OrderPartiallyShipped")
    },
    Command {
        from: &["Shipped"],
        to: Some("Delivered"),
        ..put(&ORDER, "/orders/{id}/deliver", "OrderDelivered")
    },
    Command {
        from: &["Delivered"],
        to: Some("Completed"),
        ..put(&ORDER, "/orders/{id}/complete", "OrderCompleted")
    },
    Command {
        fields: &[REASON],
        from: &["Delivered"],
        to: Some("Return_Requested"),
        then: Then::Do(note_return_reason),
        ..put(&ORDER, "/orders/{id}/return/request", "ReturnRequested")
    },
    Command {
        from: &["Return_Requested"],
        to: Some("Return_Approved"),
        ..put(&ORDER, "/orders/{id}/return/approve", "ReturnApproved")
    },
    Command {
        fields: &[texts("returned_item_ids").optional()],
        from: &["Return_Approved"],
        to: Some("Returned"),
        then: Then::TakeOver,
        ..put(&ORDER, "/orders/{id}/return/record", "OrderReturned")
    },
    Command {
        fields: &[REASON, any_text("cancelled_by")],
        from: &[FIRST_STATUS, "Confirmed", "Payment_Pending", "Paid"],
        to: Some("Cancelled"),
        repeatable: true,
        then: Then::Do(note_cancellation),
        ..put(&ORDER, "/orders/{id}/cancel", "OrderCancelled")
    },
    Command {
        fields: &[number_from("refund_amount", 0.0).optional()],
        from: &["Cancelled", "Returned"],
        to: Some("Refunded"),
        repeatable: true,
        then: Then::Do(refund),
        ..put(&ORDER, "/orders/{id}/refund", "OrderRefunded")
    },
];

fn create(act: &mut Act<'_>) -> Result<(), Refusal> {
    if parts(act.state, "items").next().is_none() {
        return Err(Refusal::rule("items", "An order needs at least one item"));
    }
    open(act.state, act.new_id);
    Ok(())
}

/// Completes the state of an order that begins: ids of its items, totals, an empty timeline.
pub(crate) fn open(state: &mut Object, new_id: fn() -> String) {
    if let Some(Value::Array(items)) = state.get_mut("items") {
        for item in items {
            item["id"] = new_id().into();
        }
    }
    set(state, json!({"status": FIRST_STATUS, "timeline": []}));
    sum_up(state);
}

fn add_item(act: &mut Act<'_>) {
    add_part(act, "items", "id");
    sum_up(act.state);
}

fn remove_item(act: &mut Act<'_>) -> Result<(), Refusal> {
    remove_part(act, "items", "id")?;
    sum_up(act.state);
    Ok(())
}

fn change_quantity(act: &mut Act<'_>) -> Result<(), Refusal> {
    let quantity = act.input.get("new_quantity").cloned();
    named_part(act, "items", "id")?.insert("quantity".to_owned(), quantity.into());
    sum_up(act.state);
    Ok(())
}

fn take_payment(act: &mut Act<'_>) {
    take_over(act);
    let amount = act.state.remove("amount");
    set(act.state, json!({"payment_amount": amount, "payment_status": "succeeded"}));
}

fn note_payment_failure(act: &mut Act<'_>) {
    let reason = act.input.get("reason");
    set(act.state, json!({"payment_status": "failed", "payment_failure_reason": reason}));
}

fn note_return_reason(act: &mut Act<'_>) {
    set(act.state, json!({"return_reason": act.input.get("reason")}));
}

fn note_cancellation(act: &mut Act<'_>) {
    let note = json!({
        "cancellation_reason": act.input.get("reason"),
        "cancelled_by": act.input.get("cancelled_by"),
    });
    set(act.state, note);
}

fn refund(act: &mut Act<'_>) {
    let amount = match act.input.get("refund_amount") {
        None | Some(Value::Null) => number_of(act.state, "grand_total"),
        Some(_) => number_of(act.input, "refund_amount"),
    };
    set(act.state, json!({"refund_amount": amount}));
}

fn sum_up(state: &mut Object) {
    let price = |item| number_of(item, "quantity") * number_of(item, "unit_price");
    let subtotal: f64 = parts(state, "items").map(price).sum();
    let surcharges = number_of(state, "shipping_cost") + number_of(state, "tax_total");
    let grand_total = subtotal + surcharges - number_of(state, "discount_total");
    let totals = json!({
        "item_count": parts(state, "items").count(),
        "subtotal": cents(subtotal),
        "grand_total": cents(grand_total.max(0.0)),
    });
    set(state, totals);
}
