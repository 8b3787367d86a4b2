//! What one event says of an event-sourced aggregate: the difference that it made.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shopstream::fields::Object;

/// A difference between two states: whole numbers by how much, lists by what came to their end,
/// everything else by its new value.
///
/// So an event that tells of two units reserved means two units more, whatever else has happened
/// to the aggregate.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Patch {
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    add: Object,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    append: Object,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    set: Object,
}

impl Patch {
    /// What leads from one state to another. A field never disappears from a state.
    pub(crate) fn between(old: &Object, new: &Object) -> Patch {
        let mut patch = Patch::default();
        for (field, value) in new {
            let name = field.clone();
            match (old.get(field), value) {
                (Some(before), _) if before == value => {}
                (Some(Value::Number(before)), Value::Number(after)) if before.is_i64() && after.is_i64() => {
                    let difference = after.as_i64().unwrap_or(0) - before.as_i64().unwrap_or(0);
                    patch.add.insert(name, difference.into());
                }
                (Some(Value::Array(before)), Value::Array(after)) if after.starts_with(before) => {
                    patch.append.insert(name, after[before.len()..].into());
                }
                _ => {
                    patch.set.insert(name, value.clone());
                }
            }
        }
        patch
    }

    /// Makes the difference to a state.
    pub(crate) fn apply(self, state: &mut Object) {
        for (field, difference) in self.add {
            let before = state.get(&field).and_then(Value::as_i64).unwrap_or(0);
            state.insert(field, (before + difference.as_i64().unwrap_or(0)).into());
        }
        for (field, more) in self.append {
            let list = state.entry(field).or_insert_with(|| Value::Array(Vec::new()));
            if let (Value::Array(list), Value::Array(more)) = (list, more) {
                list.extend(more);
            }
        }
        state.extend(self.set);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Patch;
    use crate::shopstream::fields::Object;

    fn object(value: Value) -> Object {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_events_of_an_aggregate_add_up_to_its_state() {
        let states = [
            json!({}),
            json!({"available": 10, "status": "Active", "price": 9.99, "parts": [], "note": null}),
            json!({"available": 7, "status": "Active", "price": 9.5, "parts": [{"id": 1}], "note": "x"}),
            json!({"available": 8, "status": "Gone", "price": 9.5, "parts": [{"id": 2}, {"id": 3}], "note": null}),
        ]
        .map(object);
        let mut folded = Object::new();
        for pair in states.windows(2) {
            let written = serde_json::to_string(&Patch::between(&pair[0], &pair[1])).unwrap();
            serde_json::from_str::<Patch>(&written).unwrap().apply(&mut folded);
            assert_eq!(folded, pair[1]);
        }
    }

    #[test]
    fn two_reservations_made_of_one_state_both_count() {
        let before = object(json!({"available": 3, "reservations": []}));
        let reserve = |id| object(json!({"available": 1, "reservations": [id]}));
        let mut state = before.clone();
        for id in ["a", "b"] {
            Patch::between(&before, &reserve(id)).apply(&mut state);
        }
        assert_eq!(Value::Object(state), json!({"available": -1, "reservations": ["a", "b"]}));
    }
}
