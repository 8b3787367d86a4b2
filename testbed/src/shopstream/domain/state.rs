//! Reading and writing the JSON state of an aggregate.

use serde_json::{Value, json};

use super::command::Act;
use crate::shopstream::{fields::Object, refusal::Refusal};

/// The text of a field; empty where it has none.
pub(crate) fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or("")
}

/// The text of a field that was given and is not null.
pub(crate) fn given_text<'a>(object: &'a Object, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str)
}

/// The number of a field; 0 where it has none.
pub(crate) fn number(object: &Object, field: &str) -> f64 {
    object.get(field).and_then(Value::as_f64).unwrap_or(0.0)
}

/// The whole number of a field; 0 where it has none.
pub(crate) fn whole(object: &Object, field: &str) -> i64 {
    object.get(field).and_then(Value::as_i64).unwrap_or(0)
}

/// Sets fields: `set(state, json!({"tier": "Gold"}))`.
pub(crate) fn set(state: &mut Object, fields: Value) {
    if let Value::Object(fields) = fields {
        state.extend(fields);
    }
}

/// The objects of a list; none where there is no list.
pub(crate) fn parts<'a>(state: &'a Object, list: &str) -> impl Iterator<Item = &'a Object> {
    let list = state.get(list).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}

/// Adds the command's input to a list, under a new id in the field `id`, which it returns.
pub(crate) fn add_part(act: &mut Act<'_>, list: &'static str, id: &'static str) -> String {
    let made = (act.new_id)();
    let mut part = act.input.clone();
    part.insert(id.to_owned(), made.clone().into());
    let parts = act.state.entry(list).or_insert_with(|| json!([]));
    if let Value::Array(parts) = parts {
        parts.push(Value::Object(part));
    }
    made
}

/// The part that the path names, from a list whose parts have their ids in the field `id`.
pub(crate) fn named_part<'a>(
    act: &'a mut Act<'_>,
    list: &'static str,
    id: &'static str,
) -> Result<&'a mut Object, Refusal> {
    let name = act.part.unwrap_or_default();
    part_with_id(act.state, list, id, name)
}

/// The part of a list that has this id.
pub(crate) fn part_with_id<'a>(
    state: &'a mut Object,
    list: &'static str,
    id: &'static str,
    name: &str,
) -> Result<&'a mut Object, Refusal> {
    let parts = state.get_mut(list).and_then(Value::as_array_mut);
    parts
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
        .find(|part| text(part, id) == name)
        .ok_or_else(|| no_such_part(list, name))
}

/// Removes the part that the path names.
pub(crate) fn remove_part(act: &mut Act<'_>, list: &'static str, id: &'static str) -> Result<(), Refusal> {
    let name = act.part.unwrap_or_default();
    let Some(Value::Array(parts)) = act.state.get_mut(list) else {
        return Err(no_such_part(list, name));
    };
    let before = parts.len();
    parts.retain(|part| part.get(id).and_then(Value::as_str) != Some(name));
    if parts.len() == before {
        return Err(no_such_part(list, name));
    }
    Ok(())
}

/// An amount of money without the dust of binary fractions.
pub(crate) fn cents(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}

fn no_such_part(list: &'static str, name: &str) -> Refusal {
    Refusal::rule(list, format!("{name} not found"))
}
