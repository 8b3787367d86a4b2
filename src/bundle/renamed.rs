//! Documents of the form before the present one, under the names of the present one.

use serde_json::{Map, Value};

/// Keys of forms `…/1` that have a new name in forms `…/2`.
const RENAMED: [(&str, &str); 6] = [
    ("signs", "symptoms"),
    ("is_total", "is_counter"),
    ("env", "deployment"),
    ("class", "traffic_class"),
    ("environments", "deployments"),
    ("places", "max_in_flight"),
];

/// `written` with new names for its keys, if it has the form before that of `made_again`; else none.
pub fn with_new_names(written: &Value, made_again: &Value) -> Option<Value> {
    let form = |document: &Value| document["schema"].as_str().map(str::to_owned);
    let (before, now) = (form(written)?, form(made_again)?);
    let is_before = before.strip_suffix("/1").is_some_and(|name| now.strip_suffix("/2") == Some(name));
    is_before.then(|| {
        let mut renamed = renamed(written);
        renamed["schema"] = Value::from(now);
        renamed
    })
}

fn renamed(value: &Value) -> Value {
    match value {
        Value::Object(keys) => {
            let new_name = |key: &str| {
                RENAMED.iter().find(|(old, _)| *old == key).map_or(key, |(_, new)| *new).to_owned()
            };
            let keys: Map<String, Value> =
                keys.iter().map(|(key, value)| (new_name(key), renamed(value))).collect();
            Value::Object(keys)
        }
        Value::Array(items) => items.iter().map(renamed).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_of_the_form_before_is_compared_under_the_names_of_now() {
        let written =
            json!({ "schema": "loadproof.run/1", "run": { "env": "ci", "signals": [{ "is_total": true }] } });
        let now = json!({ "schema": "loadproof.run/2", "run": { "deployment": "ci", "signals": [{ "is_counter": true }] } });
        assert_eq!(with_new_names(&written, &now), Some(now.clone()));
        assert_eq!(with_new_names(&now, &now), None);
        assert_eq!(with_new_names(&json!({ "schema": "loadproof.compare/1" }), &now), None);
    }
}
