//! Queries to a SQLite file, opened for reading only.

use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::known;
use crate::scenario::signal::{Question, Signal};

/// How long a query waits for a writer.
const BUSY: Duration = Duration::from_secs(1);

pub(super) async fn read(file: &str, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
    let file = file.to_owned();
    let query = |question: &Question| match question {
        Question::Query(query) => Some(query.clone()),
        _ => None,
    };
    let queries: Vec<Vec<String>> =
        signals.iter().map(|signal| signal.questions.iter().filter_map(query).collect()).collect();
    // Off the runtime's thread, which drives everything else.
    let answers = tokio::task::spawn_blocking(move || {
        let connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        let first = |alternatives: &Vec<String>| first(&connection, alternatives).map_err(|e| e.to_string());
        Ok(queries.iter().map(first).collect::<Vec<_>>())
    });
    let answers: rusqlite::Result<_> = answers.await.map_err(|e| e.to_string())?;
    known(answers.map_err(|e| e.to_string())?)
}

/// The first answer that the alternatives have; a failure counts only if no other has one.
fn first(connection: &Connection, alternatives: &[String]) -> rusqlite::Result<Option<f64>> {
    let mut last = Ok(None);
    for query in alternatives {
        last = ask(connection, query);
        if let Ok(Some(_)) = last {
            break;
        }
    }
    last
}

#[expect(clippy::cast_precision_loss, reason = "signals are numbers of a size that f64 holds")]
fn ask(connection: &Connection, query: &str) -> rusqlite::Result<Option<f64>> {
    connection.query_row(query, [], |row| {
        Ok(match row.get_ref(0)? {
            ValueRef::Integer(n) => Some(n as f64),
            ValueRef::Real(n) => Some(n),
            ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(|t| t.trim().parse().ok()),
            ValueRef::Null | ValueRef::Blob(_) => None,
        })
    })
}
