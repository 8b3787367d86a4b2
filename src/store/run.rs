//! Facts of runs: written when a run starts and when it ends, and read again.
//!
//! A fact of a run's start is a column of table `run` (`migrations/`), a line in [`started`] and one in [`facts_of`].

use std::collections::BTreeMap;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ValueRef};
use rusqlite::{Row, params, params_from_iter};

use super::{Store, StoreError, agent, fault, now_unix_us, seal, source, sql_integer};
use crate::run::{
    Arm, ExperimentId, HookFacts, LoadFacts, PhaseSpan, RunEnd, RunFacts, RunId, RunStart, RunState, Source,
};

/// How a user names runs on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A number.
    Run(RunId),
    /// `latest`: the newest run.
    Latest,
    /// A label, or a profile: its newest run.
    Named(String),
}

impl std::str::FromStr for Reference {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.parse::<i64>() {
            Ok(number) => Self::Run(RunId(number)),
            Err(_) if text == "latest" => Self::Latest,
            Err(_) => Self::Named(text.to_owned()),
        })
    }
}

/// Columns are read by name: neither their order nor further ones matter.
const RUNS: &str = "SELECT * FROM run";

impl Store {
    /// Writes a new run down, as running, with the scenario files that it is made with.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn begin_run(&mut self, start: &RunStart, sources: &[Source]) -> Result<RunId, StoreError> {
        let transaction = self.connection.transaction()?;
        let (names, values): (Vec<&str>, Vec<Box<dyn ToSql + '_>>) = started(start).into_iter().unzip();
        let places = vec!["?"; names.len()].join(", ");
        transaction.execute(
            &format!("INSERT INTO run ({}) VALUES ({places})", names.join(", ")),
            params_from_iter(values),
        )?;
        let id = RunId(transaction.last_insert_rowid());
        for (name, value) in &start.environment {
            transaction.execute(
                "INSERT INTO environment (run, name, value) VALUES (?1, ?2, ?3)",
                params![id.0, name, value],
            )?;
        }
        source::keep(&transaction, id, sources)?;
        transaction.commit()?;
        Ok(id)
    }

