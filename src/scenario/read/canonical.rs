//! The workload in a form that does not depend on the order of keys, on comments or on layout.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use toml::de::DeValue;

use super::vars::{VARS, Vars};
use crate::scenario::fields::Fields;

/// The parts of a scenario file that decide which requests are made.
const WORKLOAD: [&str; 6] = ["body", "defaults", "feeder", "journey", "keys", "user_class"];

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

/// A TOML value as JSON, with its keys in alphabetical order; a date becomes its text.
pub(in crate::scenario) fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(n) => {
            i64::from_str_radix(n.as_str(), n.radix()).map_or_else(|_| Value::from(n.as_str()), Value::from)
        }
        DeValue::Float(n) => n.as_str().parse::<f64>().map_or_else(|_| Value::from(n.as_str()), Value::from),
        DeValue::Boolean(b) => Value::from(*b),
        DeValue::Datetime(date) => Value::from(date.to_string()),
        DeValue::Array(array) => array.iter().map(|v| json(v.get_ref())).collect(),
        DeValue::Table(table) => {
            let sorted: BTreeMap<String, Value> =
                table.iter().map(|(k, v)| (k.get_ref().to_string(), json(v.get_ref()))).collect();
            Value::Object(sorted.into_iter().collect())
        }
    }
}
