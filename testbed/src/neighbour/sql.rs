//! One way to speak to two databases: SQLite and PostgreSQL.
//!
//! Both understand the systems' statements as they are: parameters `$1`, `$2`, … in the order of
//! their first use, `ON CONFLICT`, `->>` for JSON.

use std::{collections::HashMap, path::Path, time::Duration};

use bytes::BytesMut;
use postgres::{
    NoTls, Statement,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::Problem;

/// How long a connection to a SQLite file waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to either database.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<Postgres>),
}

/// A PostgreSQL connection and the statements that it has prepared.
pub(crate) struct Postgres {
    client: postgres::Client,
    statements: HashMap<String, Statement>,
}

/// A parameter of a statement.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameter<'a> {
    Whole(i64),
    Text(&'a str),
    Null,
}

/// A value of an answer.
#[derive(Debug)]
pub(crate) enum Cell {
    Whole(i64),
    Text(String),
    Null,
}

impl<'a> From<Option<&'a str>> for Parameter<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Parameter::Null, Parameter::Text)
    }
}

impl Cell {
    /// A whole number; 0 where there is none.
    pub(crate) fn whole(&self) -> i64 {
        if let Cell::Whole(number) = self { *number } else { 0 }
    }

    /// A text; empty where there is none.
    pub(crate) fn text(self) -> String {
        if let Cell::Text(text) = self { text } else { String::new() }
    }
}

impl Connection {
    /// Opens a file for reading and writing.
    pub(crate) fn sqlite(file: &Path) -> Result<Connection, Problem> {
        let connection = rusqlite::Connection::open(file)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // The systems need not survive a power cut, and a commit must not wait for a disk.
        connection.pragma_update(None, "synchronous", "OFF")?;
        Ok(Connection::Sqlite(connection))
    }

    pub(crate) fn postgres(url: &str) -> Result<Connection, Problem> {
        let mut client = postgres::Client::connect(url, NoTls)?;
        // The systems need not survive a power cut, and a commit must not wait for a disk.
        client.batch_execute("SET synchronous_commit = off")?;
        Ok(Connection::Postgres(Box::new(Postgres { client, statements: HashMap::new() })))
    }

    /// Whether the server has gone away.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Connection::Postgres(postgres) if postgres.client.is_closed())
    }

    /// Runs statements that have neither parameters nor answers.
    pub(crate) fn run(&mut self, sql: &str) -> Result<(), Problem> {
        match self {
            Connection::Sqlite(connection) => connection.execute_batch(sql)?,
            Connection::Postgres(postgres) => postgres.client.batch_execute(sql)?,
        }
        Ok(())
    }

    /// Runs a statement, and says how many rows it has changed.
    pub(crate) fn execute(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<u64, Problem> {
        match self {
            Connection::Sqlite(connection) => {
                let parameters = rusqlite::params_from_iter(parameters);
                Ok(connection.prepare_cached(sql)?.execute(parameters)? as u64)
            }
            Connection::Postgres(postgres) => {
                let statement = postgres.statement(sql)?;
                Ok(postgres.client.execute(&statement, &dynamic(parameters))?)
            }
        }
    }

    /// Asks for rows.
    pub(crate) fn query(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Vec<Cell>>, Problem> {
        match self {
            Connection::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let columns = statement.column_count();
                let rows = statement.query_map(rusqlite::params_from_iter(parameters), |row| {
                    (0..columns).map(|column| row.get(column)).collect()
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            }
            Connection::Postgres(postgres) => {
                let statement = postgres.statement(sql)?;
                let rows = postgres.client.query(&statement, &dynamic(parameters))?;
                let cells = rows.iter().map(|row| (0..row.len()).map(|column| row.try_get(column)).collect());
                Ok(cells.collect::<Result<_, _>>()?)
            }
        }
    }

    /// Does `work` in one transaction: all of it is kept, or nothing where it fails.
    pub(crate) fn transaction<T, E: From<Problem>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let begin = match self {
            // A transaction that only asks for the lock when it writes could find it taken.
            Connection::Sqlite(_) => "BEGIN IMMEDIATE",
            Connection::Postgres(_) => "BEGIN",
        };
        self.run(begin)?;
        match work(self) {
            Ok(done) => {
                self.run("COMMIT")?;
                Ok(done)
            }
            Err(error) => {
                // What has failed is told; that it cannot be undone on a dead connection is no news.
                let _ = self.run("ROLLBACK");
                Err(error)
            }
        }
    }
}

impl Postgres {
    fn statement(&mut self, sql: &str) -> Result<Statement, postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn dynamic<'a>(parameters: &'a [Parameter<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect()
}

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        match self {
            Parameter::Whole(number) => Ok((*number).into()),
            Parameter::Text(text) => Ok((*text).into()),
            Parameter::Null => Ok(rusqlite::types::Null.into()),
        }
    }
}

impl rusqlite::types::FromSql for Cell {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        match value {
            rusqlite::types::ValueRef::Null => Ok(Cell::Null),
            rusqlite::types::ValueRef::Integer(number) => Ok(Cell::Whole(number)),
            other => Ok(Cell::Text(other.as_str()?.to_owned())),
        }
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Problem> {
        match self {
            Parameter::Whole(number) => number.to_sql(kind, out),
            // Text and JSON are written alike.
            Parameter::Text(text) => text.to_sql(kind, out),
            Parameter::Null => Ok(IsNull::Yes),
        }
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Problem> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Cell::Whole),
            _ => Ok(Cell::Text(String::from_utf8(raw.to_vec())?)),
        }
    }

    fn from_sql_null(_kind: &Type) -> Result<Self, Problem> {
        Ok(Cell::Null)
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }
}
