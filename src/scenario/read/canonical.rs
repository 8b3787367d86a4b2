//! The workload in a form that does not depend on the order of keys, on comments or on layout.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use toml::de::DeValue;

use super::plain::json;
use super::vars::{VARS, Vars};
use crate::scenario::fields::Fields;

/// The parts of a scenario file that decide which requests are made.
const WORKLOAD: [&str; 7] = ["auth", "body", "defaults", "feeder", "journey", "keys", "user_class"];

/// Keys that had another name when the first fingerprints were made, with that name. The text keeps it,
/// so that equal work has an equal fingerprint over versions.
const FIRST_NAMES: [(&str, &str); 2] = [("user_class", "user"), ("traffic_class", "class")];

/// The workload of all files as one text, with what variables are said to be.
pub(in crate::scenario) fn workload(files: &[Fields<'_>], vars: &Vars) -> String {
    let mut parts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut mentioned = BTreeSet::new();
    for file in files {
        for (key, value) in file.entries() {
            if WORKLOAD.contains(&key.value.as_str()) {
                let parts = parts.entry(first_name(&key.value).to_owned()).or_default();
                let part =
                    if key.value == "journey" { journeys(value.get_ref()) } else { json(value.get_ref()) };
                parts.push(vars.written_out(part, &mut mentioned));
            }
        }
    }
    if !mentioned.is_empty() {
        parts.insert(VARS.to_owned(), vec![vars.said(&mentioned)]);
    }
    serde_json::to_string(&parts).unwrap_or_default()
}

fn first_name(key: &str) -> &str {
    FIRST_NAMES.iter().find(|(new, _)| *new == key).map_or(key, |(_, first)| *first)
}

/// Journeys as JSON, with the first names of their keys.
fn journeys(value: &DeValue<'_>) -> Value {
    let journey = |value: Value| match value {
        Value::Object(keys) => {
            let named: BTreeMap<String, Value> =
                keys.into_iter().map(|(key, value)| (first_name(&key).to_owned(), value)).collect();
            Value::Object(named.into_iter().collect())
        }
        other => other,
    };
    match json(value) {
        Value::Array(all) => all.into_iter().map(journey).collect(),
        other => other,
    }
}
