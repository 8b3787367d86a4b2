//! Databases of a PostgreSQL server, by name.

use std::{
    thread,
    time::{Duration, Instant},
};

use postgres::error::SqlState;

use super::{
    Problem,
    sql::{Connection, Parameter},
};

/// How long a server may take to come up, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(100);

/// The URL of the database `name` on the server behind `url`, made if it is not there.
pub(crate) fn database(url: &str, name: &str) -> Result<String, Problem> {
    let mut server = connect(url)?;
    let found =
        server.query("SELECT count(*) FROM pg_database WHERE datname = $1", &[Parameter::Text(name)])?;
    if found.first().is_some_and(|row| row[0].whole() == 0) {
        server.run(&format!("CREATE DATABASE {name}"))?;
    }
    with_database(url, name)
}

/// A connection to a server that may have been started just now.
fn connect(url: &str) -> Result<Connection, Problem> {
    let begun = Instant::now();
    loop {
        match Connection::postgres(url) {
            Err(problem) if is_starting(&problem) && begun.elapsed() < PATIENCE => thread::sleep(LOOK),
            connected => return connected,
        }
    }
}

fn is_starting(problem: &Problem) -> bool {
    let error = problem.downcast_ref::<postgres::Error>();
    error.and_then(postgres::Error::code) == Some(&SqlState::CANNOT_CONNECT_NOW)
}

/// The same server and user, another database.
fn with_database(url: &str, name: &str) -> Result<String, Problem> {
    let scheme = url.find("://").ok_or("a PostgreSQL URL begins with postgres://")? + 3;
    let query = url[scheme..].find('?').map_or(url.len(), |at| scheme + at);
    let path = url[scheme..query].find('/').map_or(query, |at| scheme + at);
    Ok(format!("{}/{name}{}", &url[..path], &url[query..]))
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_url_is_led_to_another_database() {
        for (url, expected) in [
            ("postgres://u@h:5432/test", "postgres://u@h:5432/identity_local"),
            ("postgres://u@h:5432", "postgres://u@h:5432/identity_local"),
            ("postgresql://h/?a=b", "postgresql://h/identity_local?a=b"),
        ] {
            assert_eq!(with_database(url, "identity_local").unwrap(), expected);
        }
        assert!(with_database("h:5432", "x").is_err());
    }
}