    /// Writes down how a run ended, and its phases; seals it, if its [`RunWriter`](super::RunWriter) has finished.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn end_run(&mut self, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
        // At once: two runs that end together are sealed one after the other.
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for phase in &end.phases {
            transaction.execute(
                "INSERT OR REPLACE INTO run_phase (run, name, start_us, end_us, complete, unknown) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![run.0, phase.name, phase.start_us, phase.end_us, phase.complete, phase.unknown],
            )?;
        }
        for hook in &end.hooks {
            transaction.execute(
                "INSERT INTO hook (run, name, moment, command, start_us, end_us, exit_code, note) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    run.0,
                    hook.name,
                    hook.moment,
                    hook.command,
                    hook.start_us,
                    hook.end_us,
                    hook.exit_code,
                    hook.note
                ],
            )?;
        }
        fault::keep(&transaction, run, &end.faults)?;
        agent::end(&transaction, run, &end.agents)?;
        let last = end.phases.iter().map(|p| p.end_us).max().unwrap_or(0);
        transaction.execute(
            "UPDATE run SET state = ?2, last_us = max(last_us, ?3), end_note = ?4, clock_step_us = ?5 WHERE id = ?1",
            params![run.0, end.state.word(), last, end.note, end.clock_step_us],
        )?;
        seal::close(&transaction, run)?;
        transaction.commit()?;
        Ok(())
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn runs(&self) -> Result<Vec<RunFacts>, StoreError> {
        self.facts(&format!("{RUNS} ORDER BY id DESC"), [])
    }

    /// The run that a user means.
    ///
    /// # Errors
    /// If there is none.
    pub fn run(&self, reference: &Reference) -> Result<RunFacts, StoreError> {
        let (condition, value, name) = match reference {
            Reference::Run(id) => ("id = ?1", rusqlite::types::Value::from(id.0), id.to_string()),
            Reference::Latest => ("?1 = ''", String::new().into(), "latest".to_owned()),
            Reference::Named(name) => ("label = ?1 OR profile = ?1", name.clone().into(), name.clone()),
        };
        let found = self.facts(&format!("{RUNS} WHERE {condition} ORDER BY id DESC LIMIT 1"), [value])?;
        found.into_iter().next().ok_or(StoreError::NoRun(name))
    }

    /// The runs that a condition and an order pick.
    pub(super) fn runs_where<P: rusqlite::Params>(
        &self,
        condition: &str,
        parameters: P,
    ) -> Result<Vec<RunFacts>, StoreError> {
        self.facts(&format!("{RUNS} WHERE {condition}"), parameters)
    }

    fn facts<P: rusqlite::Params>(&self, sql: &str, parameters: P) -> Result<Vec<RunFacts>, StoreError> {
        let mut statement = self.connection.prepare(sql)?;
        let mut runs = statement.query_map(parameters, facts_of)?.collect::<Result<Vec<_>, _>>()?;
        for run in &mut runs {
            run.start.environment = self.environment(run.id)?;
            run.pruned_unix_us = self.pruned(run.id)?;
            run.end.phases = self.phases(run.id)?;
            run.end.hooks = self.hooks(run.id)?;
            run.end.faults = fault::of(&self.connection, run.id)?;
            run.end.agents = agent::of(&self.connection, run.id)?;
        }
        Ok(runs)
    }

    fn environment(&self, run: RunId) -> Result<BTreeMap<String, String>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT name, value FROM environment WHERE run = ?1")?;
        let facts = statement.query_map([run.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(facts.collect::<Result<_, _>>()?)
    }

    fn phases(&self, run: RunId) -> Result<Vec<PhaseSpan>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, start_us, end_us, complete, unknown FROM run_phase WHERE run = ?1 \
             ORDER BY start_us, end_us",
        )?;
        let phases = statement.query_map([run.0], |row| {
            Ok(PhaseSpan {
                name: row.get(0)?,
                start_us: row.get(1)?,
                end_us: row.get(2)?,
                complete: row.get(3)?,
                unknown: row.get(4)?,
            })
        })?;
        Ok(phases.collect::<Result<_, _>>()?)
    }

    fn hooks(&self, run: RunId) -> Result<Vec<HookFacts>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, moment, command, start_us, end_us, exit_code, note FROM hook WHERE run = ?1 \
             ORDER BY start_us, id",
        )?;
        let hooks = statement.query_map([run.0], |row| {
            Ok(HookFacts {
                name: row.get(0)?,
                moment: row.get(1)?,
                command: row.get(2)?,
                start_us: row.get(3)?,
                end_us: row.get(4)?,
                exit_code: row.get(5)?,
                note: row.get(6)?,
            })
        })?;
        Ok(hooks.collect::<Result<_, _>>()?)
    }
}

/// The columns of a run that starts, and their values.
fn started(start: &RunStart) -> Vec<(&'static str, Box<dyn ToSql + '_>)> {
    vec![
        ("state", Box::new(RunState::Running.word())),
        ("heartbeat_unix_us", Box::new(now_unix_us())),
        ("process", Box::new(std::process::id())),
        ("machine", Box::new(sysinfo::System::host_name().unwrap_or_default())),
        ("scenario", Box::new(&start.scenario)),
        ("scenario_file", Box::new(&start.scenario_file)),
        ("fingerprint", Box::new(&start.fingerprint)),
        ("load", Box::new(&start.load)),
        ("load_text", Box::new(&start.load_text)),
        ("profile", Box::new(&start.profile)),
        ("label", Box::new(&start.label)),
        ("experiment", Box::new(start.experiment.map(|id| id.0))),
        ("arm", Box::new(start.arm.map(Arm::word))),
        ("round", Box::new(start.round)),
        ("started_at", Box::new(&start.started_at)),
        ("started_unix_us", Box::new(start.started_unix_us)),
        ("seed", Box::new(sql_integer(start.seed))),
        ("command", Box::new(&start.command)),
        ("tool_version", Box::new(&start.tool_version)),
        ("executor", Box::new(&start.load_facts.executor)),
        ("max_in_flight", Box::new(start.load_facts.max_in_flight)),
        ("rate_per_s", Box::new(start.load_facts.rate_per_s)),
        ("workers", Box::new(start.load_facts.workers)),
        ("claims", Box::new(json(&start.claims))),
        ("must_hold", Box::new(json(&start.must_hold))),
        ("deployment", Box::new(&start.deployment)),
        ("trace_url", Box::new(&start.trace_url)),
        ("keys", Box::new(json(&start.keys))),
        ("races", Box::new(json(&start.races))),
        ("raised", Box::new(json(&start.raised))),
        ("symptoms", Box::new(json(&start.symptoms))),
        ("parts", Box::new(json(&start.parts))),
        ("stages", Box::new(json(&start.stages))),
        ("tags", Box::new(json(&start.tags))),
    ]
}

