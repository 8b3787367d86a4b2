//! Invoices, which can be voided once.

use serde_json::json;

use super::{
    Aggregate,
    command::{Act, Answer, Command, Then, begin, put},
    state::{cents, number as number_of, parts, set},
};
use crate::shopstream::fields::{any_text, list, number_from, whole_from};

pub(crate) static INVOICE: Aggregate = Aggregate {
    kind: "invoice",
    domain: "payments",
    name: "Invoice",
    id: "invoice_id",
    listed_by: Some("customer_id"),
    event_sourced: false,
};

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[
            any_text("order_id"),
            any_text("customer_id"),
            list(
                "line_items",
                &[any_text("description"), whole_from("quantity", 0), number_from("unit_price", 0.0)],
            ),
            number_from("tax", 0.0).or_number(0.0),
        ],
        to: Some("Issued"),
        then: Then::Do(issue),
        ..begin(&INVOICE, "/invoices", "InvoiceGenerated")
    },
    Command {
        fields: &[any_text("reason")],
        from: &["Issued"],
        to: Some("Voided"),
        answer: Answer::Status(200, "voided"),
        ..put(&INVOICE, "/invoices/{id}/void", "InvoiceVoided")
    },
];

fn issue(act: &mut Act<'_>) {
    let price = |line| number_of(line, "quantity") * number_of(line, "unit_price");
    let subtotal: f64 = parts(act.state, "line_items").map(price).sum();
    let total = subtotal + number_of(act.state, "tax");
    set(act.state, json!({"subtotal": cents(subtotal), "total": cents(total)}));
}
