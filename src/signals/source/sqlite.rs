//! Queries to a SQLite file, opened for reading only.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, InterruptHandle, OpenFlags};

use super::detached::Detached;
use super::known;
use crate::bounded;
use crate::scenario::signal::{Question, Signal};

/// How long a query waits for a writer.
const BUSY: Duration = Duration::from_secs(1);
/// A statement that reads no table, and is not over after its first row.
const UNDER_WAY: &str = "SELECT 1 UNION ALL SELECT 2";

pub(super) async fn read(
    file: &str,
    signals: &[Signal],
    threads: &Detached,
) -> Result<Vec<Option<f64>>, String> {
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
    let answers = threads.run(move || {
        // To open a pipe waits for its writer, and nothing can end that.
        bounded::plain(Path::new(&file)).map_err(|e| e.to_string())?;
        ask_all(&file, &queries, &given_up).map_err(|e| e.to_string())
    });
    known(answers.await?)
}

/// The first answers to the queries of each signal, or why there is none.
fn ask_all(
    file: &str,
    queries: &[Vec<String>],
    given_up: &GivenUp,
) -> rusqlite::Result<Vec<Result<Option<f64>, String>>> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY)?;
    // As long as one statement is under way, an interruption also ends those that begin after it.
    let mut held = connection.prepare(UNDER_WAY)?;
    let mut rows = held.query([])?;
    rows.next()?;
    given_up.watch_over(&connection);
    let first = |alternatives: &Vec<String>| first(&connection, alternatives).map_err(|e| e.to_string());
    Ok(queries.iter().map(first).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("shop.db");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let refused = runtime.block_on(read(pipe.to_str().unwrap(), &[], &Detached::default()));
        assert_eq!(refused, Err("it is a pipe or a device, not a file".to_owned()));
    }

    #[test]
    fn a_reading_that_is_given_up_ends_all_its_queries() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.db").to_str().unwrap().to_owned();
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        let queries = vec![vec![ENDLESS.to_owned(), ENDLESS.to_owned()], vec![ENDLESS.to_owned()]];
        let given_up = Arc::new(GivenUp::default());
        let guard = Guard(Arc::clone(&given_up));
        let reading = std::thread::spawn(move || ask_all(&file, &queries, &given_up));
        drop(guard);
        let answers = reading.join().unwrap().unwrap();
        assert_eq!(answers, vec![Err("interrupted".to_owned()); 2]);
    }
}
