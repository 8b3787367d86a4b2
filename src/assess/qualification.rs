//! The result of the last selftest, in a file next to the store.

use std::path::Path;

use super::error::AssessError;
use super::{files, runs};
use crate::run::ExperimentId;
use crate::store::Store;
use crate::utc;
use crate::verdict::qualification::{Parts, Qualification, qualify};

const FILE: &str = "selftest.json";

/// What a selftest's experiment comes to.
///
/// # Errors
/// If its store cannot be read.
pub fn of_experiment(
    id: ExperimentId,
    store: &Store,
    parts: Parts<'_>,
) -> Result<Qualification, AssessError> {
    let runs = runs::all_measured(store, store.experiment(id)?)?;
    Ok(qualify(&runs, parts, &utc::to_minute(utc::now_s())))
}

/// Keeps a result in place of the last one. `store`: the file of the store whose reports tell it.
///
/// # Errors
/// If the file cannot be written.
pub fn keep(store: &Path, qualification: &Qualification) -> Result<(), AssessError> {
    files::write(&files::folder_of(store).join(FILE), serde_json::to_string_pretty(qualification)?)
}

/// The last result, if there is one.
fn last(store: &Path) -> Option<Qualification> {
    let text = std::fs::read_to_string(files::folder_of(store).join(FILE)).ok()?;
    serde_json::from_str(&text).ok()
}

/// The last result as reports tell it. `store`: the store's file.
pub fn text(store: &Path) -> Option<String> {
    last(store).map(|q| format!("{} ({}, {})", q.text(), q.machine, q.made_at))
}
