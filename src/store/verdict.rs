//! What was decided, for people with `sqlite3` and for the history: written down, never read back by a
//! report, which decides anew from the samples.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Store, StoreError, now_unix_us};
use crate::run::{ExperimentId, Judged, RunId};

/// A decided claim.
#[derive(Clone, Debug, PartialEq)]
pub struct VerdictRow {
    /// The profile that it was decided for.
    pub profile: String,
    /// What the claim says.
    pub title: String,
    /// Its rule in symbols.
    pub formula: String,
    /// Whether it gates.
    pub gates: bool,
    /// `supported`, `refuted`, `undecided`, `invalid`.
    pub verdict: &'static str,
    /// What it is called: `met`, `missed`, `indicated`, `not indicated`, or the verdict itself.
    pub word: &'static str,
    /// Why.
    pub reason: String,
    /// The estimate.
    pub estimate: Option<f64>,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end of its interval.
    pub high: Option<f64>,
    /// Two-sided alpha of the interval.
    pub alpha: f64,
    /// What the claim came to in each round, in order.
    pub values: Vec<Option<f64>>,
}

/// A claim as it was decided last, in words: what is left to show once samples are gone.
#[derive(Clone, Debug, PartialEq)]
pub struct DecidedRow {
    /// The profile that it was decided for.
    pub profile: String,
    /// What the claim says.
    pub title: String,
    /// Its rule in symbols.
    pub formula: String,
    /// Whether it gates.
    pub gates: bool,
    /// What the verdict is called.
    pub word: String,
    /// Why.
    pub reason: String,
    /// When, µs since 1970 (UTC); none where that was not written down.
    pub decided_unix_us: Option<i64>,
}

/// Something that was checked of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRow {
    /// The run.
    pub run: RunId,
    /// What was checked.
    pub name: String,
    /// `VALID`, `WARN`, `INVALID`.
    pub grade: &'static str,
    /// What was seen.
    pub text: String,
}

impl Store {
    /// The verdicts of all gating claims, of whatever was reported.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn gating_verdicts(&self) -> Result<Vec<(Judged, String)>, StoreError> {
        let sql = "SELECT experiment, run, verdict FROM verdict WHERE gates ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let verdicts = statement.query_map([], |row| {
            let of = match row.get::<_, Option<i64>>(0)? {
                Some(experiment) => Judged::Experiment(ExperimentId(experiment)),
                None => Judged::Run(RunId(row.get(1)?)),
            };
            Ok((of, row.get(2)?))
        })?;
        Ok(verdicts.collect::<Result<_, _>>()?)
    }

    /// What was decided last of a run or an experiment, in the order of its claims.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn decided(&self, of: Judged) -> Result<Vec<DecidedRow>, StoreError> {
        let (experiment, run) = owner(of);
        let mut statement = self.connection.prepare_cached(
            "SELECT profile, title, formula, gates, word, reason, decided_unix_us FROM verdict \
             WHERE experiment IS ?1 AND run IS ?2 ORDER BY id",
        )?;
        let decided = statement.query_map(params![experiment, run], |row| {
            Ok(DecidedRow {
                profile: row.get(0)?,
                title: row.get(1)?,
                formula: row.get(2)?,
                gates: row.get(3)?,
                word: row.get(4)?,
                reason: row.get(5)?,
                decided_unix_us: row.get(6)?,
            })
        })?;
        Ok(decided.collect::<Result<_, _>>()?)
    }

    /// The checks of a run that were written down and did not come out `VALID`: what was checked, its grade, what was seen.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn doubts(&self, run: RunId) -> Result<Vec<(String, String, String)>, StoreError> {
        let sql =
            "SELECT name, grade, text FROM audit_check WHERE run = ?1 AND grade <> 'VALID' ORDER BY name";
        let mut statement = self.connection.prepare_cached(sql)?;
        let doubts = statement.query_map([run.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(doubts.collect::<Result<_, _>>()?)
    }

    /// Writes down what was checked of runs, where nothing is written down yet.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn keep_first_checks(&mut self, checks: &[CheckRow]) -> Result<(), StoreError> {
        if self.is_read_only {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        for check in checks {
            transaction.execute(
                "INSERT OR IGNORE INTO audit_check (run, name, grade, text) VALUES (?1, ?2, ?3, ?4)",
                params![check.run.0, check.name, check.grade, check.text],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// The grade of a run's check of a name, as it was written down; none if it was not.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn check_grade(&self, run: RunId, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT grade FROM audit_check WHERE run = ?1 AND name = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params![run.0, name], |row| row.get(0)).optional()?)
    }

    /// The checks of a scenario's runs that have a grade: the run's number, what was checked, and what was seen.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn checks_of_grade(
        &self,
        scenario: &str,
        grade: &str,
    ) -> Result<Vec<(RunId, String, String)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT c.run, c.name, c.text FROM audit_check c JOIN run r ON r.id = c.run \
             WHERE r.scenario = ?1 AND c.grade = ?2 ORDER BY c.run, c.name",
        )?;
        let checks = statement
            .query_map([scenario, grade], |row| Ok((RunId(row.get(0)?), row.get(1)?, row.get(2)?)))?;
        Ok(checks.collect::<Result<_, _>>()?)
    }

    /// Writes down what was decided, in place of what was decided before.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn keep_verdicts(
        &mut self,
        of: Judged,
        verdicts: &[VerdictRow],
        checks: &[CheckRow],
    ) -> Result<(), StoreError> {
        if self.is_read_only {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        let (experiment, run) = owner(of);
        let which = "SELECT id FROM verdict WHERE experiment IS ?1 AND run IS ?2";
        transaction.execute(
            &format!("DELETE FROM claim_value WHERE verdict IN ({which})"),
            params![experiment, run],
        )?;
        transaction
            .execute("DELETE FROM verdict WHERE experiment IS ?1 AND run IS ?2", params![experiment, run])?;
        for verdict in verdicts {
            keep(&transaction, experiment, run, verdict)?;
        }
        for check in checks {
            transaction.execute(
                "INSERT OR REPLACE INTO audit_check (run, name, grade, text) VALUES (?1, ?2, ?3, ?4)",
                params![check.run.0, check.name, check.grade, check.text],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// The numbers of an experiment or a run that verdicts belong to.
fn owner(of: Judged) -> (Option<i64>, Option<i64>) {
    match of {
        Judged::Experiment(id) => (Some(id.0), None),
        Judged::Run(id) => (None, Some(id.0)),
    }
}

fn keep(
    transaction: &Transaction<'_>,
    experiment: Option<i64>,
    run: Option<i64>,
    verdict: &VerdictRow,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO verdict (experiment, run, profile, title, formula, gates, verdict, reason, rounds, estimate, \
         low, high, alpha, word, decided_unix_us) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            experiment,
            run,
            verdict.profile,
            verdict.title,
            verdict.formula,
            verdict.gates,
            verdict.verdict,
            verdict.reason,
            i64::try_from(verdict.values.len()).unwrap_or(i64::MAX),
            verdict.estimate,
            verdict.low,
            verdict.high,
            verdict.alpha,
            verdict.word,
            now_unix_us(),
        ],
    )?;
    let id = transaction.last_insert_rowid();
    for (round, value) in (1..).zip(&verdict.values) {
        let row: (i64, i64, Option<f64>) = (id, round, *value);
        transaction.execute("INSERT INTO claim_value (verdict, round, value) VALUES (?1, ?2, ?3)", row)?;
    }
    Ok(())
}
