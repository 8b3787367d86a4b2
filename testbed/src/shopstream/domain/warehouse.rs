//! Warehouses and their zones.

use serde_json::json;

use super::{
    Aggregate,
    command::{Act, Answer, Command, Then, begin, delete, post, put},
    order::ADDRESS,
    state::{add_part, remove_part, set, text as text_of},
};
use crate::shopstream::{
    fields::{any_text, object, text, whole_from},
    refusal::Refusal,
};

const ZONE_TYPES: [&str; 3] = ["Regular", "Cold", "Hazmat"];
const ACTIVE: &[&str] = &["Active"];

pub(crate) static WAREHOUSE: Aggregate = Aggregate {
    kind: "warehouse",
    domain: "inventory",
    name: "Warehouse",
    id: "warehouse_id",
    listed_by: None,
    event_sourced: false,
};

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[text("name", 255), object("address", ADDRESS), whole_from("capacity", 0).or_whole(0)],
        to: Some("Active"),
        then: Then::Do(|act| set(act.state, json!({"zones": []}))),
        ..begin(&WAREHOUSE, "/warehouses", "WarehouseCreated")
    },
    Command {
        fields: &[text("name", 255).optional(), whole_from("capacity", 0).optional()],
        then: Then::TakeOver,
        ..put(&WAREHOUSE, "/warehouses/{id}", "WarehouseUpdated")
    },
    Command {
        from: ACTIVE,
        to: Some("Inactive"),
        ..put(&WAREHOUSE, "/warehouses/{id}/deactivate", "WarehouseDeactivated")
    },
    Command {
        fields: &[any_text("zone_name"), any_text("zone_type")],
        from: ACTIVE,
        then: Then::Try(add_zone),
        answer: Answer::Status(201, "ok"),
        ..post(&WAREHOUSE, "/warehouses/{id}/zones", "ZoneAdded")
    },
    Command {
        then: Then::Try(|act| remove_part(act, "zones", "zone_id")),
        ..delete(&WAREHOUSE, "/warehouses/{id}/zones/{part}", "ZoneRemoved")
    },
];

fn add_zone(act: &mut Act<'_>) -> Result<(), Refusal> {
    let kind = text_of(act.input, "zone_type");
    if !ZONE_TYPES.contains(&kind) {
        return Err(Refusal::rule("zone_type", format!("{kind} is none of {}", ZONE_TYPES.join(", "))));
    }
    add_part(act, "zones", "zone_id");
    Ok(())
}
