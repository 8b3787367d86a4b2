//! Where a context's database is, and how to get a connection to it.

use std::path::{Path, PathBuf};

use super::{schema, sql::Connection};
use crate::shopstream::problem::Problem;

/// Connections to a PostgreSQL database: five contexts together stay below its usual hundred.
const MOST_POSTGRES_CONNECTIONS: usize = 12;

/// The database of one context.
pub(super) enum Place {
    /// A file.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server, by its URL.
    Postgres(String),
}

impl Place {
    /// The file `identity.db` of a folder, with the schema.
    pub(super) fn in_folder(folder: &Path, domain: &str) -> Result<Place, Problem> {
        let place = Place::Sqlite(folder.join(format!("{domain}.db")));
        schema::prepare(&mut place.connect()?)?;
        Ok(place)
    }

    /// The database `identity_local` of the server behind `url`, made if it is not there, with
    /// the schema.
    pub(super) fn on_server(url: &str, domain: &str) -> Result<Place, Problem> {
        let name = format!("{domain}_local");
        let mut server = Connection::postgres(url)?;
        let found = server.query(
            "SELECT count(*) FROM pg_database WHERE datname = $1",
            &[super::sql::Parameter::Text(&name)],
        )?;
        if found.first().is_some_and(|row| row[0].whole() == 0) {
            server.run(&format!("CREATE DATABASE {name}"))?;
        }
        let place = Place::Postgres(with_database(url, &name)?);
        schema::prepare(&mut place.connect()?)?;
        Ok(place)
    }

    pub(super) fn connect(&self) -> Result<Connection, Problem> {
        match self {
            Place::Sqlite(file) => Ok(Connection::Sqlite(schema::open(file)?)),
            Place::Postgres(url) => Connection::postgres(url),
        }
    }

    pub(super) fn most_connections(&self) -> usize {
        match self {
            Place::Sqlite(_) => usize::MAX,
            Place::Postgres(_) => MOST_POSTGRES_CONNECTIONS,
        }
    }

    pub(super) fn one_writes_at_a_time(&self) -> bool {
        matches!(self, Place::Sqlite(_))
    }
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
