//! The database: a SQLite file, or `messages_db` of a PostgreSQL server.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::message::Message;
use crate::{
    clock,
    neighbour::{
        Problem, server,
        sql::{Cell, Connection, Parameter},
    },
};

/// The name of the database on a server.
const NAME: &str = "messages_db";
/// Rows of one statement: with more, databases run out of parameters.
const ROWS: usize = 500;
/// Parameters of a row.
const COLUMNS: usize = 7;

/// Times are microseconds since 1970 in UTC: `created_at` is the receipt, `committed_at` is taken after the commit has
/// returned. A batch whose process has died in between has no time, and its messages are not in the view.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS messages (
    id          TEXT PRIMARY KEY,
    user_id     BIGINT NOT NULL,
    channel_id  BIGINT NOT NULL,
    content     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    inserted_at BIGINT NOT NULL,
    batch       BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_insertion ON messages (inserted_at);
CREATE TABLE IF NOT EXISTS batches (
    id           BIGINT PRIMARY KEY,
    worker       TEXT NOT NULL,
    messages     BIGINT NOT NULL,
    committed_at BIGINT NOT NULL
);
DROP VIEW IF EXISTS message_latencies;
CREATE VIEW message_latencies AS
    SELECT messages.id, messages.user_id, messages.channel_id, messages.created_at, batches.committed_at,
           (batches.committed_at - messages.created_at) / 1000.0 AS latency_ms
    FROM messages JOIN batches ON batches.id = messages.batch;
";

/// Where the database is, and a connection to read from it.
pub(super) struct Database {
    place: Place,
    reader: Mutex<Option<Connection>>,
    /// SQLite lets one connection write at a time; who waits here never meets a locked database.
    writing: Mutex<()>,
}

enum Place {
    File(PathBuf),
    Server(String),
}

/// A message that is in the database.
#[derive(Debug, Serialize)]
pub(super) struct Committed {
    id: String,
    user_id: i64,
    channel_id: i64,
    content: String,
    created_at: i64,
    inserted_at: i64,
}

/// A worker's connection.
pub(super) struct Writer<'a> {
    database: &'a Database,
    connection: Option<Connection>,
}

impl Database {
    /// The file `messages.db` of a folder.
    pub(super) fn in_folder(folder: &Path) -> Result<Database, Problem> {
        Database::open(Place::File(folder.join("messages.db")))
    }

    /// The database `messages_db` of the server behind `url`, made if it is not there.
    pub(super) fn on_server(url: &str) -> Result<Database, Problem> {
        Database::open(Place::Server(server::database(url, NAME)?))
    }

    fn open(place: Place) -> Result<Database, Problem> {
        let mut connection = place.connect()?;
        let is_sqlite = matches!(place, Place::File(_));
        connection.transaction(|connection| {
            if !is_sqlite {
                // Two processes that begin at once make the same tables.
                connection.run("SELECT pg_advisory_xact_lock(20031)")?;
            }
            connection.run(TABLES)
        })?;
        Ok(Database { place, reader: Mutex::new(Some(connection)), writing: Mutex::new(()) })
    }

    /// The message of this id, once it is committed.
    pub(super) fn find(&self, id: &str) -> Result<Option<Committed>, Problem> {
        let sql =
            "SELECT id, content, user_id, channel_id, created_at, inserted_at FROM messages WHERE id = $1";
        let rows = self.read(|connection| connection.query(sql, &[Parameter::Text(id)]))?;
        Ok(rows.into_iter().next().and_then(|row| {
            let [id, content, user_id, channel_id, created_at, inserted_at] =
                <[Cell; 6]>::try_from(row).ok()?;
            Some(Committed {
                id: id.text(),
                content: content.text(),
                user_id: user_id.whole(),
                channel_id: channel_id.whole(),
                created_at: created_at.whole(),
                inserted_at: inserted_at.whole(),
            })
        }))
    }

    /// Deletes all rows.
    pub(super) fn truncate(&self) -> Result<(), Problem> {
        let _alone = self.alone();
        self.read(|connection| match self.place {
            Place::File(_) => connection.run("DELETE FROM messages; DELETE FROM batches"),
            Place::Server(_) => connection.run("TRUNCATE messages, batches"),
        })
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer { database: self, connection: None }
    }