/// A run's facts, without those of other tables.
fn facts_of(row: &Row<'_>) -> rusqlite::Result<RunFacts> {
    let (arm, state): (Option<String>, String) = (row.get("arm")?, row.get("state")?);
    let (last_us, samples): (i64, i64) = (row.get("last_us")?, row.get("samples")?);
    Ok(RunFacts {
        id: RunId(row.get("id")?),
        start: RunStart {
            scenario: row.get("scenario")?,
            scenario_file: row.get("scenario_file")?,
            fingerprint: row.get("fingerprint")?,
            load: row.get("load")?,
            load_text: row.get("load_text")?,
            profile: row.get("profile")?,
            label: row.get("label")?,
            experiment: row.get::<_, Option<i64>>("experiment")?.map(ExperimentId),
            arm: [Arm::Baseline, Arm::Treatment].into_iter().find(|a| Some(a.word()) == arm.as_deref()),
            round: row.get("round")?,
            started_at: row.get("started_at")?,
            started_unix_us: row.get("started_unix_us")?,
            seed: u64::try_from(row.get::<_, i64>("seed")?).unwrap_or(0),
            command: row.get("command")?,
            tool_version: row.get("tool_version")?,
            environment: BTreeMap::new(),
            load_facts: LoadFacts {
                executor: row.get("executor")?,
                max_in_flight: row.get("max_in_flight")?,
                rate_per_s: row.get("rate_per_s")?,
                workers: row.get("workers")?,
            },
            claims: from_json(row, "claims")?,
            must_hold: from_json(row, "must_hold")?,
            deployment: row.get("deployment")?,
            trace_url: row.get("trace_url")?,
            keys: from_json(row, "keys")?,
            races: from_json(row, "races")?,
            raised: from_json(row, "raised")?,
            symptoms: from_json(row, "symptoms")?,
            parts: from_json(row, "parts")?,
            stages: from_json(row, "stages")?,
            tags: from_json(row, "tags")?,
        },
        duration_s: last_us as f64 / 1e6,
        samples: samples.unsigned_abs(),
        pruned_unix_us: None,
        end: RunEnd {
            state: RunState::ALL.into_iter().find(|s| s.word() == state).unwrap_or(RunState::Failed),
            note: row.get("end_note")?,
            phases: Vec::new(),
            hooks: Vec::new(),
            faults: Vec::new(),
            agents: Vec::new(),
            clock_step_us: row.get("clock_step_us")?,
        },
    })
}

/// Values as JSON; their types rule a failure out.
fn json<T: serde::Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).unwrap_or_else(|_| "[]".to_owned())
}

/// Values that stand as JSON in a column.
struct FromJson<T>(Vec<T>);

impl<T: serde::de::DeserializeOwned> FromSql for FromJson<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|error| FromSqlError::Other(error.into()))
    }
}

fn from_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<Vec<T>> {
    Ok(row.get::<_, FromJson<T>>(column)?.0)
}
