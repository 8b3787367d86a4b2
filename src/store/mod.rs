//! The results store: one SQLite file that holds every sample and all that explains it.
//!
//! All SQL of the project stands here. A run's samples are appended live by one writer thread
//! ([`RunWriter`]); the file can be read, with this tool or plain `sqlite3`, while a run goes on.

mod checksum;
mod experiment;
mod extract;
mod figure;
mod query;
mod read;
mod schema;
mod source;
mod verdict;
mod write;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};

pub use checksum::Block;
pub use experiment::{Ending, ExperimentFacts, NewExperiment};
pub use figure::Note;
pub use query::{Answer, query};
pub use read::{Reference, SampleColumns, SignalColumn};
pub use verdict::{CheckRow, VerdictRow};
pub use write::{Observer, RunWords, RunWriter};

use crate::claim::{Claim, Expression, Sign};
use crate::run::{
    Arm, ExperimentId, HookFacts, KeyFacts, LoadFacts, PhaseSpan, RaisedEvent, RunId, RunState, Source,
};

/// A run whose process has not been heard of for this long is taken for crashed.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(10);

/// Why the store cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own words.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file cannot be opened or made.
    #[error("cannot open the store `{path}`: {error}")]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        error: rusqlite::Error,
    },
    /// Its folder cannot be made.
    #[error("cannot make the folder of the store `{path}`: {error}")]
    Folder {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// It was written by a newer loadproof.
    #[error("the store has schema version {found}, this loadproof knows up to {known}: use a newer one")]
    TooNew {
        /// The store's version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// There is no such run.
    #[error("no run `{0}` in the store; `loadproof runs` lists what there is")]
    NoRun(String),
    /// There is no such experiment.
    #[error("no experiment {0} in the store; `loadproof runs` lists what there is")]
    NoExperiment(i64),
    /// A question that is no SQL, or asks for what is not there.
    #[error("the store cannot answer: {0}; docs/SCHEMA.md describes its tables and views")]
    Question(rusqlite::Error),
    /// A question that would change the store.
    #[error("a question only reads, and this one would change the store")]
    NotReading,
    /// The writer thread is gone.
    #[error("the store's writer has ended early")]
    WriterGone,
}

/// What is known of a run before it starts.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's file as given.
    pub scenario_file: String,
    /// The workload's fingerprint.
    pub fingerprint: String,
    /// The load's name.
    pub load: String,
    /// The load in words.
    pub load_text: String,
    /// The profile's name.
    pub profile: String,
    /// The user's own name for it.
    pub label: Option<String>,
    /// The arm that its profile plays, in an experiment or by the scenario.
    pub arm: Option<Arm>,
    /// Experiment and round it belongs to.
    pub part_of: Option<(ExperimentId, u32)>,
    /// Start, µs since 1970 (UTC).
    pub started_unix_us: i64,
    /// Seed of all its randomness.
    pub seed: u64,
    /// The command that makes it.
    pub command: String,
    /// Machine, versions and system facts.
    pub environment: Vec<(String, String)>,
    /// How its load is made.
    pub load_facts: LoadFacts,
    /// What is claimed of the system.
    pub claims: Vec<Claim>,
    /// What must be seen to be true of it.
    pub must_hold: Vec<Expression>,
    /// The deployment's name (`--deployment`), if one was given.
    pub env: Option<String>,
    /// What its samples are about.
    pub keys: Vec<KeyFacts>,
    /// What its requests race each other for.
    pub races: Vec<String>,
    /// The events that its requests raise.
    pub raised: Vec<RaisedEvent>,
    /// What tells of trouble in its system.
    pub signs: Vec<Sign>,
    /// Where traces of its requests can be looked at; empty if nowhere, none if they have none.
    pub trace_url: Option<String>,
    /// The scenario files, without what may be secret in them.
    pub sources: Vec<Source>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// How far it came.
    pub state: RunState,
    /// Why; empty if as planned.
    pub note: String,
    /// Its phases.
    pub phases: Vec<PhaseSpan>,
    /// The commands around it.
    pub hooks: Vec<HookFacts>,
    /// By how much the wall clock strayed from the run's own clock, µs.
    pub clock_step_us: i64,
}

