//! Shopping carts, until they are abandoned or become an order.

use serde_json::{Value, json};

use super::{
    Aggregate,
    command::{Act, Answer, Birth, Command, Then, begin, delete, newborn, post, put, tell_timeline},
    order,
    state::{add_part, named_part, parts, remove_part, set, text as text_of, whole as whole_of},
};
use crate::shopstream::{
    fields::{Object, any_text, object, whole_from},
    refusal::Refusal,
};

pub(crate) static CART: Aggregate = Aggregate {
    kind: "shopping_cart",
    domain: "ordering",
    name: "ShoppingCart",
    id: "cart_id",
    listed_by: Some("customer_id"),
    event_sourced: false,
};

const OPEN: &[&str] = &["Active"];

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[any_text("customer_id").optional(), any_text("session_id").optional()],
        to: Some("Active"),
        then: Then::Do(create),
        ..begin(&CART, "/carts", "CartCreated")
    },
    Command {
        fields: &[any_text("product_id"), any_text("variant_id"), whole_from("quantity", 1).or_whole(1)],
        from: OPEN,
        then: Then::Do(add_item),
        ..post(&CART, "/carts/{id}/items", "CartItemAdded")
    },
    Command {
        fields: &[whole_from("new_quantity", 1)],
        from: OPEN,
        then: Then::Try(change_quantity),
        ..put(&CART, "/carts/{id}/items/{part}", "CartQuantityUpdated")
    },
    Command {
        from: OPEN,
        then: Then::Try(remove_item),
        ..delete(&CART, "/carts/{id}/items/{part}", "CartItemRemoved")
    },
    Command {
        fields: &[any_text("coupon_code")],
        from: OPEN,
        then: Then::Do(apply_coupon),
        ..post(&CART, "/carts/{id}/coupons", "CartCouponApplied")
    },
    Command {
        fields: &[
            object("shipping", order::ADDRESS),
            object("billing", order::ADDRESS),
            any_text("payment_method").optional(),
        ],
        from: OPEN,
        to: Some("Converted"),
        then: Then::Try(check_out),
        answer: Answer::Made(201, "order_id"),
        ..post(&CART, "/carts/{id}/checkout", "CartConverted")
    },
    Command { from: OPEN, to: Some("Abandoned"), ..put(&CART, "/carts/{id}/abandon", "CartAbandoned") },
];

fn create(act: &mut Act<'_>) {
    set(act.state, json!({"items": [], "item_count": 0, "coupons": []}));
}

fn add_item(act: &mut Act<'_>) {
    add_part(act, "items", "id");
    count_items(act);
}

fn change_quantity(act: &mut Act<'_>) -> Result<(), Refusal> {
    let quantity = whole_of(act.input, "new_quantity");
    named_part(act, "items", "id")?.insert("quantity".to_owned(), quantity.into());
    Ok(())
}

fn remove_item(act: &mut Act<'_>) -> Result<(), Refusal> {
    remove_part(act, "items", "id")?;
    count_items(act);
    Ok(())
}

fn apply_coupon(act: &mut Act<'_>) {
    if let Some(Value::Array(coupons)) = act.state.get_mut("coupons") {
        coupons.push(text_of(act.input, "coupon_code").into());
    }
}

fn count_items(act: &mut Act<'_>) {
    let count = parts(act.state, "items").count();
    set(act.state, json!({"item_count": count}));
}

fn check_out(act: &mut Act<'_>) -> Result<(), Refusal> {
    if parts(act.state, "items").next().is_none() {
        return Err(Refusal::rule("items", "An empty cart cannot be checked out"));
    }
    let id = (act.new_id)();
    let mut state = newborn(&order::ORDER, &id, Object::new(), act.now);
    set(&mut state, order_of(act));
    order::open(&mut state, act.new_id);
    tell_timeline(&mut state, order::CREATED, act.now);
    act.births.push(Birth { aggregate: &order::ORDER, id: id.clone(), state, event: order::CREATED });
    set(act.state, json!({"order_id": id}));
    act.made = Some(id);
    Ok(())
}

/// The fields of the order that a cart becomes. A cart knows no prices, so they are 0.
fn order_of(act: &Act<'_>) -> Value {
    let item = |item| {
        let (product, variant) = (text_of(item, "product_id"), text_of(item, "variant_id"));
        json!({
            "product_id": product, "variant_id": variant, "sku": variant, "title": product,
            "quantity": whole_of(item, "quantity"), "unit_price": 0.0,
        })
    };
    json!({
        "customer_id": act.state.get("customer_id"),
        "items": parts(act.state, "items").map(item).collect::<Value>(),
        "shipping_address": act.input.get("shipping"),
        "billing_address": act.input.get("billing"),
        "payment_method": act.input.get("payment_method"),
        "shipping_cost": 0.0, "tax_total": 0.0, "discount_total": 0.0, "currency": "USD",
    })
}
