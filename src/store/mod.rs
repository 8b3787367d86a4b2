//! The results store: one SQLite file that holds every sample and all that explains it.
//!
//! All SQL of the project stands here. A run's samples are appended live by one writer thread
//! ([`RunWriter`]); the file can be read, with this tool or plain `sqlite3`, while a run goes on.

mod agent;
mod block;
mod built_in;
mod capacity;
mod check;
mod checksum;
mod conduct;
mod exchange;
mod experiment;
mod extract;
mod failures;
mod ids;
mod fault;
mod histogram;
mod metric;
mod pruned;
mod query;
mod read;
mod rows;
mod run;
mod samples;
mod schema;
mod seal;
mod seal_of_several;
mod sealing;
mod source;
mod verdict;
mod words;
mod write;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::run::RunId;

pub use agent::NewAgents;
pub use capacity::{CapacityFacts, NewCapacitySearch, TrialRow};
pub use check::Checked;
pub use checksum::Block;
pub use conduct::LookRow;
pub use exchange::StoredExchange;
pub use experiment::{Ending, ExperimentFacts, NewExperiment};
pub use metric::Note;
pub use pruned::{Need, Room};
pub use query::{Answer, query};
pub use rows::Attaching;
pub use run::Reference;
pub use verdict::{CheckRow, DecidedRow, VerdictRow};
pub use write::{Observer, RunWords, RunWriter, WordCounts};

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
    /// There is no such file, and a question makes none.
    #[error("the store `{0}` does not exist: run a scenario first, or pass another store with `--store`")]
    Missing(PathBuf),
    /// The file belongs to another program.
    #[error("`{0}` is not a store of loadproof: name another file with `--store`")]
    Foreign(PathBuf),
    /// It is a folder.
    #[error("`{0}` is a folder, and a store is a file: name one with `--store`")]
    IsFolder(PathBuf),
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
    /// It cannot be brought to the current schema where it stands.
    #[error(
        "the store `{path}` has schema version {found}, and cannot be brought to version {known} where nothing can be \
         written: copy it to another folder"
    )]
    ReadOnlyOlder {
        /// The file.
        path: PathBuf,
        /// The store's version.
        found: i64,
        /// That of this program.
        known: i64,
    },
    /// Its last changes cannot be read where it stands.
    #[error(
        "the store `{0}` was not closed, and SQLite needs write access to the folder to read its log: copy both files to a writable folder"
    )]
    ReadOnlyLog(PathBuf),
    /// There is no such run.
    #[error("no run `{0}` in the store; `loadproof runs` lists what there is")]
    NoRun(String),
    /// There is no such experiment.
    #[error("no experiment {0} in the store; `loadproof runs` lists what there is")]
    NoExperiment(i64),
    /// There is no such search for capacity.
    #[error(
        "no capacity search c{0} in the store; `loadproof store query 'SELECT id, scenario, profiles, started_at FROM capacity_search'` lists them"
    )]
    NoCapacity(i64),
    /// A block of samples is not as any loadproof writes it.
    #[error(
        "the samples of run {run} from {from} on cannot be read: {why}; `loadproof store check` names all that was changed \
         after it was stored"
    )]
    Damaged {
        /// The run.
        run: RunId,
        /// The place of the block's first sample within the run.
        from: i64,
        /// What is wrong.
        why: &'static str,
    },
    /// A question that is no SQL, or asks for what is not there.
    #[error("the store cannot answer: {0}; docs/SCHEMA.md describes its tables and views")]
    Question(rusqlite::Error),
    /// A question that would change the store.
    #[error("a question only reads, and this one would change the store")]
    NotReading,
    /// What is asked for rests on samples that are gone.
    #[error(
        "the samples of run {run} were pruned on {at}, and nothing can be worked out from them again\n  hint: `loadproof store \
         attach FILE` reads them back from an archive; `loadproof report {run}` shows what was kept"
    )]
    SamplesPruned {
        /// The run.
        run: RunId,
        /// When, for people.
        at: String,
    },
    /// Samples are to be read back that are not missing.
    #[error("run {0} has its samples: there is nothing to attach")]
    NotPruned(RunId),
    /// An archive holds another run of the same number.
    #[error(
        "the archive's run {run} is not run {run} of this store: its seal is another one\n  hint: name the store that it was \
         archived from with `--store`"
    )]
    OtherArchive {
        /// The run's number.
        run: RunId,
    },
    /// What an archive holds was changed.
    #[error("the archive is not attached, and the store is as it was: not as it was sealed: {0}")]
    NotAsSealed(String),
    /// The writer thread is gone.
    #[error("the store's writer has ended early")]
    WriterGone,
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Whether it stands where nothing can be written; what was decided is then not kept.
    is_read_only: bool,
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
        schema::check_own(path)?;
        let mut connection = connect(path)?;
        schema::migrate(&mut connection)?;
        let store = Self { connection, path: path.to_owned(), is_read_only: false };
        store.mark_crashed()?;
        Ok(store)
    }

    /// Opens a store that stands where nothing can be written.
    fn open_immutable(path: &Path) -> Result<Self, StoreError> {
        let connection = connect_immutable(path)?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found != schema::current_version() {
            return Err(StoreError::ReadOnlyOlder {
                path: path.to_owned(),
                found,
                known: schema::current_version(),
            });
        }
        Ok(Self { connection, path: path.to_owned(), is_read_only: true })
    }

    /// Whether it stands where nothing can be written.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Opens a store that there is, as [`Store::open`] does, to be asked; also where nothing can be written.
    ///
    /// # Errors
    /// Also if there is none.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        // A file without content is no store yet, and may become another program's.
        let is_there = std::fs::metadata(path).is_ok_and(|file| file.is_dir() || file.len() > 0);
        if !is_there {
            return Err(StoreError::Missing(path.to_owned()));
        }
        match Self::open(path) {
            Err(error) if is_for_want_of_writing(&error) => Self::open_immutable(path),
            other => other,
        }
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
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

