//! The columns of exported samples, the same in every form.

use super::csv::field;
use crate::sample::ExportedSample;

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its value of a sample.
    pub value: Value,
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// A number.
    Number(fn(&ExportedSample) -> i64),
    /// A number that may be missing.
    NumberIfAny(fn(&ExportedSample) -> Option<i64>),
    /// A text.
    Text(fn(&ExportedSample) -> &str),
    /// A text that may be missing.
    TextIfAny(fn(&ExportedSample) -> Option<&str>),
}

use Value::{Number, NumberIfAny, Text, TextIfAny};

/// The columns, in order; `docs/SCHEMA.md` says what they mean.
pub const COLUMNS: [Column; 23] = [
    Column { name: "run", value: Number(|s| s.run) },
    Column { name: "sequence", value: Number(|s| s.sequence) },
    Column { name: "kind", value: Text(|s| &s.kind) },
    Column { name: "traffic_class", value: Text(|s| &s.traffic_class) },
    Column { name: "endpoint", value: Text(|s| &s.endpoint) },
    Column { name: "user_class", value: Text(|s| &s.user_class) },
    Column { name: "user", value: Number(|s| s.user) },
    Column { name: "journey", value: Number(|s| s.journey) },
    Column { name: "phase", value: Text(|s| &s.phase) },
    Column { name: "outcome", value: Text(|s| &s.outcome) },
    Column { name: "status", value: Number(|s| s.status) },
    Column { name: "reason", value: TextIfAny(|s| s.reason.as_deref()) },
    Column { name: "intended_us", value: Number(|s| s.intended_us) },
    Column { name: "sent_us", value: Number(|s| s.sent_us) },
    Column { name: "first_byte_us", value: Number(|s| s.first_byte_us) },
    Column { name: "done_us", value: Number(|s| s.done_us) },
    Column { name: "bytes_in", value: Number(|s| s.bytes_in) },
    Column { name: "bytes_out", value: Number(|s| s.bytes_out) },
    Column { name: "key_list", value: NumberIfAny(|s| s.key_list) },
    Column { name: "key", value: NumberIfAny(|s| s.key) },
    Column { name: "redirects", value: Number(|s| s.redirects) },
    Column { name: "repeats", value: Number(|s| s.repeats) },
    Column { name: "tags", value: TextIfAny(|s| s.tags.as_deref()) },
];

/// The header of the CSV.
pub fn csv_header() -> String {
    COLUMNS.map(|column| column.name).join(",")
}

/// A sample's line of the CSV; what is missing is empty.
pub fn csv_line(sample: &ExportedSample) -> String {
    let number = |number: Option<i64>| number.map_or(String::new(), |number| number.to_string());
    let text = |text: Option<&str>| field(text.unwrap_or_default()).into_owned();
    let fields = COLUMNS.map(|column| match column.value {
        Number(of) => number(Some(of(sample))),
        NumberIfAny(of) => number(of(sample)),
        Text(of) => text(Some(of(sample))),
        TextIfAny(of) => text(of(sample)),
    });
    fields.join(",")
}
