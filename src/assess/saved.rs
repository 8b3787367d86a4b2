//! Saved baselines: small files of runs, one folder of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::AssessError;
use super::{files, runs, subject};
use crate::baseline::Baseline;
use crate::bounded;
use crate::run::{Arm, MeasuredRun, RunFacts, RunState};
use crate::store::Store;
use crate::utc;
use crate::verdict;
use crate::verdict::audit::{Grade, LATENESS};

/// A baseline's name, and the folder of its file.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The folder of all baselines.
    pub folder: &'a Path,
    /// Its name.
    pub name: &'a str,
}

impl Named<'_> {
    /// Its file.
    ///
    /// # Errors
    /// If it cannot be a name.
    pub fn path(&self) -> Result<PathBuf, AssessError> {
        let name = self.name;
        let is_plain = !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
            && !name.starts_with('.');
        if !is_plain {
            return Err(AssessError::BaselineName(name.to_owned()));
        }
        Ok(self.folder.join(format!("{name}.json")))
    }

    fn missing(&self) -> AssessError {
        AssessError::NoBaseline { name: self.name.to_owned(), folder: self.folder.to_owned() }
    }
}

/// Bytes of the largest saved baseline.
const LARGEST: u64 = 256 << 20;

/// Reads a saved baseline.
///
/// # Errors
/// If there is none, or its file cannot be used.
pub fn load(named: &Named<'_>) -> Result<Baseline, AssessError> {
    let path = named.path()?;
    let text = bounded::text(&path, LARGEST).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => named.missing(),
        _ => AssessError::Unreadable { what: "the baseline ", path: path.clone(), error },
    })?;
    Baseline::parse(&text).map_err(|source| AssessError::Baseline { path, source })
}

/// The runs that become a baseline.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Names of runs and experiments; the newest experiment, or else the newest run, if there are none.
    pub names: &'a [String],
    /// Of an experiment, the runs of this arm.
    pub arm: Arm,
    /// Whether runs that the audit calls INVALID are saved, too. They keep their grade, and nothing is decided by them.
    pub allow_invalid: bool,
}

/// Saves runs as a baseline: what was saved, its file, and the file's size in bytes.
///
/// # Errors
/// If the name is taken and not to be `replace`d, there are no such runs, one of them is INVALID and that is not allowed,
/// or the file cannot be written.
pub fn save(
    named: &Named<'_>,
    choice: &Choice<'_>,
    replace: bool,
    store: &Store,
) -> Result<(Baseline, PathBuf, usize), AssessError> {
    let path = named.path()?;
    if path.exists() && !replace {
        return Err(AssessError::BaselineExists(named.name.to_owned()));
    }
    let measured = runs::all_measured(store, chosen(choice, store)?)?;
    for run in measured.iter().filter(|_| !choice.allow_invalid) {
        if let Some(reason) = why_invalid(run, store)? {
            return Err(AssessError::InvalidBaseline { run: run.facts.id, reason });
        }
    }
    let runs: Vec<MeasuredRun> = measured.into_iter().map(Arc::unwrap_or_clone).collect();
    let baseline =
        Baseline::of(&runs, &utc::to_minute(utc::now_s())).ok_or(AssessError::NothingToSave(choice.arm))?;
    let text = baseline.text();
    files::write(&path, &text)?;
    Ok((baseline, path, text.len()))
}

/// Why nothing may be concluded from a run, if so. Lateness of the generator that changed no verdict of its experiment,
/// nor of itself, is borne: what later comparisons make of it, they find out themselves.
fn why_invalid(run: &Arc<MeasuredRun>, store: &Store) -> Result<Option<String>, AssessError> {
    let judgement = verdict::of_run(run, &verdict::Options::default());
    if let Some(unseen) = judgement.held.iter().find(|held| !held.holds) {
        return Ok(Some(unseen.text()));
    }
    let lateness = store.check_grade(run.facts.id, LATENESS)?;
    let is_borne = lateness.is_some_and(|grade| grade != Grade::Invalid.word());
    let mut checks = judgement.audit.runs.iter().flat_map(|audit| &audit.checks);
    let found = checks
        .find(|check| check.grade == Grade::Invalid && !(is_borne && check.name == LATENESS))
        .map(|check| format!("{}: {}", check.name, check.text));
    let mostly_failed =
        judgement.claims.iter().any(|decided| decided.claim.title == verdict::MOST_AS_EXPECTED);
    Ok(found.or_else(|| mostly_failed.then(|| "most of its requests failed".to_owned())))
}

/// Deletes a baseline's file, and gives its path.
///
/// # Errors
/// If there is none.
pub fn remove(named: &Named<'_>) -> Result<PathBuf, AssessError> {
    let path = named.path()?;
    std::fs::remove_file(&path).map_err(|_| named.missing())?;
    Ok(path)
}

/// The names of all baselines in a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// The runs that a user means: those named, those of an experiment's arm, or the newest experiment's.
fn chosen(choice: &Choice<'_>, store: &Store) -> Result<Vec<RunFacts>, AssessError> {
    let newest = match store.latest_experiment()? {
        Some(id) => format!("e{id}"),
        None => "latest".to_owned(),
    };
    let mut runs = subject::runs(choice.names, &newest, choice.arm, store)?;
    runs.retain(|run| run.end.state == RunState::Done);
    let Some(first) = runs.first() else { return Err(AssessError::NothingToSave(choice.arm)) };
    if let Some(other) = runs
        .iter()
        .find(|r| r.start.fingerprint != first.start.fingerprint || r.start.profile != first.start.profile)
    {
        return Err(AssessError::MixedBaseline(first.id, other.id));
    }
    Ok(runs)
}