impl RunEnd {
    /// A run that failed before it came to anything.
    pub fn failed(note: impl Into<String>) -> Self {
        Self {
            state: RunState::Failed,
            note: note.into(),
            phases: Vec::new(),
            hooks: Vec::new(),
            clock_step_us: 0,
        }
    }
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens a store, makes it if there is none, brings it to the current schema, and marks runs
    /// whose process is gone as crashed.
    ///
    /// # Errors
    /// If the file cannot be opened, is no store, or is from a newer program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|error| StoreError::Folder { path: path.to_owned(), error })?;
        }
        let mut connection = connect(path)?;
        schema::migrate(&mut connection)?;
        let store = Self { connection, path: path.to_owned() };
        store.mark_crashed()?;
        Ok(store)
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new run down, as running.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn begin_run(&mut self, run: &NewRun) -> Result<RunId, StoreError> {
        let transaction = self.connection.transaction()?;
        let (experiment, round) = run.part_of.unzip();
        let (experiment, arm) = (experiment.map(|e| e.0), run.arm.map(Arm::word));
        transaction.execute(
            "INSERT INTO run (scenario, scenario_file, fingerprint, load, load_text, profile, label, experiment, \
             arm, round, state, started_at, started_unix_us, heartbeat_unix_us, process, machine, seed, command, \
             tool_version, executor, max_in_flight, rate_per_s, workers, claims, must_hold, deployment, keys, trace_url, \
             races, raised, symptoms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'running', ?11, ?12, ?13, ?14, ?15, \
             ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)",
            params![
                run.scenario,
                run.scenario_file,
                run.fingerprint,
                run.load,
                run.load_text,
                run.profile,
                run.label,
                experiment,
                arm,
                round,
                crate::unit::utc(run.started_unix_us),
                run.started_unix_us,
                now_unix_us(),
                std::process::id(),
                sysinfo::System::host_name().unwrap_or_default(),
                sql_integer(run.seed),
                run.command,
                env!("CARGO_PKG_VERSION"),
                run.load_facts.executor,
                run.load_facts.places,
                run.load_facts.rate_per_s,
                run.load_facts.workers,
                json(&run.claims),
                json(&run.must_hold),
                run.env,
                json(&run.keys),
                run.trace_url,
                json(&run.races),
                json(&run.raised),
                json(&run.signs),
            ],
        )?;
        let id = RunId(transaction.last_insert_rowid());
        for (name, value) in &run.environment {
            transaction.execute(
                "INSERT OR REPLACE INTO environment (run, name, value) VALUES (?1, ?2, ?3)",
                params![id.0, name, value],
            )?;
        }
        source::keep(&transaction, id, &run.sources)?;
        transaction.commit()?;
        Ok(id)
    }

    /// Writes down how a run ended, and its phases.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn end_run(&mut self, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for phase in &end.phases {
            transaction.execute(
                "INSERT OR REPLACE INTO run_phase (run, name, start_us, end_us, complete) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![run.0, phase.name, phase.start_us, phase.end_us, phase.complete],
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
        let last = end.phases.iter().map(|p| p.end_us).max().unwrap_or(0);
        transaction.execute(
            "UPDATE run SET state = ?2, last_us = max(last_us, ?3), end_note = ?4, clock_step_us = ?5 WHERE id = ?1",
            params![run.0, end.state.word(), last, end.note, end.clock_step_us],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Marks running runs whose process is gone, or silent for long, as crashed.
    fn mark_crashed(&self) -> Result<(), StoreError> {
        let mut running = self
            .connection
            .prepare("SELECT id, process, machine, heartbeat_unix_us FROM run WHERE state = 'running'")?;
        let here = sysinfo::System::host_name().unwrap_or_default();
        let gone: Vec<i64> = running
            .query_map([], |row| {
                let (id, process, machine, heartbeat): (i64, u32, String, i64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                let silent =
                    now_unix_us() - heartbeat > i64::try_from(SILENCE.as_micros()).unwrap_or(i64::MAX);
                Ok((silent || (machine == here && !is_alive(process))).then_some(id))
            })?
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect();
        for id in gone {
            self.connection
                .execute("UPDATE run SET state = 'crashed' WHERE id = ?1 AND state = 'running'", [id])?;
        }
        Ok(())
    }
}

/// A connection with the settings that every reader and writer of a store needs.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        // Readers and the writer do not wait for each other.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A killed process loses nothing that was committed; a power cut may lose the last second.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::Open { path: path.to_owned(), error })
}

fn is_alive(process: u32) -> bool {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    // A process that belongs to somebody else answers with a refusal: it is alive.
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

fn now_unix_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Claims and conditions as JSON; their types rule a failure out.
fn json<T: serde::Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).unwrap_or_else(|_| "[]".to_owned())
}

/// SQLite's integers are signed; seeds on the command line are bounded to fit.
fn sql_integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_of_the_version_before_is_brought_forward_with_its_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let old = Connection::open(&path).unwrap();
        schema::make_version(&old, 6);
        old.execute_batch(include_str!("migrations/run_of_version_6.sql")).unwrap();
        drop(old);

        let store = Store::open(&path).unwrap();
        let run = store.run(&Reference::Latest).unwrap();
        assert_eq!((run.env.as_deref(), run.load_facts.places), (Some("staging"), 40));
        assert_eq!(run.claims[0].environments, ["staging"]);
        assert_eq!(run.claims[0].select.traffic_class.as_deref(), Some("production"));
        assert_eq!(run.signs[0].select.traffic_class.as_deref(), Some("production"));
        let kept = store.figures("shop").unwrap();
        assert_eq!((kept[0].name.as_str(), kept[0].value, kept[0].n), ("p95", 12.5, 100));
        let is_counter = |signal: &str| {
            let sql = "SELECT is_counter FROM signal WHERE name = ?1";
            store.connection.query_row(sql, [signal], |row| row.get::<_, bool>(0)).unwrap()
        };
        assert!(is_counter("orders") && !is_counter("backlog"));
        let counted = "SELECT count(*) FROM endpoint_metrics, second_metrics";
        assert_eq!(store.connection.query_row(counted, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
}
