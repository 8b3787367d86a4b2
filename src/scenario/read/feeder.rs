//! `[feeder.NAME]`: `file` (`.csv` with a header, or `.json`, a list of objects) and `order`.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::value::Value;

use crate::scenario::World;
use crate::scenario::feeder::{Feeder, Order};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::json::Json;

const ORDERS: [(&str, Order); 4] = [
    ("sequential", Order::Sequential),
    ("round-robin", Order::RoundRobin),
    ("random", Order::Random),
    ("unique", Order::Unique),
];

/// Reads the feeders, with the files that they name relative to `folder`.
pub(in crate::scenario) fn read(file: &mut Fields<'_>, folder: &Path, world: &dyn World) -> Vec<Feeder> {
    let Some(tables) = file.table("feeder") else { return Vec::new() };
    let problems = tables.problems;
    let feeders = tables.entries().into_iter().filter_map(|(name, value)| {
        let mut table = Fields::of(value, tables.file(), "a feeder", problems)?;
        let source = table.required_text("file");
        let order = table.text("order").map_or(Some(Order::RoundRobin), |word| order(&table, &word));
        table.finish();
        let Some(source) = source else {
            problems.note_unread("feeder", Some(&name.value));
            return None;
        };
        match records(&folder.join(&source.value), world) {
            Ok(records) => {
                Some(Feeder { name: name.value, records, order: order.unwrap_or(Order::RoundRobin) })
            }
            Err(reason) => {
                problems.add(&source.place, format!("cannot feed from `{}`", source.value), reason);
                problems.note_unread("feeder", Some(&name.value));
                None
            }
        }
    });
    feeders.collect()
}

fn order(table: &Fields<'_>, word: &Located<String>) -> Option<Order> {
    let found = ORDERS.iter().find(|(name, _)| *name == word.value);
    if found.is_none() {
        table.problems.add_unknown(&word.place, "order", &word.value, &ORDERS.map(|(name, _)| name));
    }
    found.map(|(_, order)| *order)
}

fn records(path: &Path, world: &dyn World) -> Result<Vec<Value>, String> {
    let text = world.read(path).map_err(|e| e.to_string())?;
    let records = match path.extension().and_then(|e| e.to_str()) {
        Some("csv") => from_csv(&text)?,
        Some("json") => from_json(&text)?,
        _ => return Err("expected a file that ends in `.csv` or `.json`".to_owned()),
    };
    if records.is_empty() { Err("it holds no records".to_owned()) } else { Ok(records) }
}

fn from_csv(text: &str) -> Result<Vec<Value>, String> {
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let names = reader.headers().map_err(|e| e.to_string())?.clone();
    let records = reader.records().map(|record| {
        let record = record.map_err(|e| e.to_string())?;
        let fields = names.iter().zip(&record);
        let fields: BTreeMap<String, Value> = fields.map(|(n, f)| (n.to_owned(), Value::from(f))).collect();
        Ok(Value::from(fields))
    });
    records.collect()
}

fn from_json(text: &str) -> Result<Vec<Value>, String> {
    let Some(Json::List(records)) = Json::parse(text) else {
        return Err("expected a list of objects in JSON".to_owned());
    };
    let records = records.iter().enumerate().map(|(place, record)| match record {
        Json::Object(_) => Ok(record.value()),
        _ => Err(format!("record {} is not an object", place + 1)),
    });
    records.collect()
}