    fn read<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Problem>) -> Result<T, Problem> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *reader {
            Some(connection) => connection,
            none => none.insert(self.place.connect()?),
        };
        let done = work(connection);
        if connection.is_closed() {
            *reader = None;
        }
        done
    }

    fn alone(&self) -> Option<MutexGuard<'_, ()>> {
        let is_file = matches!(self.place, Place::File(_));
        is_file.then(|| self.writing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    fn connect(&self) -> Result<Connection, Problem> {
        match self {
            Place::File(file) => Connection::sqlite(file),
            Place::Server(url) => Connection::postgres(url),
        }
    }
}

impl Writer<'_> {
    /// Commits a batch, and says when it was. A message that is there already is left as it is.
    pub(super) fn commit(&mut self, worker: &str, batch: &[Message]) -> Result<i64, Problem> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.database.place.connect()?),
        };
        let committed = {
            let _alone = self.database.alone();
            commit(connection, worker, batch)
        };
        if connection.is_closed() {
            self.connection = None;
        }
        committed
    }
}

fn commit(connection: &mut Connection, worker: &str, batch: &[Message]) -> Result<i64, Problem> {
    let id = uuid::Uuid::new_v4().as_u64_pair().0.cast_signed();
    connection.transaction(|connection| {
        let now = clock::now_us();
        batch.chunks(ROWS).try_for_each(|messages| insert(connection, messages, now, id))
    })?;
    let committed_at = clock::now_us();
    let messages = i64::try_from(batch.len()).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO batches (id, worker, messages, committed_at) VALUES ($1, $2, $3, $4)",
        &[
            Parameter::Whole(id),
            Parameter::Text(worker),
            Parameter::Whole(messages),
            Parameter::Whole(committed_at),
        ],
    )?;
    Ok(committed_at)
}

fn insert(connection: &mut Connection, messages: &[Message], now: i64, batch: i64) -> Result<(), Problem> {
    let rows: Vec<String> = (0..messages.len()).map(row).collect();
    let sql = format!(
        "INSERT INTO messages (id, user_id, channel_id, content, created_at, inserted_at, batch) VALUES {} \
         ON CONFLICT (id) DO NOTHING",
        rows.join(", ")
    );
    let parameters: Vec<Parameter<'_>> = messages
        .iter()
        .flat_map(|message| {
            [
                Parameter::Text(&message.id),
                Parameter::Whole(message.user_id),
                Parameter::Whole(message.channel_id),
                Parameter::Text(&message.content),
                Parameter::Whole(message.created_at),
                Parameter::Whole(now),
                Parameter::Whole(batch),
            ]
        })
        .collect();
    connection.execute(&sql, &parameters).map(drop)
}

/// `($8, $9, …)`: the parameters of a row.
fn row(number: usize) -> String {
    let parameters: Vec<String> =
        (1..=COLUMNS).map(|column| format!("${}", number * COLUMNS + column)).collect();
    format!("({})", parameters.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{Database, Message};

    #[test]
    fn a_message_that_is_committed_twice_is_there_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::in_folder(folder.path()).unwrap();
        let message = |n: i64| Message {
            id: n.to_string(),
            user_id: n,
            channel_id: 1,
            content: "x".to_owned(),
            created_at: 1,
        };
        let batch: Vec<Message> = (0..1200).map(message).collect();
        let mut writer = database.writer();
        let first = writer.commit("worker-1", &batch).unwrap();
        assert!(writer.commit("worker-1", &batch[..3]).unwrap() >= first);
        let count = |sql| database.read(|c| c.query(sql, &[])).unwrap()[0][0].whole();
        assert_eq!(count("SELECT count(*) FROM messages"), 1200);
        assert_eq!(count("SELECT count(*) FROM message_latencies WHERE latency_ms > 0"), 1200);
        assert_eq!(database.find("7").unwrap().unwrap().user_id, 7);
        assert!(database.find("1200").unwrap().is_none());
        database.truncate().unwrap();
        assert_eq!(count("SELECT count(*) FROM messages") + count("SELECT count(*) FROM batches"), 0);
    }
}
