//! Questions of people, in SQL: for reading only.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::{BUSY, StoreError};

/// The answer to a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows; a blob is its length.
    pub rows: Vec<Vec<Value>>,
}

/// Asks a store something in SQL. Nothing can be changed that way.
///
/// # Errors
/// If there is no store, the question is no SQL, or it would change something.
pub fn query(path: &Path, sql: &str) -> Result<Answer, StoreError> {
    let open = || {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    };
    let is_readable = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
    };
    let opened = open().and_then(|connection| is_readable(&connection).map(|_| connection));
    let connection = match opened.map_err(|error| StoreError::Open { path: path.to_owned(), error }) {
        Err(error) if super::is_for_want_of_writing(&error) && path.is_file() => {
            super::connect_immutable(path)?
        }
        other => other?,
    };
    let mut statement = connection.prepare(sql).map_err(StoreError::Question)?;
    if !statement.readonly() {
        return Err(StoreError::NotReading);
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let width = columns.len();
    let rows =
        statement.query_map([], |row| (0..width).map(|place| row.get_ref(place).map(value)).collect())?;
    Ok(Answer { columns, rows: rows.collect::<Result<_, _>>()? })
}

fn value(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => bytes.len().into(),
    }
}
