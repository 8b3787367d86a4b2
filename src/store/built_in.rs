//! What every store has alike: views, triggers, and the tables that say what a number means.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{StoreError, schema};

/// Views, triggers and indexes by what they are made with, the words of outcomes and phases, and what the view of samples
/// counts places with.
const BUILT_IN: [(&str, &str); 4] = [
    (
        "the store's views, triggers and indexes",
        "SELECT name, sql FROM main.sqlite_schema WHERE type <> 'table' AND sql IS NOT NULL ORDER BY name",
    ),
    ("the words of outcomes", "SELECT code, name FROM outcome ORDER BY code"),
    ("the words of phases", "SELECT code, name FROM phase ORDER BY code"),
    ("the places within blocks", "SELECT n, n FROM place ORDER BY n"),
];

/// What is not as this version makes it, in words.
pub(super) fn differences(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut fresh = Connection::open_in_memory()?;
    schema::migrate(&mut fresh)?;
    let mut differences = Vec::new();
    for (what, sql) in BUILT_IN {
        if rows(connection, sql)? != rows(&fresh, sql)? {
            differences.push(what.to_owned());
        }
    }
    Ok(differences)
}

fn rows(connection: &Connection, sql: &str) -> Result<Vec<[Value; 2]>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok([row.get(0)?, row.get(1)?]))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
