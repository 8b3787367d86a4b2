//! Searches for capacity: what they went by, their trials, and how they ended.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError, now_unix_us, sql_integer};
use crate::run::{CapacityEnding, CapacityId, RunId};

/// A search before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCapacitySearch {
    /// The scenario's name.
    pub scenario: String,
    /// The profiles that are searched, the baseline first.
    pub profiles: Vec<String>,
    /// The load's name.
    pub load: String,
    /// Seed of all its randomness.
    pub seed: u64,
    /// The command that makes it.
    pub command: String,
    /// What it goes by, as JSON.
    pub subject: String,
}

/// A search as it is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacityFacts {
    /// Its number.
    pub id: CapacityId,
    /// What was planned.
    pub planned: NewCapacitySearch,
    /// When it began.
    pub started_at: String,
    /// How it ended; none while it goes on, or if its process is gone.
    pub ended: Option<CapacityEnding>,
    /// Its trials, in order of time.
    pub trials: Vec<TrialRow>,
}

/// A trial of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialRow {
    /// Its run.
    pub run: RunId,
    /// The profile.
    pub profile: String,
    /// The load.
    pub load: f64,
    /// What it was for: `search`, `confirm` or `beyond`; `disturbed` if it was made again.
    pub purpose: String,
    /// For each goal the conditions that were missed.
    pub missed: Vec<Vec<String>>,
}