/// A connection to a store that nobody can write: SQLite looks for no log beside it, and makes none.
fn connect_immutable(path: &Path) -> Result<Connection, StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Err(StoreError::ReadOnlyLog(path.to_owned()));
    }
    let encoded = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{encoded}?immutable=1"), flags)
        .map_err(|error| StoreError::Open { path: path.to_owned(), error })
}

/// Whether a store cannot be opened since nothing can be written where it stands.
fn is_for_want_of_writing(error: &StoreError) -> bool {
    let (StoreError::Open { error, .. } | StoreError::Sqlite(error)) = error else { return false };
    let codes = [ErrorCode::CannotOpen, ErrorCode::ReadOnly, ErrorCode::PermissionDenied];
    error.sqlite_error_code().is_some_and(|code| codes.contains(&code))
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

/// SQLite's integers are signed; seeds on the command line are bounded to fit.
fn sql_integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Runs statements that change rows of `sample`, as somebody does who knows how samples are stored.
#[cfg(test)]
fn change_samples(connection: &Connection, sql: &str) {
    let [out, back] = [
        include_str!("../../tests/it/support/samples_out.sql"),
        include_str!("../../tests/it/support/samples_in.sql"),
    ];
    connection.execute_batch(&format!("{out} {sql}; {back}")).unwrap();
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
        assert_eq!(
            (run.start.deployment.as_deref(), run.start.load_facts.max_in_flight),
            (Some("staging"), 40)
        );
        assert_eq!(run.start.claims[0].deployments, ["staging"]);
        assert_eq!(run.start.claims[0].select.traffic_class.as_deref(), Some("production"));
        assert_eq!(run.start.symptoms[0].select.traffic_class.as_deref(), Some("production"));
        let kept = store.metrics("shop").unwrap();
        assert_eq!((kept[0].name.as_str(), kept[0].value, kept[0].n), ("p95", 12.5, 100));
        let is_counter = |signal: &str| {
            let sql = "SELECT is_counter FROM signal WHERE name = ?1";
            store.connection.query_row(sql, [signal], |row| row.get::<_, bool>(0)).unwrap()
        };
        assert!(is_counter("orders") && !is_counter("backlog"));
        let counted = "SELECT count(*) FROM endpoint_metrics, second_metrics";
        assert_eq!(store.connection.query_row(counted, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
    #[test]
    fn a_file_of_another_program_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        for version in [0, 3] {
            let _ = std::fs::remove_file(&path);
            let other = Connection::open(&path).unwrap();
            other.execute_batch("CREATE TABLE orders (id INTEGER)").unwrap();
            other.pragma_update(None, "user_version", version).unwrap();
            drop(other);
            let before = std::fs::read(&path).unwrap();
            assert!(matches!(Store::open(&path), Err(StoreError::Foreign(_))));
            assert_eq!(std::fs::read(&path).unwrap(), before);
        }
        std::fs::write(&path, "no database at all, but long enough to be taken for one").unwrap();
        assert!(Store::open(&path).is_err());
    }

    #[test]
    fn a_store_where_nothing_can_be_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b#c%d.db");
        drop(Store::open(&path).unwrap());
        let store = Store::open_immutable(&path).unwrap();
        assert!(store.is_read_only() && store.runs().unwrap().is_empty());
        assert!(store.begin_experiment(&NewExperiment::default()).is_err());
        drop(store);
        std::fs::write(folder.path().join("a?b#c%d.db-wal"), "log").unwrap();
        assert!(matches!(Store::open_immutable(&path), Err(StoreError::ReadOnlyLog(_))));
    }

    #[test]
    fn a_question_makes_no_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("typo.db");
        assert!(matches!(Store::open_existing(&path), Err(StoreError::Missing(_))));
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        assert!(matches!(Store::open_existing(&path), Err(StoreError::Missing(_))));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        assert!(matches!(Store::open_existing(folder.path()), Err(StoreError::IsFolder(_))));
        drop(Store::open(&path).unwrap());
        assert!(Store::open_existing(&path).is_ok());
    }
}
