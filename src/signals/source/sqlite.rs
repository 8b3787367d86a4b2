//! Queries to a SQLite file, opened for reading only.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags};

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
    let given_up = Arc::new(GivenUp::default());
    let _guard = Guard(Arc::clone(&given_up));
    // Off the runtime's thread, which drives everything else.
    let answers = tokio::task::spawn_blocking(move || {
        let connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        given_up.watch_over(&connection);
        let first = |alternatives: &Vec<String>| first(&connection, alternatives).map_err(|e| e.to_string());
        Ok(queries.iter().map(first).collect::<Vec<_>>())
    });
    let answers: rusqlite::Result<_> = answers.await.map_err(|e| e.to_string())?;
    known(answers.map_err(|e| e.to_string())?)
}

/// Ends the queries of a reading that nobody waits for any more.
#[derive(Default)]
struct GivenUp(Mutex<(bool, Option<InterruptHandle>)>);

impl GivenUp {
    fn watch_over(&self, connection: &Connection) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = connection.get_interrupt_handle();
        if state.0 {
            handle.interrupt();
        }
        state.1 = Some(handle);
    }
}

/// Gives a reading up when it is dropped: at its end, which is no harm, or at its timeout.
struct Guard(Arc<GivenUp>);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        if let Some(handle) = &state.1 {
            handle.interrupt();
        }
    }
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
