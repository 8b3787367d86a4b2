//! The workload in a form that does not depend on the order of keys, on comments or on layout.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::de::DeValue;

use crate::scenario::fields::Fields;

/// The parts of a scenario file that decide which requests are made.
const WORKLOAD: [&str; 6] = ["body", "defaults", "feeder", "journey", "keys", "user"];

/// The workload of all files as one text.
pub(in crate::scenario) fn workload(files: &[Fields<'_>]) -> String {
    let mut parts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for file in files {
        for (key, value) in file.entries() {
            if WORKLOAD.contains(&key.value.as_str()) {
                parts.entry(key.value).or_default().push(json(value.get_ref()));
            }
        }
    }
    serde_json::to_string(&parts).unwrap_or_default()
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
