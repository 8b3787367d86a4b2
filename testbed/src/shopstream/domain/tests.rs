//! The moves that are allowed and refused, checked on the tables without a server.

use serde_json::{Value, json};

use super::{Command, Given, commands, decide};
use crate::shopstream::{fields::Object, refusal::Refusal};

fn command(path: &str) -> &'static Command {
    commands().find(|command| command.path == path).unwrap()
}

fn run(path: &str, state: Option<Value>, input: &Value) -> Result<Option<Object>, String> {
    let given = Given {
        id: "id-1",
        state: state.map(|state| state.as_object().unwrap().clone()),
        input: input.as_object().unwrap(),
        part: None,
        parent: None,
        now: "2026-03-05 12:00:00.000000",
        new_id: || "new".to_owned(),
    };
    match decide(command(path), given) {
        Ok(decision) => Ok(decision.map(|decision| decision.state)),
        Err(Refusal::Rule { message, .. }) => Err(message),
        Err(other) => panic!("{other:?}"),
    }
}

/// The state after `path`, from an order in `status`.
fn order_after(status: &str, path: &str) -> Result<String, String> {
    let state = json!({"status": status, "grand_total": 10.0, "items": []});
    let path = format!("/orders/{{id}}/{path}");
    Ok(match run(&path, Some(state), &json!({}))? {
        None => status.to_owned(),
        Some(state) => state["status"].as_str().unwrap().to_owned(),
    })
}

#[test]
fn an_order_moves_along_its_states_only() {
    let allowed = [
        ("Created", "confirm", "Confirmed"),
        ("Confirmed", "payment/pending", "Payment_Pending"),
        ("Payment_Pending", "payment/success", "Paid"),
        ("Payment_Pending", "payment/failure", "Confirmed"),
        ("Paid", "processing", "Processing"),
        ("Paid", "ship", "Shipped"),
        ("Processing", "ship", "Shipped"),
        ("Processing", "ship/partial", "Partially_Shipped"),
        ("Partially_Shipped", "ship", "Shipped"),
        ("Shipped", "deliver", "Delivered"),
        ("Delivered", "complete", "Completed"),
        ("Delivered", "return/request", "Return_Requested"),
        ("Return_Requested", "return/approve", "Return_Approved"),
        ("Return_Approved", "return/record", "Returned"),
        ("Returned", "refund", "Refunded"),
        ("Cancelled", "refund", "Refunded"),
        ("Created", "cancel", "Cancelled"),
        ("Paid", "cancel", "Cancelled"),
        ("Cancelled", "cancel", "Cancelled"),
        ("Refunded", "refund", "Refunded"),
        ("Created", "items", "Created"),
    ];
    for (from, path, to) in allowed {
        assert_eq!(order_after(from, path).as_deref(), Ok(to), "{from} {path}");
    }
    let refused = [
        ("Confirmed", "payment/success", "Cannot transition from Confirmed to Paid"),
        ("Created", "payment/pending", "Cannot transition from Created to Payment_Pending"),
        ("Confirmed", "confirm", "Cannot transition from Confirmed to Confirmed"),
        ("Confirmed", "ship", "Cannot transition from Confirmed to Shipped"),
        ("Shipped", "cancel", "Cannot transition from Shipped to Cancelled"),
        ("Completed", "return/request", "Cannot transition from Completed to Return_Requested"),
        ("Paid", "refund", "Cannot transition from Paid to Refunded"),
        ("Confirmed", "items", "Not allowed while Confirmed"),
    ];
    for (from, path, message) in refused {
        assert_eq!(order_after(from, path), Err(message.to_owned()), "{from} {path}");
    }
}

#[test]
fn an_order_has_totals_item_ids_and_a_timeline_from_the_start() {
    let input = json!({
        "items": [{"quantity": 3, "unit_price": 0.1}, {"quantity": 1, "unit_price": 29.99}],
        "shipping_cost": 5.99, "tax_total": 3.0, "discount_total": 1.0,
    });
    let order = run("/orders", None, &input).unwrap().unwrap();
    assert_eq!(order["subtotal"], 30.29);
    assert_eq!(order["grand_total"], 38.28);
    assert_eq!(order["items"][0]["id"], "new");
    assert_eq!(order["order_id"], "id-1");
    assert_eq!(order["timeline"][0]["event_type"], "OrderCreated");
    assert_eq!(order["timeline"][0]["status"], "Created");
}

#[test]
fn a_product_needs_a_variant_before_it_is_activated_and_goes_one_way() {
    let product = |status: &str, variants: Value| Some(json!({"status": status, "variants": variants}));
    let activate = "/products/{id}/activate";
    assert!(run(activate, product("Draft", json!([])), &json!({})).is_err());
    let active = run(activate, product("Draft", json!([{}])), &json!({}));
    assert_eq!(active.unwrap().unwrap()["status"], "Active");
    for (path, status) in [
        ("/products/{id}/archive", "Active"),
        ("/products/{id}/discontinue", "Draft"),
        (activate, "Archived"),
    ] {
        assert!(run(path, product(status, json!([{}])), &json!({})).is_err(), "{path}");
    }
}

#[test]
fn a_tier_only_rises() {
    let tier = |from: &str, to: &str| {
        let customer = json!({"status": "Active", "tier": from});
        run("/customers/{id}/tier", Some(customer), &json!({"new_tier": to})).is_ok()
    };
    assert!(tier("Standard", "Silver") && tier("Silver", "Platinum"));
    assert!(!tier("Silver", "Silver") && !tier("Gold", "Silver") && !tier("Gold", "Tin"));
}

#[test]
fn a_payment_is_refunded_up_to_its_amount() {
    let refunds = json!([{"refund_id": "r1", "amount": 30.0, "status": "Requested"}]);
    let payment = json!({
        "status": "Succeeded", "amount": 50.0, "total_refunded": 0.0, "refunds": refunds,
    });
    let refund =
        |amount: f64| run("/payments/{id}/refund", Some(payment.clone()), &json!({"amount": amount}));
    assert_eq!(refund(20.01), Err("Only 20 left to refund".to_owned()));
    assert!(refund(20.0).is_ok());
    let confirm = json!({"refund_id": "r1"});
    let after = run("/payments/refund/webhook", Some(payment.clone()), &confirm);
    let after = after.unwrap().unwrap();
    assert_eq!(after["status"], "Partially_Refunded");
    assert_eq!(after["total_refunded"], 30.0);
    assert!(run("/payments/refund/webhook", Some(Value::Object(after)), &confirm).is_err());
}

#[test]
fn a_payment_is_tried_three_times_at_most() {
    let retry = |attempts: i64| {
        let payment = json!({"status": "Failed", "attempt_count": attempts});
        run("/payments/{id}/retry", Some(payment), &json!({}))
    };
    assert_eq!(retry(2).unwrap().unwrap()["attempt_count"], 3);
    assert!(retry(3).is_err());
}

#[test]
fn an_empty_cart_is_not_checked_out() {
    let cart = json!({"status": "Active", "items": []});
    assert!(run("/carts/{id}/checkout", Some(cart), &json!({})).is_err());
}
