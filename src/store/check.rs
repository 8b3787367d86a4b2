//! Whether a store is whole: its pages, its references, and what was written of every run and experiment.

use super::{Store, StoreError, block, built_in};
use crate::run::{CapacityId, ExperimentId, RunId, Seal};

/// Damages of the file that are told.
const MOST_DAMAGES: u32 = 20;

/// What a check of a store has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Runs that are as they were written.
    pub whole: usize,
    /// Runs whose samples were pruned, and of which what was kept is as it was written.
    pub pruned: usize,
    /// Runs without a seal: under way, or cut short.
    pub unsealed: usize,
    /// Experiments that are as they were written.
    pub experiments: usize,
    /// Searches for capacity that are as they were written.
    pub searches: usize,
    /// Whether it was taken for a part of another store, of which most runs are left out.
    pub is_part: bool,
    /// What was changed or is damaged, in words.
    pub problems: Vec<String>,
}

impl Store {
    /// Checks the file, and everything that is sealed in it. `may_be_part`: whether it stands where the store of a bundle
    /// does, so that it may say of itself that it holds some runs of another one.
    ///
    /// # Errors
    /// If the store cannot be read at all.
    pub fn check(&self, may_be_part: bool) -> Result<Checked, StoreError> {
        let mut checked = Checked { problems: self.damages()?, ..Checked::default() };
        let numbers = |table: &str| -> Result<Vec<i64>, StoreError> {
            let mut statement = self.connection.prepare(&format!("SELECT id FROM {table} ORDER BY id"))?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        };
        let is_part = may_be_part && self.is_part()?;
        checked.is_part = is_part;
        checked.problems.extend(built_in::differences(&self.connection)?.iter().map(|what| changed(what)));
        for run in numbers("run")?.into_iter().map(RunId) {
            // Of evidence that was passed over, a bundle has only the facts.
            let has_samples = !is_part || self.has_samples(run)?;
            match self.seal(run, has_samples) {
                Ok(Seal::Whole { .. }) => checked.whole += 1,
                Ok(Seal::Pruned) => checked.pruned += 1,
                Ok(seal) if seal.changed().is_empty() => checked.unsealed += 1,
                Ok(seal) => checked.problems.extend(seal.changed().iter().map(|what| changed(what))),
                Err(error) => checked.problems.push(format!("run {run} cannot be read: {error}")),
            }
        }
        for id in numbers("experiment")?.into_iter().map(ExperimentId) {
            match self.experiment_seal(id) {
                Ok(Seal::Whole { .. }) => checked.experiments += 1,
                Ok(seal) => checked.problems.extend(seal.changed().iter().map(|what| changed(what))),
                Err(error) => checked.problems.push(format!("experiment e{id} cannot be read: {error}")),
            }
        }
        for id in numbers("capacity_search")?.into_iter().map(CapacityId) {
            match self.capacity_seal(id) {
                Ok(Seal::Whole { .. }) => checked.searches += 1,
                Ok(seal) => checked.problems.extend(seal.changed().iter().map(|what| changed(what))),
                Err(error) => checked.problems.push(format!("capacity search {id} cannot be read: {error}")),
            }
        }
        if !is_part {
            checked.problems.extend(self.gaps()?);
        }
        Ok(checked)
    }

    /// What SQLite finds wrong with the file, and rows that refer to what is not there.
    fn damages(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.connection.prepare(&format!("PRAGMA integrity_check({MOST_DAMAGES})"))?;
        let found = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut damages = Vec::new();
        for line in found {
            match line {
                Ok(text) if text == "ok" => {}
                Ok(text) => damages.push(format!("the file is damaged: {text}")),
                Err(error) => {
                    damages.push(format!("the file is damaged: {error}"));
                    break;
                }
            }
        }
        let mut statement = self.connection.prepare("PRAGMA foreign_key_check")?;
        let mut lost = statement.query([])?;
        let mut count = 0_u64;
        while let Ok(Some(_)) = lost.next() {
            count += 1;
        }
        if count > 0 {
            damages.push(format!("{count} rows refer to rows that are not there"));
        }
        Ok(damages)
    }

    pub(super) fn has_samples(&self, run: RunId) -> Result<bool, StoreError> {
        block::has_samples(&self.connection, run)
    }
}

fn changed(what: &str) -> String {
    format!("changed after it was stored: {what}")
}
