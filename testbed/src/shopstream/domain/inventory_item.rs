//! Stock of one variant in one warehouse: on hand, reserved, damaged, and what is left to sell.

use serde_json::{Value, json};

use super::{
    Aggregate,
    command::{Act, Answer, Command, Then, begin, post, put},
    state::{add_part, named_part, part_with_id, set, text as text_of, whole as whole_of},
};
use crate::shopstream::{
    fields::{Object, any_text, text, whole, whole_from},
    refusal::Refusal,
};

pub(crate) static INVENTORY_ITEM: Aggregate = Aggregate {
    kind: "inventory_item",
    domain: "inventory",
    name: "InventoryItem",
    id: "inventory_item_id",
    listed_by: Some("product_id"),
    event_sourced: true,
};

/// The event whose lost check oversells.
pub(crate) const RESERVED: &str = "StockReserved";

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[
            any_text("product_id"),
            any_text("variant_id"),
            any_text("warehouse_id"),
            text("sku", 50),
            whole_from("initial_quantity", 0).or_whole(0),
            whole_from("reorder_point", 0).or_whole(10),
            whole_from("reorder_quantity", 0).or_whole(50),
        ],
        to: Some("Active"),
        then: Then::Do(initialize),
        ..begin(&INVENTORY_ITEM, "/inventory", "StockInitialized")
    },
    Command {
        fields: &[whole_from("quantity", 1), any_text("reference").optional()],
        then: Then::Do(|act| {
            let quantity = whole_of(act.input, "quantity");
            change(act.state, quantity, 0, 0);
        }),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/receive", "StockReceived")
    },
    Command {
        fields: &[
            any_text("order_id"),
            whole_from("quantity", 1),
            whole_from("expires_in_minutes", 1).or_whole(15),
        ],
        then: Then::Try(reserve),
        answer: Answer::Made(201, "reservation_id"),
        ..post(&INVENTORY_ITEM, "/inventory/{id}/reserve", RESERVED)
    },
    Command {
        fields: &[any_text("reason")],
        then: Then::Try(|act| settle(act, &["Reserved", "Confirmed"], "Released", |n| (0, -n))),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/reservations/{part}/release", "ReservationReleased")
    },
    Command {
        then: Then::Try(|act| settle(act, &["Reserved"], "Confirmed", |_| (0, 0))),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/reservations/{part}/confirm", "ReservationConfirmed")
    },
    Command {
        then: Then::Try(|act| settle(act, &["Reserved", "Confirmed"], "Committed", |n| (-n, -n))),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/commit/{part}", "StockCommitted")
    },
    Command {
        fields: &[
            whole("quantity_change"),
            any_text("adjustment_type"),
            any_text("reason"),
            any_text("adjusted_by"),
        ],
        then: Then::Try(adjust),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/adjust", "StockAdjusted")
    },
    Command {
        fields: &[whole_from("quantity", 1), any_text("reason")],
        then: Then::Try(mark_damaged),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/damage", "StockMarkedDamaged")
    },
    Command {
        fields: &[whole_from("quantity", 1), any_text("approved_by")],
        then: Then::Try(write_off),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/damage/write-off", "DamagedStockWrittenOff")
    },
    Command {
        fields: &[whole_from("quantity", 1), any_text("order_id")],
        then: Then::Do(|act| {
            let quantity = whole_of(act.input, "quantity");
            change(act.state, quantity, 0, 0);
        }),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/return", "StockReturned")
    },
    Command {
        fields: &[whole_from("counted_quantity", 0), any_text("checked_by")],
        then: Then::Do(|act| {
            let counted = whole_of(act.input, "counted_quantity");
            set(act.state, json!({"last_check": {"counted": counted, "on_hand": act.state.get("on_hand")}}));
        }),
        ..put(&INVENTORY_ITEM, "/inventory/{id}/stock-check", "StockCheckRecorded")
    },
];

fn initialize(act: &mut Act<'_>) {
    let quantity = whole_of(act.input, "initial_quantity");
    let nothing = json!({"on_hand": 0, "reserved": 0, "damaged": 0, "available": 0, "reservations": []});
    set(act.state, nothing);
    change(act.state, quantity, 0, 0);
}

/// Moves stock by these many units; what is available follows.
fn change(state: &mut Object, on_hand: i64, reserved: i64, damaged: i64) {
    let levels = json!({
        "on_hand": whole_of(state, "on_hand") + on_hand,
        "reserved": whole_of(state, "reserved") + reserved,
        "damaged": whole_of(state, "damaged") + damaged,
        "available": whole_of(state, "available") + on_hand - reserved - damaged,
    });
    set(state, levels);
}

/// Refuses what needs more units than are available.
fn need(state: &Object, asked: i64) -> Result<(), Refusal> {
    let available = whole_of(state, "available");
    if asked > available { Err(Refusal::InsufficientStock { available, asked }) } else { Ok(()) }
}

fn reserve(act: &mut Act<'_>) -> Result<(), Refusal> {
    let quantity = whole_of(act.input, "quantity");
    need(act.state, quantity)?;
    let id = add_part(act, "reservations", "reservation_id");
    set(part_with_id(act.state, "reservations", "reservation_id", &id)?, json!({"status": "Reserved"}));
    change(act.state, 0, quantity, 0);
    act.made = Some(id);
    Ok(())
}

/// Moves a reservation on; `moved` says by how much on-hand and reserved stock change.
fn settle(
    act: &mut Act<'_>,
    from: &[&str],
    to: &'static str,
    moved: fn(i64) -> (i64, i64),
) -> Result<(), Refusal> {
    let reservation = named_part(act, "reservations", "reservation_id")?;
    let status = text_of(reservation, "status");
    if !from.contains(&status) {
        return Err(Refusal::rule("status", format!("Cannot transition from {status} to {to}")));
    }
    let quantity = whole_of(reservation, "quantity");
    reservation.insert("status".to_owned(), Value::from(to));
    let (on_hand, reserved) = moved(quantity);
    change(act.state, on_hand, reserved, 0);
    Ok(())
}

fn adjust(act: &mut Act<'_>) -> Result<(), Refusal> {
    let quantity = whole_of(act.input, "quantity_change");
    if whole_of(act.state, "on_hand") + quantity < 0 {
        return Err(Refusal::rule("quantity_change", "On-hand stock cannot become negative"));
    }
    change(act.state, quantity, 0, 0);
    Ok(())
}

fn mark_damaged(act: &mut Act<'_>) -> Result<(), Refusal> {
    let quantity = whole_of(act.input, "quantity");
    if quantity > whole_of(act.state, "available") {
        return Err(Refusal::rule("quantity", "Only unreserved stock can be marked as damaged"));
    }
    change(act.state, 0, 0, quantity);
    Ok(())
}

fn write_off(act: &mut Act<'_>) -> Result<(), Refusal> {
    let quantity = whole_of(act.input, "quantity");
    if quantity > whole_of(act.state, "damaged") {
        return Err(Refusal::rule("quantity", "Only damaged stock can be written off"));
    }
    change(act.state, -quantity, 0, -quantity);
    Ok(())
}
