//! Experiments: what was planned, and how they ended.

use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError, now_unix_us, sql_integer};
use crate::run::{ExperimentId, PilotResult, RunFacts};

/// An experiment before it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewExperiment {
    /// The scenario's name.
    pub scenario: String,
    /// The baseline's profile.
    pub baseline: String,
    /// The treatments' profiles.
    pub treatments: Vec<String>,
    /// The load's name.
    pub load: String,
    /// Most rounds.
    pub rounds: u32,
    /// Whether exactly so many are wanted.
    pub is_exact: bool,
    /// Seed of all its randomness.
    pub seed: u64,
    /// The command that makes it.
    pub command: String,
}

/// An experiment as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExperimentFacts {
    /// Its number.
    pub id: ExperimentId,
    /// What was planned.
    pub planned: NewExperiment,
    /// How it ended; none while it goes on, or if its process is gone.
    pub ended: Option<Ending>,
    /// What its pilot came to; none without one, or before its end.
    pub pilot: Option<PilotResult>,
}

/// How an experiment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All rounds were made.
    Rounds,
    /// All claims were decided at a look.
    Decided,
    /// The next round would have gone over the budget.
    Budget,
    /// The user ended it.
    Interrupted,
    /// A claim is invalid, and more rounds of the same cannot change that.
    Invalid,
    /// A run could not be carried out.
    Failed,
}

impl Ending {
    const ALL: [(&'static str, Self); 6] = [
        ("rounds", Self::Rounds),
        ("decided", Self::Decided),
        ("budget", Self::Budget),
        ("interrupted", Self::Interrupted),
        ("invalid", Self::Invalid),
        ("failed", Self::Failed),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, e)| *e == self).map_or("", |(word, _)| *word)
    }

    /// Whether it ended by itself, so that it counts as evidence, whatever it says.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::Rounds | Self::Decided | Self::Budget | Self::Invalid)
    }
}

impl Store {
    /// Writes a new experiment down.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn begin_experiment(&self, new: &NewExperiment) -> Result<ExperimentId, StoreError> {
        self.connection.execute(
            "INSERT INTO experiment (scenario, started_at, rounds, seed, command, baseline, treatments, load, \
             is_exact) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                new.scenario,
                crate::utc::to_second(now_unix_us()),
                new.rounds,
                sql_integer(new.seed),
                new.command,
                new.baseline,
                new.treatments.join("\n"),
                new.load,
                new.is_exact,
            ],
        )?;
        Ok(ExperimentId(self.connection.last_insert_rowid()))
    }

    /// Writes down how an experiment ended, and seals it; or that it goes on again.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn end_experiment(&self, id: ExperimentId, ending: Option<Ending>) -> Result<(), StoreError> {
        let word = ending.map_or("", Ending::word);
        self.connection.execute("UPDATE experiment SET ended = ?2 WHERE id = ?1", params![id.0, word])?;
        match ending {
            Some(_) => self.seal_experiment(id),
            None => self.unseal_experiment(id),
        }
    }

    /// What was planned for an experiment, and how it ended.
    ///
    /// # Errors
    /// If there is none.
    pub fn experiment_facts(&self, id: ExperimentId) -> Result<ExperimentFacts, StoreError> {
        let found = self.connection.query_row(
            "SELECT scenario, baseline, treatments, load, rounds, seed, command, ended, is_exact, pilot, run_time_us \
             FROM experiment WHERE id = ?1",
            [id.0],
            |row| {
                let (treatments, seed, ended): (String, i64, String) = (row.get(2)?, row.get(5)?, row.get(7)?);
                let planned = NewExperiment {
                    scenario: row.get(0)?,
                    baseline: row.get(1)?,
                    treatments: treatments.lines().map(str::to_owned).collect(),
                    load: row.get(3)?,
                    rounds: row.get(4)?,
                    is_exact: row.get(8)?,
                    seed: u64::try_from(seed).unwrap_or(0),
                    command: row.get(6)?,
                };
                let ended = Ending::ALL.iter().find(|(word, _)| *word == ended).map(|(_, ending)| *ending);
                let run_time_us = row.get(10)?;
                let pilot = row.get::<_, Option<String>>(9)?.map(|text| PilotResult { run_time_us, text });
                Ok(ExperimentFacts { id, planned, ended, pilot })
            },
        );
        found.optional()?.ok_or(StoreError::NoExperiment(id.0))
    }

    /// The newest experiment, if there is one.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn latest_experiment(&self) -> Result<Option<ExperimentId>, StoreError> {
        let newest = self.connection.query_row("SELECT max(id) FROM experiment", [], |row| row.get(0));
        Ok(newest.optional()?.flatten().map(ExperimentId))
    }

    /// The runs of an experiment's pilot, in order of time.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn pilot(&self, id: ExperimentId) -> Result<Vec<RunFacts>, StoreError> {
        self.runs_where("experiment = ?1 AND round = 0 ORDER BY id", [id.0])
    }

    /// The runs of an experiment's rounds, in order of time; none before the first. Those of its pilot are no evidence.
    ///
    /// # Errors
    /// If there is no such experiment.
    pub fn experiment(&self, id: ExperimentId) -> Result<Vec<RunFacts>, StoreError> {
        let runs = self.runs_where("experiment = ?1 ORDER BY id", [id.0])?;
        if runs.is_empty() {
            return Err(StoreError::NoExperiment(id.0));
        }
        Ok(runs.into_iter().filter(|run| !run.is_pilot()).collect())
    }
}
