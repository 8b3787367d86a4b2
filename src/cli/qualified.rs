//! The last selftest's result, in a file beside the store.

use std::path::Path;

use anyhow::Result;

use super::output;
use crate::verdict::qualification::Qualification;

const FILE: &str = "selftest.json";

/// Keeps a result in place of the last one.
pub(super) fn keep(store: &Path, qualification: &Qualification) -> Result<()> {
    output::file(&output::folder(store).join(FILE), &serde_json::to_string_pretty(qualification)?)
}

/// The last result, if there is one.
pub(super) fn last(store: &Path) -> Option<Qualification> {
    let text = std::fs::read_to_string(output::folder(store).join(FILE)).ok()?;
    serde_json::from_str(&text).ok()
}

/// The last result as reports tell it.
pub(super) fn text(store: &Path) -> Option<String> {
    last(store).map(|q| format!("{} ({}, {})", q.text(), q.machine, q.made_at))
}
