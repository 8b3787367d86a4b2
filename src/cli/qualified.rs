//! The last selftest's results, in files beside the store.

use std::path::Path;

use anyhow::Result;
use serde::de::DeserializeOwned;

use super::output;
use crate::verdict::faults::FaultTest;
use crate::verdict::qualification::{self, Qualification};

const FILE: &str = "selftest.json";
const FAULTS: &str = "faults.json";

/// Keeps a result in place of the last one.
pub(super) fn keep(store: &Path, qualification: &Qualification) -> Result<()> {
    output::file(&output::folder(store).join(FILE), &serde_json::to_string_pretty(qualification)?)
}

/// The same of planted faults.
pub(super) fn keep_faults(store: &Path, faults: &FaultTest) -> Result<()> {
    output::file(&output::folder(store).join(FAULTS), &serde_json::to_string_pretty(faults)?)
}

/// The last results as reports tell them.
pub(super) fn text(store: &Path) -> Option<String> {
    let qualification: Option<Qualification> = last(store, FILE);
    let faults: Option<FaultTest> = last(store, FAULTS);
    qualification::summary(qualification.as_ref(), faults.as_ref())
}

/// What a file holds, if there is one that can be read.
fn last<T: DeserializeOwned>(store: &Path, file: &str) -> Option<T> {
    let text = std::fs::read_to_string(output::folder(store).join(file)).ok()?;
    serde_json::from_str(&text).ok()
}
