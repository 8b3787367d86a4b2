//! The replica, with the outbox and the dead letters beside it: a SQLite file, or `gateway_db` of a PostgreSQL.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use super::event::Event;
use crate::{
    clock,
    neighbour::{
        Problem, server,
        sql::{Cell, Connection, Parameter},
    },
};

/// The name of the database on a server.
const NAME: &str = "gateway_db";

/// Times are microseconds since 1970 in UTC; `replicated_at - wal_timestamp` is the lag of each event.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS memory_replica (
    event_id      TEXT PRIMARY KEY,
    session_id    TEXT NOT NULL,
    tenant        TEXT,
    persona_id    TEXT,
    message       TEXT NOT NULL CHECK (length(message) <= 4096),
    wal_timestamp BIGINT NOT NULL,
    replicated_at BIGINT NOT NULL
);
-- How far the log is applied, in bytes: one row, written in the transaction that applies it.
CREATE TABLE IF NOT EXISTS wal_position (id BIGINT PRIMARY KEY, position BIGINT NOT NULL);
INSERT INTO wal_position (id, position) VALUES (1, 0) ON CONFLICT (id) DO NOTHING;
CREATE TABLE IF NOT EXISTS dlq (
    event_id   TEXT PRIMARY KEY,
    topic      TEXT NOT NULL,
    payload    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS outbox (event_id TEXT PRIMARY KEY, payload TEXT NOT NULL, created_at BIGINT NOT NULL);
";

/// The topic of what could not be applied.
pub(super) const TOPIC: &str = "memory.wal";

pub(super) struct Replica {
    place: Place,
    /// One for requests, outbox and figures; SQLite lets one write at a time in any case.
    connection: Mutex<Option<Connection>>,
}

enum Place {
    File(PathBuf),
    Server(String),
}

impl Replica {
    /// The file `replica.db` of a folder.
    pub(super) fn in_folder(folder: &Path) -> Result<Replica, Problem> {
        Replica::open(Place::File(folder.join("replica.db")))
    }

    /// The database `gateway_db` of the server behind `url`, made if it is not there.
    pub(super) fn on_server(url: &str) -> Result<Replica, Problem> {
        Replica::open(Place::Server(server::database(url, NAME)?))
    }

    fn open(place: Place) -> Result<Replica, Problem> {
        let mut connection = place.connect()?;
        connection.transaction(|connection| connection.run(TABLES))?;
        Ok(Replica { place, connection: Mutex::new(Some(connection)) })
    }

    fn ask<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Problem>) -> Result<T, Problem> {
        let mut held = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *held {
            Some(connection) => connection,
            none => none.insert(self.place.connect()?),
        };
        let done = work(connection);
        if connection.is_closed() {
            *held = None;
        }
        done
    }

    /// How far the log is applied.
    pub(super) fn position(&self) -> Result<u64, Problem> {
        let rows =
            self.ask(|connection| connection.query("SELECT position FROM wal_position WHERE id = 1", &[]))?;
        Ok(rows.first().map_or(0, |row| row[0].whole().unsigned_abs()))
    }

    /// Applies events of the log up to a position, all or none.
    pub(super) fn apply(&self, events: &[Event], position: u64) -> Result<(), Problem> {
        self.ask(|connection| {
            connection.transaction(|connection| {
                let now = clock::now_us();
                for event in events {
                    insert(connection, event, now)?;
                }
                move_to(connection, position)
            })
        })
    }

    /// Puts an event aside that cannot be applied, and goes on after it.
    pub(super) fn bury(&self, event: &Event, reason: &str, position: u64) -> Result<(), Problem> {
        let payload = serde_json::to_string(event)?;
        self.ask(|connection| {
            connection.transaction(|connection| {
                connection.execute(
                    "INSERT INTO dlq (event_id, topic, payload, reason, created_at) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (event_id) DO NOTHING",
                    &[
                        Parameter::Text(&event.id),
                        Parameter::Text(TOPIC),
                        Parameter::Text(&payload),
                        Parameter::Text(reason),
                        Parameter::Whole(clock::now_us()),
                    ],
                )?;
                move_to(connection, position)
            })
        })
    }

    /// An event that is applied, as JSON.
    pub(super) fn find(&self, event_id: &str) -> Result<Option<serde_json::Value>, Problem> {
        let sql = "SELECT session_id, message, wal_timestamp, replicated_at FROM memory_replica WHERE event_id = $1";
        let rows = self.ask(|connection| connection.query(sql, &[Parameter::Text(event_id)]))?;
        let found = rows.into_iter().next().and_then(|row| <[Cell; 4]>::try_from(row).ok());
        Ok(found.map(|[session_id, message, wal_timestamp, replicated_at]| {
            serde_json::json!({
                "event_id": event_id,
                "session_id": session_id.text(),
                "message": message.text(),
                "wal_timestamp": wal_timestamp.whole(),
                "replicated_at": replicated_at.whole(),
            })
        }))
    }

    pub(super) fn enqueue(&self, event: &Event) -> Result<(), Problem> {
        let payload = serde_json::to_string(event)?;
        let sql = "INSERT INTO outbox (event_id, payload, created_at) VALUES ($1, $2, $3)";
        let now = Parameter::Whole(clock::now_us());
        self.ask(|c| c.execute(sql, &[Parameter::Text(&event.id), Parameter::Text(&payload), now])).map(drop)
    }

    /// The oldest events of the outbox.
    pub(super) fn queued(&self, most: i64) -> Result<Vec<Event>, Problem> {
        let sql = "SELECT payload FROM outbox ORDER BY created_at LIMIT $1";
        let rows = self.ask(|connection| connection.query(sql, &[Parameter::Whole(most)]))?;
        let payloads = rows.into_iter().flatten().map(Cell::text);
        payloads.map(|payload| Ok(serde_json::from_str(&payload)?)).collect()
    }

    pub(super) fn dequeue(&self, event_id: &str) -> Result<(), Problem> {
        let sql = "DELETE FROM outbox WHERE event_id = $1";
        self.ask(|connection| connection.execute(sql, &[Parameter::Text(event_id)])).map(drop)
    }

    /// How many events are in the outbox and among the dead letters.
    pub(super) fn depths(&self) -> Result<(u64, u64), Problem> {
        let count = |connection: &mut Connection, sql: &str| {
            let rows = connection.query(sql, &[])?;
            Ok::<_, Problem>(rows.first().map_or(0, |row| row[0].whole().unsigned_abs()))
        };
        self.ask(|connection| {
            Ok((
                count(connection, "SELECT count(*) FROM outbox")?,
                count(connection, "SELECT count(*) FROM dlq")?,
            ))
        })
    }

    /// The ids of the dead letters, and why they are there.
    pub(super) fn dead(&self) -> Result<Vec<(String, String)>, Problem> {
        let sql = "SELECT event_id, reason FROM dlq ORDER BY created_at LIMIT 100";
        let rows = self.ask(|connection| connection.query(sql, &[]))?;
        let pair =
            |row: Vec<Cell>| <[Cell; 2]>::try_from(row).ok().map(|[id, reason]| (id.text(), reason.text()));
        Ok(rows.into_iter().filter_map(pair).collect())
    }

    pub(super) fn truncate(&self) -> Result<(), Problem> {
        self.ask(|connection| {
            connection.transaction(|connection| {
                for table in ["memory_replica", "dlq", "outbox"] {
                    connection.run(&format!("DELETE FROM {table}"))?;
                }
                move_to(connection, 0)
            })
        })
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

fn insert(connection: &mut Connection, event: &Event, now: i64) -> Result<(), Problem> {
    connection
        .execute(
            "INSERT INTO memory_replica \
             (event_id, session_id, tenant, persona_id, message, wal_timestamp, replicated_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (event_id) DO NOTHING",
            &[
                Parameter::Text(&event.id),
                Parameter::Text(&event.session_id),
                event.tenant.as_deref().into(),
                event.persona_id.as_deref().into(),
                Parameter::Text(&event.message),
                Parameter::Whole(event.wal_timestamp),
                Parameter::Whole(now),
            ],
        )
        .map(drop)
}

fn move_to(connection: &mut Connection, position: u64) -> Result<(), Problem> {
    let position = Parameter::Whole(i64::try_from(position)?);
    connection.execute("UPDATE wal_position SET position = $1 WHERE id = 1", &[position]).map(drop)
}
