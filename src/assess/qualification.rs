//! The results of the last selftests, in files next to the store.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::error::AssessError;
use super::{files, runs};
use crate::run::ExperimentId;
use crate::store::Store;
use crate::utc;
use crate::verdict::faults::{self, Fault, FaultTest, Found};
use crate::verdict::floor::Floor;
use crate::verdict::qualification::{self, Parts, Qualification, qualify};

const FILE: &str = "selftest.json";
const FAULTS: &str = "faults.json";

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

/// Whether the verdict on a planted fault is right, and the machine that it was made on.
///
/// # Errors
/// If its store cannot be read.
pub fn of_fault(fault: &Fault, id: ExperimentId, store: &Store) -> Result<(Found, String), AssessError> {
    let runs = runs::all_measured(store, store.experiment(id)?)?;
    let machine = runs.first().map_or_else(String::new, |run| {
        let fact = |name: &str| run.facts.start.environment.get(name).cloned().unwrap_or_default();
        format!("{}, {} cores", fact("processor"), fact("cores"))
    });
    Ok((faults::judge(fault, &runs), machine))
}

/// Keeps what became of planted faults in place of the last result, as [`keep`] does.
///
/// # Errors
/// If the file cannot be written.
pub fn keep_faults(store: &Path, tested: &FaultTest) -> Result<(), AssessError> {
    files::write(&files::folder_of(store).join(FAULTS), serde_json::to_string_pretty(tested)?)
}

/// The last results as reports tell them. `store`: the store's file.
pub fn text(store: &Path) -> Option<String> {
    let qualification: Option<Qualification> = last(store, FILE);
    let tested: Option<FaultTest> = last(store, FAULTS);
    qualification::summary(qualification.as_ref(), tested.as_ref())
}

/// What the last selftest has found the generator to add to every time. `store`: the store's file.
pub fn floor(store: &Path) -> Option<Floor> {
    last::<Qualification>(store, FILE)?.floor()
}

/// What a file holds, if there is one that can be read.
fn last<T: DeserializeOwned>(store: &Path, file: &str) -> Option<T> {
    let text = std::fs::read_to_string(files::folder_of(store).join(file)).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::faults::{chosen, judge};

    #[test]
    fn what_was_found_is_kept_for_reports() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("loadproof.db");
        assert_eq!(text(&store), None);
        let found = judge(&chosen(Some("flaky-runs"), false)[0], &[]);
        let tested = FaultTest {
            made_at: "today".to_owned(),
            tool_version: "1".to_owned(),
            machine: "a machine".to_owned(),
            found: vec![found],
        };
        keep_faults(&store, &tested).unwrap();
        let said = text(&store).unwrap();
        assert!(said.ends_with("1 of 1 planted faults were judged correctly (a machine, today)"), "{said}");
    }
}
