//! Tables, and the settings of a connection.

use rusqlite::Connection;

const TABLES: &str = "
-- What commands decide on.
CREATE TABLE IF NOT EXISTS aggregates (
    id      TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,
    version INTEGER NOT NULL,
    state   TEXT NOT NULL                    -- JSON
) STRICT;

-- Values that only one aggregate may have, such as a customer's external id.
CREATE TABLE IF NOT EXISTS unique_values (
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (field, value)
) STRICT, WITHOUT ROWID;

-- Events, written together with the aggregate that they are about. Times are microseconds
-- since 1970 in UTC; processed_at - created_at is the time from commit to visible effect.
CREATE TABLE IF NOT EXISTS outbox (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    domain       TEXT NOT NULL,
    stream       TEXT NOT NULL,              -- the kind of aggregate
    type         TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    version      INTEGER NOT NULL,
    payload      TEXT NOT NULL,              -- JSON
    priority     INTEGER NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('PENDING', 'PUBLISHED')),
    created_at   INTEGER NOT NULL,
    published_at INTEGER,
    processed_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (domain, id) WHERE status = 'PENDING';

-- What reads are answered from, written by engines.
CREATE TABLE IF NOT EXISTS read_models (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    status     TEXT,
    parent     TEXT,                         -- what it is listed by: a customer, a category
    created_at TEXT,
    view       TEXT NOT NULL                 -- JSON
) STRICT;
CREATE INDEX IF NOT EXISTS read_models_by_kind ON read_models (kind, created_at);
CREATE INDEX IF NOT EXISTS read_models_by_parent ON read_models (kind, parent, created_at)
    WHERE parent IS NOT NULL;
";

/// Sets a new connection up for writing, and the tables where they are missing.
pub(crate) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // The shop need not survive a power cut, and a commit must not wait for a disk.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.execute_batch(TABLES)?;
    connection.execute(
        "UPDATE outbox SET status = 'PENDING', published_at = NULL
         WHERE status = 'PUBLISHED' AND processed_at IS NULL",
        [],
    )?;
    Ok(())
}

/// Deletes every row of every table.
pub(crate) fn truncate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "DELETE FROM aggregates; DELETE FROM unique_values;
         DELETE FROM outbox; DELETE FROM read_models;",
    )?;
    transaction.commit()
}
