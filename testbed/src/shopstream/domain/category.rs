//! Categories: a tree of at most five levels.

use serde_json::json;

use super::{
    Aggregate,
    command::{Act, Command, Then, begin, put},
    state::{set, text as text_of, whole as whole_of},
};
use crate::shopstream::{
    fields::{any_text, mapping, text, whole},
    refusal::Refusal,
};

/// The level of the lowest categories; roots have level 0.
const LOWEST_LEVEL: i64 = 4;

pub(crate) static CATEGORY: Aggregate = Aggregate {
    kind: "category",
    domain: "catalogue",
    name: "Category",
    id: "category_id",
    listed_by: Some("parent_category_id"),
    event_sourced: false,
};

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        fields: &[
            text("name", 100),
            any_text("parent_category_id").optional(),
            mapping("attributes").optional(),
        ],
        to: Some("Active"),
        parent: Some("parent_category_id"),
        then: Then::Try(add),
        ..begin(&CATEGORY, "/categories", "CategoryCreated")
    },
    Command {
        fields: &[text("name", 100).optional(), mapping("attributes").optional()],
        then: Then::TakeOver,
        ..put(&CATEGORY, "/categories/{id}", "CategoryDetailsUpdated")
    },
    Command {
        fields: &[whole("new_display_order")],
        then: Then::Do(reorder),
        ..put(&CATEGORY, "/categories/{id}/reorder", "CategoryReordered")
    },
    Command {
        from: &["Active"],
        to: Some("Inactive"),
        then: Then::Do(deactivate),
        ..put(&CATEGORY, "/categories/{id}/deactivate", "CategoryDeactivated")
    },
];

fn add(act: &mut Act<'_>) -> Result<(), Refusal> {
    let name = text_of(act.input, "name");
    let (level, breadcrumb) = match act.parent {
        None => (0, name.to_owned()),
        Some(parent) => {
            (whole_of(parent, "level") + 1, format!("{} > {name}", text_of(parent, "breadcrumb")))
        }
    };
    if level > LOWEST_LEVEL {
        let message = format!("At most {} levels", LOWEST_LEVEL + 1);
        return Err(Refusal::rule("parent_category_id", message));
    }
    let first = json!({
        "level": level, "breadcrumb": breadcrumb, "display_order": 0, "is_active": true,
    });
    set(act.state, first);
    Ok(())
}

fn reorder(act: &mut Act<'_>) {
    let order = whole_of(act.input, "new_display_order");
    set(act.state, json!({"display_order": order}));
}

fn deactivate(act: &mut Act<'_>) {
    set(act.state, json!({"is_active": false}));
}
