//! Values of scenario files in a form that does not depend on how they are written.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::de::DeValue;

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
