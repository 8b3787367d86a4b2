//! How long samples stay: which runs are pruned, and what is worked out of them before; archives of samples, and back.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use super::error::AssessError;
use super::{runs, trend};
use crate::export::archive::{Archive, ArchiveError, ArchiveWriter, ArchivedRun};
use crate::run::{Judged, RunFacts, RunId, RunState, Seal};
use crate::store::{Reference, Store, StoreError};
use crate::utc;

/// Which runs keep their samples for being new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many of the newest.
    Newest(usize),
    /// Those that were started no longer ago than this.
    Since(Duration),
}

/// What a pruning would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pruning {
    /// Runs whose samples go, the oldest first.
    pub goes: Vec<RunFacts>,
    /// Older runs whose samples stay, and why.
    pub stays: Vec<(RunId, String)>,
    /// Runs that are new enough.
    pub new: usize,
}

/// Says which samples go. `with_needed`: also those that an experiment, a search for capacity, an accepted level or a sign-off
/// needs. `now_unix_us`: µs since 1970 (UTC).
///
/// # Errors
/// If the store cannot be read, or is a bundle's.
pub fn plan(store: &Store, keep: Keep, with_needed: bool, now_unix_us: i64) -> Result<Pruning, AssessError> {
    let mut needs: BTreeMap<RunId, Vec<String>> = BTreeMap::new();
    for need in store.needs()? {
        needs.entry(need.run).or_default().push(need.by);
    }
    let mut pruning = Pruning::default();
    for (place, run) in store.runs()?.into_iter().enumerate() {
        let is_new = match keep {
            Keep::Newest(n) => place < n,
            Keep::Since(age) => {
                let age_us = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
                run.start.started_unix_us >= now_unix_us.saturating_sub(age_us)
            }
        };
        if is_new {
            pruning.new += 1;
        } else if run.samples > 0 && run.pruned_unix_us.is_none() {
            let needed =
                needs.get(&run.id).filter(|_| !with_needed).map(|by| format!("needed: {}", by.join(", ")));
            match why_not(store, &run)?.or(needed) {
                Some(why) => pruning.stays.push((run.id, why)),
                None => pruning.goes.push(run),
            }
        }
    }
    pruning.goes.reverse();
    pruning.stays.reverse();
    Ok(pruning)
}

/// Why a run's samples cannot go at all.
fn why_not(store: &Store, run: &RunFacts) -> Result<Option<String>, AssessError> {
    Ok(if run.end.state == RunState::Running {
        Some("under way".to_owned())
    } else if store.written_seal(Judged::Run(run.id))?.is_none() {
        Some(
            "without a seal, so that nothing could tell whether what is attached is what was pruned"
                .to_owned(),
        )
    } else {
        None
    })
}

/// Takes the samples of a run out of the store, after everything that is kept instead was worked out of them. How many
/// they were.
///
/// # Errors
/// If the run was changed after it was stored: its samples then show what was changed, and stay. If the store cannot be read
/// or written.
pub fn prune(store: &mut Store, run: &RunFacts) -> Result<u64, AssessError> {
    whole_seal(store, run.id)?;
    trend::complete(store, run)?;
    let histograms = runs::histograms_of_samples(store, run.id)?;
    store.prune(run.id, &histograms)?;
    Ok(histograms.iter().map(|one| one.samples).sum())
}

/// The seal of a run that is as it was written.
fn whole_seal(store: &Store, run: RunId) -> Result<String, AssessError> {
    match store.seal(run, true)? {
        Seal::Whole { sha256 } => Ok(sha256),
        seal => {
            let why = seal
                .breach()
                .unwrap_or_else(|| "it has no seal, as runs have that were cut short".to_owned());
            Err(AssessError::NotSealed { run, why })
        }
    }
}

/// Writes the samples of runs into an archive, which must not exist.
///
/// # Errors
/// If one of them is not as it was written, or was pruned, or the file cannot be written; there is then none.
pub fn archive(store: &Store, of: &[RunId], to: &Path) -> Result<Vec<ArchivedRun>, AssessError> {
    let mut archived = Vec::new();
    for run in of {
        let facts = store.run(&Reference::Run(*run))?;
        if let Some(us) = facts.pruned_unix_us {
            return Err(StoreError::SamplesPruned { run: *run, at: utc::to_minute(us / 1_000_000) }.into());
        }
        archived.push(ArchivedRun { run: run.0, samples: facts.samples, seal: whole_seal(store, *run)? });
    }
    let failed = |source| AssessError::File { action: "write the archive", path: to.to_owned(), source };
    let file = File::create_new(to).map_err(failed)?;
    let written = write(store, &archived, &file);
    if written.is_err() {
        // What is there is no archive.
        let _ = std::fs::remove_file(to);
    }
    written?;
    file.sync_all().map_err(failed)?;
    Ok(archived)
}

fn write(store: &Store, runs: &[ArchivedRun], file: &File) -> Result<(), AssessError> {
    let mut writer = ArchiveWriter::new(std::io::BufWriter::new(file), runs)?;
    for run in runs {
        store.each_row(RunId(run.run), |sample| Ok::<_, AssessError>(writer.add(sample)?))?;
    }
    Ok(writer.finish()?)
}

/// Puts the samples of an archive's runs back into the store: all of them or, if one is not as it was sealed, none. The runs
/// and how many samples each has.
///
/// # Errors
/// If the file is not an archive, its runs are not pruned runs of this store, or a sample is not as it was sealed.
pub fn attach(store: &Store, from: &Path) -> Result<Vec<(RunId, u64)>, AssessError> {
    let unreadable = |error| AssessError::Unreadable { what: "the archive ", path: from.to_owned(), error };
    let archive = Archive::open(File::open(from).map_err(unreadable)?)?;
    let mut attaching = store.attaching()?;
    let mut runs = archive.runs.iter();
    let mut left = 0;
    archive.each(|sample| {
        while left == 0 {
            let Some(run) = runs.next() else {
                let why = "more samples than it says".to_owned();
                return Err(ArchiveError::NotAnArchive(why).into());
            };
            attaching.begin(RunId(run.run), &run.seal)?;
            left = run.samples;
        }
        left -= 1;
        Ok::<_, AssessError>(attaching.add(sample)?)
    })?;
    if left > 0 || runs.any(|run| run.samples > 0) {
        return Err(ArchiveError::NotAnArchive("fewer samples than it says".to_owned()).into());
    }
    Ok(attaching.finish()?)
}
