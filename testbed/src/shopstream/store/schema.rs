//! Tables, alike in both databases.

use crate::neighbour::{Problem, sql::Connection};

/// `{id}` and `{json}` are what the databases have different words for.
const TABLES: &str = "
-- What commands decide on, of aggregates that are kept as they are.
CREATE TABLE IF NOT EXISTS aggregates (
    id      TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,
    version BIGINT NOT NULL,
    state   TEXT NOT NULL
);

-- All that is kept of the others: each event, and the difference that it made.
CREATE TABLE IF NOT EXISTS events (
    aggregate_id TEXT NOT NULL,
    version      BIGINT NOT NULL,
    kind         TEXT NOT NULL,
    type         TEXT NOT NULL,
    data         {json} NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (aggregate_id, version)
);

-- Values that only one aggregate may have, such as a customer's external id.
CREATE TABLE IF NOT EXISTS unique_values (
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (field, value)
);

-- Events to be published, written together with the aggregate that they are about. Times are
-- microseconds since 1970 in UTC; processed_at - created_at is the time from commit to visible
-- effect.
CREATE TABLE IF NOT EXISTS outbox (
    id           {id},
    stream       TEXT NOT NULL,
    type         TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version      BIGINT NOT NULL,
    payload      TEXT NOT NULL,
    priority     BIGINT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('PENDING', 'PUBLISHED')),
    created_at   BIGINT NOT NULL,
    published_at BIGINT,
    processed_at BIGINT
);
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (id) WHERE status = 'PENDING';

-- What reads are answered from, written by engines.
CREATE TABLE IF NOT EXISTS read_models (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    version    BIGINT NOT NULL,
    status     TEXT,
    parent     TEXT,
    created_at TEXT,
    view       {json} NOT NULL
);
CREATE INDEX IF NOT EXISTS read_models_by_kind ON read_models (kind, created_at);
CREATE INDEX IF NOT EXISTS read_models_by_parent ON read_models (kind, parent, created_at)
    WHERE parent IS NOT NULL;
";

const ALL: [&str; 5] = ["aggregates", "events", "unique_values", "outbox", "read_models"];

/// Makes the tables where they are missing.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), Problem> {
    let (id, json) = match connection {
        Connection::Sqlite(_) => ("INTEGER PRIMARY KEY AUTOINCREMENT", "TEXT"),
        Connection::Postgres(_) => ("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "JSON"),
    };
    connection.run(&TABLES.replace("{id}", id).replace("{json}", json))
}

/// Deletes every row of every table.
pub(super) fn truncate(connection: &mut Connection) -> Result<(), Problem> {
    match connection {
        Connection::Sqlite(_) => {
            ALL.iter().try_for_each(|table| connection.run(&format!("DELETE FROM {table}")))
        }
        Connection::Postgres(_) => connection.run(&format!("TRUNCATE {}", ALL.join(", "))),
    }
}