impl Store {
    /// Writes a new search down.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn begin_capacity(&self, new: &NewCapacitySearch) -> Result<CapacityId, StoreError> {
        self.connection.execute(
            "INSERT INTO capacity_search (scenario, profiles, load, started_at, seed, command, subject) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                new.scenario,
                new.profiles.join("\n"),
                new.load,
                crate::utc::to_second(now_unix_us()),
                sql_integer(new.seed),
                new.command,
                new.subject,
            ],
        )?;
        Ok(CapacityId(self.connection.last_insert_rowid()))
    }

    /// Writes a trial down, after those before it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn add_trial(&self, id: CapacityId, trial: &TrialRow) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO capacity_trial (search, number, run, profile, load, purpose, missed) \
             SELECT ?1, coalesce((SELECT max(number) FROM capacity_trial WHERE search = ?1), 0) + 1, ?2, ?3, ?4, ?5, ?6",
            params![
                id.0,
                trial.run.0,
                trial.profile,
                trial.load,
                trial.purpose,
                serde_json::to_string(&trial.missed).unwrap_or_default(),
            ],
        )?;
        Ok(())
    }

    /// Writes down how a search ended, and seals it; or that it goes on again.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn end_capacity(&self, id: CapacityId, ending: Option<CapacityEnding>) -> Result<(), StoreError> {
        let sql = "UPDATE capacity_search SET ended = ?2 WHERE id = ?1";
        self.connection.execute(sql, params![id.0, ending.map_or("", CapacityEnding::word)])?;
        match ending {
            Some(_) => self.seal_capacity(id),
            None => self.unseal_capacity(id),
        }
    }

    /// The newest search, if there is one.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn latest_capacity(&self) -> Result<Option<CapacityId>, StoreError> {
        let sql = "SELECT max(id) FROM capacity_search";
        let newest = self.connection.query_row(sql, [], |row| row.get(0));
        Ok(newest.optional()?.flatten().map(CapacityId))
    }

    /// A search with its trials.
    ///
    /// # Errors
    /// If there is none.
    pub fn capacity(&self, id: CapacityId) -> Result<CapacityFacts, StoreError> {
        let found = self.connection.query_row(
            "SELECT scenario, profiles, load, seed, command, subject, started_at, ended \
             FROM capacity_search WHERE id = ?1",
            [id.0],
            |row| {
                let (profiles, seed, ended): (String, i64, String) = (row.get(1)?, row.get(3)?, row.get(7)?);
                let planned = NewCapacitySearch {
                    scenario: row.get(0)?,
                    profiles: profiles.lines().map(str::to_owned).collect(),
                    load: row.get(2)?,
                    seed: u64::try_from(seed).unwrap_or(0),
                    command: row.get(4)?,
                    subject: row.get(5)?,
                };
                let ended = CapacityEnding::of_word(&ended);
                Ok(CapacityFacts { id, planned, started_at: row.get(6)?, ended, trials: Vec::new() })
            },
        );
        let facts = found.optional()?.ok_or(StoreError::NoCapacity(id.0))?;
        Ok(CapacityFacts { trials: self.trials(id)?, ..facts })
    }

    fn trials(&self, id: CapacityId) -> Result<Vec<TrialRow>, StoreError> {
        let sql = "SELECT run, profile, load, purpose, missed FROM capacity_trial WHERE search = ?1 ORDER BY number";
        let mut statement = self.connection.prepare_cached(sql)?;
        let trials = statement.query_map([id.0], |row| {
            let missed: String = row.get(4)?;
            Ok(TrialRow {
                run: RunId(row.get(0)?),
                profile: row.get(1)?,
                load: row.get(2)?,
                purpose: row.get(3)?,
                missed: serde_json::from_str(&missed).unwrap_or_default(),
            })
        })?;
        Ok(trials.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_kept_with_its_trials_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).unwrap();
        let new = NewCapacitySearch {
            scenario: "shop".to_owned(),
            profiles: vec!["before".to_owned(), "after".to_owned()],
            load: "load".to_owned(),
            seed: 7,
            command: "loadproof capacity".to_owned(),
            subject: "{}".to_owned(),
        };
        let id = store.begin_capacity(&new).unwrap();
        for run in [3, 1] {
            // Their runs are no matter here.
            store.connection.pragma_update(None, "foreign_keys", "OFF").unwrap();
            let missed = vec![vec!["run.p99 <= 50ms".to_owned()], Vec::new()];
            let (profile, purpose) = ("before".to_owned(), "search".to_owned());
            store.add_trial(id, &TrialRow { run: RunId(run), profile, load: 1.5, purpose, missed }).unwrap();
        }
        let facts = store.capacity(id).unwrap();
        assert_eq!((&facts.planned, facts.ended), (&new, None));
        assert_eq!(facts.trials.iter().map(|trial| trial.run.0).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(facts.trials[0].missed[0], ["run.p99 <= 50ms"]);
        store.end_capacity(id, Some(CapacityEnding::Budget)).unwrap();
        assert_eq!(store.capacity(id).unwrap().ended, Some(CapacityEnding::Budget));
        store.end_capacity(id, None).unwrap();
        assert_eq!((store.capacity(id).unwrap().ended, store.latest_capacity().unwrap()), (None, Some(id)));
        store.end_capacity(id, Some(CapacityEnding::Budget)).unwrap();
        // Their runs are no matter here, either; but that they are not there is seen.
        let breach = |store: &Store| store.capacity_seal(id).unwrap().breach().unwrap_or_default();
        assert!(
            breach(&store).contains("the profile of trial 1 of capacity search c1"),
            "{}",
            breach(&store)
        );
        store.connection.execute_batch("DELETE FROM capacity_trial").unwrap();
        let trials = "the terms, the trials or the runs of capacity search c1";
        assert!(breach(&store).contains(trials), "{}", breach(&store));
        store.end_capacity(id, Some(CapacityEnding::Budget)).unwrap();
        assert!(store.capacity_seal(id).unwrap().sha256().is_some());
        for (sql, named) in [
            ("UPDATE capacity_search SET subject = '{ }'", trials),
            ("UPDATE capacity_seal SET form = 2", "has the form 2"),
            ("DELETE FROM capacity_seal", "is gone"),
        ] {
            store.connection.execute_batch(sql).unwrap();
            assert!(breach(&store).contains(named), "{sql}: {}", breach(&store));
        }
        assert!(matches!(store.capacity(CapacityId(9)), Err(StoreError::NoCapacity(9))));
    }
}
