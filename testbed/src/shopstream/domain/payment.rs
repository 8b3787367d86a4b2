//! Payments: attempts, the gateway's word on them, and refunds.

use serde_json::json;

use super::{
    Aggregate,
    command::{Act, Answer, Command, On, Then, begin, post},
    state::{
        add_part, cents, number as number_of, part_with_id, parts, set, text as text_of, whole as whole_of,
    },
};
use crate::shopstream::{
    fields::{any_text, number_above, text},
    refusal::Refusal,
};

const MOST_ATTEMPTS: i64 = 3;

/// What the gateway says when the money has moved; anything else is a failure.
const GATEWAY_SUCCESS: &str = "succeeded";

/// The header that the gateway signs its webhooks with.
const GATEWAY_SIGNATURE: &str = "x-gateway-signature";

pub(crate) static PAYMENT: Aggregate = Aggregate {
    kind: "payment",
    domain: "payments",
    name: "Payment",
    id: "payment_id",
    listed_by: Some("customer_id"),
    event_sourced: true,
};

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[
            any_text("order_id"),
            any_text("customer_id"),
            number_above("amount", 0.0),
            text("currency", 3).or_text("USD"),
            any_text("payment_method_type"),
            text("last4", 4).optional(),
            any_text("idempotency_key"),
        ],
        to: Some("Pending"),
        then: Then::Do(initiate),
        ..begin(&PAYMENT, "/payments", "PaymentInitiated")
    },
    Command {
        on: On::Body("payment_id"),
        fields: &[
            any_text("payment_id"),
            any_text("gateway_status"),
            any_text("gateway_transaction_id").optional(),
            any_text("failure_reason").optional(),
        ],
        from: &["Pending"],
        then: Then::Do(hear_gateway),
        signature: Some(GATEWAY_SIGNATURE),
        answer: Answer::Status(200, "processed"),
        ..post(&PAYMENT, "/payments/webhook", "PaymentSucceeded")
    },
    Command {
        from: &["Failed"],
        to: Some("Pending"),
        then: Then::Try(retry),
        answer: Answer::Status(200, "retry_initiated"),
        ..post(&PAYMENT, "/payments/{id}/retry", "PaymentRetryInitiated")
    },
    Command {
        fields: &[number_above("amount", 0.0), any_text("reason")],
        from: &["Succeeded", "Partially_Refunded"],
        then: Then::Try(request_refund),
        answer: Answer::Made(200, "refund_id"),
        ..post(&PAYMENT, "/payments/{id}/refund", "RefundRequested")
    },
    Command {
        on: On::Body("payment_id"),
        fields: &[any_text("payment_id"), any_text("refund_id"), any_text("gateway_refund_id")],
        from: &["Succeeded", "Partially_Refunded"],
        then: Then::Try(complete_refund),
        signature: Some(GATEWAY_SIGNATURE),
        answer: Answer::Status(200, "refund_processed"),
        ..post(&PAYMENT, "/payments/refund/webhook", "RefundCompleted")
    },
];

fn initiate(act: &mut Act<'_>) {
    let first = json!({
        "attempt_count": 1, "failure_reason": null, "total_refunded": 0.0, "refunds": [],
        "gateway_transaction_id": null,
    });
    set(act.state, first);
}

fn hear_gateway(act: &mut Act<'_>) {
    let succeeded = text_of(act.input, "gateway_status") == GATEWAY_SUCCESS;
    let heard = if succeeded {
        let transaction = act.input.get("gateway_transaction_id");
        json!({"status": "Succeeded", "gateway_transaction_id": transaction})
    } else {
        act.event = "PaymentFailed";
        json!({"status": "Failed", "failure_reason": act.input.get("failure_reason")})
    };
    set(act.state, heard);
}

fn retry(act: &mut Act<'_>) -> Result<(), Refusal> {
    let attempts = whole_of(act.state, "attempt_count");
    if attempts >= MOST_ATTEMPTS {
        let message = format!("At most {MOST_ATTEMPTS} attempts");
        return Err(Refusal::rule("attempt_count", message));
    }
    let again = json!({"attempt_count": attempts + 1, "failure_reason": null});
    set(act.state, again);
    Ok(())
}

fn request_refund(act: &mut Act<'_>) -> Result<(), Refusal> {
    let asked: f64 = parts(act.state, "refunds").map(|refund| number_of(refund, "amount")).sum();
    let left = cents(number_of(act.state, "amount") - asked);
    if number_of(act.input, "amount") > left {
        return Err(Refusal::rule("amount", format!("Only {left} left to refund")));
    }
    let id = add_part(act, "refunds", "refund_id");
    let refund = part_with_id(act.state, "refunds", "refund_id", &id)?;
    set(refund, json!({"status": "Requested"}));
    act.made = Some(id);
    Ok(())
}

fn complete_refund(act: &mut Act<'_>) -> Result<(), Refusal> {
    let id = text_of(act.input, "refund_id");
    let refund = part_with_id(act.state, "refunds", "refund_id", id)?;
    if text_of(refund, "status") == "Completed" {
        return Err(Refusal::rule("refund_id", "The refund is completed already"));
    }
    let amount = number_of(refund, "amount");
    set(refund, json!({"status": "Completed"}));
    let refunded = cents(number_of(act.state, "total_refunded") + amount);
    let status = if refunded >= number_of(act.state, "amount") { "Refunded" } else { "Partially_Refunded" };
    set(act.state, json!({"total_refunded": refunded, "status": status}));
    Ok(())
}
