//! `loadproof store`: queries in SQL, and single samples as `runs show` prints them.

use std::path::Path;

use anyhow::Result;
use comfy_table::{Table, presets};
use serde_json::Value;

use super::arguments::{Collect, Query, StoreCommand, StoreCommands, TableFormat};
use super::exit::{Exit, UsageError};
use super::{output, retention};
use crate::assess::is_store_of_bundle;
use crate::execute;
use crate::export::csv::field;
use crate::run::RunId;
use crate::store::{self, Answer, Checked, Store};
use crate::unit;

pub(super) fn store(command: &StoreCommands, path: &Path) -> Result<Exit> {
    match &command.command {
        StoreCommand::Query(command) => query(command, path),
        StoreCommand::Check => check(path),
        StoreCommand::Collect(command) => collect(command, path),
        StoreCommand::Prune(command) => retention::prune(command, path),
        StoreCommand::Archive(command) => retention::archive(command, path),
        StoreCommand::Attach(command) => retention::attach(command, path),
    }
}

/// Adds to a run what its agents still hold.
fn collect(command: &Collect, path: &Path) -> Result<Exit> {
    let Ok(run) = command.run.parse();
    let collected = execute::collect::collect(path, &run, &command.nats, command.silence)?;
    let (run, added) = (collected.run, collected.samples - collected.before);
    let mut lines = vec![format!(
        "run {run}: {} samples stored, {} of them now",
        unit::count(collected.samples),
        unit::count(added)
    )];
    for agent in &collected.agents {
        let note = if agent.note.is_empty() { String::new() } else { format!(": {}", agent.note) };
        lines.push(format!("  {}  {}{note}", agent.name, agent.state.word()));
    }
    lines.extend(collected.seal.iter().map(|seal| format!("seal of run {run}: {seal}")));
    output::result(&lines.join("\n"))?;
    Ok(if collected.is_complete { Exit::Done } else { Exit::Invalid })
}

/// Names what is damaged or was changed after it was stored.
fn check(path: &Path) -> Result<Exit> {
    let Checked { whole, pruned, unsealed, experiments, searches, is_part, problems } =
        Store::open_existing(path)?.check(is_store_of_bundle(path))?;
    let count = |n: usize| unit::count(n as u64);
    let mut lines = vec![format!(
        "{} runs, {} experiments and {} capacity searches are as they were written; {} runs have no seal",
        count(whole),
        count(experiments),
        count(searches),
        count(unsealed)
    )];
    if pruned > 0 {
        let runs = if pruned == 1 { "run has" } else { "runs have" };
        lines.push(format!(
            "  {} {runs} no samples: they were pruned, and what was kept is as it was written; `loadproof store attach FILE` reads \
             samples back from an archive",
            count(pruned)
        ));
    }
    if is_part {
        lines.push(
            "  part of another store, as a bundle has it: runs that are not here are not missed".to_owned(),
        );
    }
    lines.extend(problems.iter().map(|problem| format!("  PROBLEM  {problem}")));
    output::result(&lines.join("\n"))?;
    Ok(if problems.is_empty() { Exit::Done } else { Exit::NotVerified })
}

fn query(command: &Query, path: &Path) -> Result<Exit> {
    let answer = store::query(path, &command.sql)?;
    output::result(&match command.format {
        TableFormat::Text => table(&answer),
        TableFormat::Csv => csv(&answer),
        TableFormat::Json => json(&answer)?,
    })?;
    Ok(Exit::Done)
}

/// One sample of a run by its number: every column of the view `samples`, and what was said if that was kept.
pub(super) fn sample(run: RunId, number: u64, as_json: bool, path: &Path) -> Result<Exit> {
    let sql = format!("SELECT * FROM samples WHERE run = {run} AND sequence = {number}");
    let answer = store::query(path, &sql)?;
    let Some(row) = answer.rows.first() else {
        return Err(UsageError(format!("run {run} has no sample {number}")).into());
    };
    if as_json {
        output::result(&json(&answer)?)?;
        return Ok(Exit::Done);
    }
    let width = answer.columns.iter().map(String::len).max().unwrap_or(0);
    let lines =
        answer.columns.iter().zip(row).map(|(column, value)| format!("  {column:<width$}  {}", shown(value)));
    let mut shown = lines.collect::<Vec<_>>().join("\n");
    let value = |name: &str| answer.columns.iter().position(|c| c == name).and_then(|at| row[at].as_i64());
    if let (Some(journey), Some(sent_us)) = (value("journey"), value("sent_us"))
        && let Some(kept) = Store::open(path)?.exchange_of(run, journey, sent_us)?
    {
        shown.push_str(&format!("\n\n{kept}"));
    }
    output::result(&shown)?;
    Ok(Exit::Done)
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
