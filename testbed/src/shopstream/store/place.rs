//! Where a context's database is, and how to get a connection to it.

use std::path::{Path, PathBuf};

use super::schema;
use crate::neighbour::{Problem, server, sql::Connection};

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
        let place = Place::Postgres(server::database(url, &format!("{domain}_local"))?);
        schema::prepare(&mut place.connect()?)?;
        Ok(place)
    }

    pub(super) fn connect(&self) -> Result<Connection, Problem> {
        match self {
            Place::Sqlite(file) => Connection::sqlite(file),
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
