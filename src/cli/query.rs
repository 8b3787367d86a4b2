//! `loadproof query` and `loadproof sample`: what is in the store, word by word.

use std::path::Path;

use anyhow::Result;
use comfy_table::{Table, presets};
use serde_json::Value;

use super::arguments::{Query, Sample, TableFormat};
use super::exit::{Exit, UsageError};
use super::output;
use crate::export::csv::field;
use crate::store::{self, Answer, Reference, Store};

pub(super) fn query(command: &Query, path: &Path) -> Result<Exit> {
    let answer = store::query(path, &command.sql)?;
    output::result(&match command.format {
        TableFormat::Text => table(&answer),
        TableFormat::Csv => csv(&answer),
        TableFormat::Json => json(&answer)?,
    })?;
    Ok(Exit::Done)
}

/// Everything that is known of one sample.
pub(super) fn sample(command: &Sample, path: &Path) -> Result<Exit> {
    let (run, place) = place(&command.sample, path)?;
    let sql = format!("SELECT * FROM samples WHERE run = {run} AND sequence = {place}");
    let answer = store::query(path, &sql)?;
    let Some(row) = answer.rows.first() else {
        return Err(UsageError(format!("run {run} has no sample {place}")).into());
    };
    if command.json {
        output::result(&json(&answer)?)?;
        return Ok(Exit::Done);
    }
    let width = answer.columns.iter().map(String::len).max().unwrap_or(0);
    let lines =
        answer.columns.iter().zip(row).map(|(column, value)| format!("  {column:<width$}  {}", shown(value)));
    output::result(&lines.collect::<Vec<_>>().join("\n"))?;
    Ok(Exit::Done)
}

/// Run and place of `3:8841`, of `8841` in the newest run, or of a row's id.
fn place(text: &str, path: &Path) -> Result<(i64, i64)> {
    let unknown = || {
        UsageError(format!(
            "`{text}` is not a valid sample: expected e.g. `3:8841`, or a number of the newest run"
        ))
    };
    if let Some((run, place)) = text.split_once(':') {
        let reference: Reference = run.parse()?;
        return Ok((Store::open(path)?.run(&reference)?.id.0, place.parse().map_err(|_| unknown())?));
    }
    let number: i64 = text.parse().map_err(|_| unknown())?;
    match (number >> 32, number & 0xffff_ffff) {
        (0, place) => Ok((Store::open(path)?.run(&Reference::Latest)?.id.0, place)),
        (run, place) => Ok((run, place)),
    }
}

fn table(answer: &Answer) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(&answer.columns);
    for row in &answer.rows {
        table.add_row(row.iter().map(shown));
    }
    table.trim_fmt()
}

fn csv(answer: &Answer) -> String {
    let line = |fields: Vec<String>| {
        fields.iter().map(|text| field(text).into_owned()).collect::<Vec<_>>().join(",")
    };
    let rows = answer.rows.iter().map(|row| line(row.iter().map(shown).collect()));
    std::iter::once(line(answer.columns.clone())).chain(rows).collect::<Vec<_>>().join("\n")
}

/// One object a row, keyed by column.
fn json(answer: &Answer) -> serde_json::Result<String> {
    let object = |row: &Vec<Value>| -> serde_json::Map<String, Value> {
        answer.columns.iter().cloned().zip(row.iter().cloned()).collect()
    };
    serde_json::to_string_pretty(&answer.rows.iter().map(object).collect::<Vec<_>>())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
