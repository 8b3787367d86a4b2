//! The store's tables. A migration, once released, is never edited: a change is a new one at the
//! end of the list. `docs/SCHEMA.md` describes every column.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, block};

/// Each brings a store from the version of its place in the list to the next.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/001_runs_and_samples.sql"),
    include_str!("migrations/002_claims_and_verdicts.sql"),
    include_str!("migrations/003_keys_and_traces.sql"),
    include_str!("migrations/004_races_and_events.sql"),
    include_str!("migrations/005_figures_and_notes.sql"),
    include_str!("migrations/006_scenario_files.sql"),
    include_str!("migrations/007_one_word_a_thing.sql"),
    include_str!("migrations/008_words_of_verdicts.sql"),
    include_str!("migrations/009_accepted_levels.sql"),
    include_str!("migrations/010_looks_pilot_repetitions.sql"),
    include_str!("migrations/011_redirects_and_repeats.sql"),
    include_str!("migrations/012_soft_checks_and_groups.sql"),
    include_str!("migrations/013_exchanges.sql"),
    include_str!("migrations/014_unknown_drains.sql"),
    include_str!("migrations/015_parts_and_stages.sql"),
    include_str!("migrations/016_faults.sql"),
    include_str!("migrations/017_seals.sql"),
    include_str!("migrations/018_capacity_searches.sql"),
    include_str!("migrations/019_seals_of_searches.sql"),
    include_str!("migrations/020_tags.sql"),
    include_str!("migrations/021_retention.sql"),
    include_str!("migrations/022_agents.sql"),
    include_str!("migrations/023_blocks_of_samples.sql"),
];

/// The version that puts samples into blocks, which SQL alone cannot do.
pub(super) const BLOCKS: usize = 23;

/// The version that this program writes.
pub(super) fn current_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Refuses a file with tables of another program, before anything is written to it.
///
/// # Errors
/// If it is one, or is not a database.
pub(super) fn check_own(path: &Path) -> Result<(), StoreError> {
    let Ok(file) = std::fs::metadata(path) else { return Ok(()) };
    if file.is_dir() {
        return Err(StoreError::IsFolder(path.to_owned()));
    }
    if file.len() == 0 {
        return Ok(());
    }
    let refused = |error| StoreError::Open { path: path.to_owned(), error };
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(refused)?;
    connection.busy_timeout(super::BUSY).map_err(refused)?;
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(refused);
    let tables = count("SELECT count(*) FROM sqlite_schema")?;
    let own = count(
        "SELECT count(*) FROM sqlite_schema \
         WHERE type IN ('table', 'view') AND name IN ('run', 'sample', 'endpoint', 'outcome')",
    )?;
    let is_own = if count("PRAGMA user_version")? == 0 { tables == 0 } else { own == 4 };
    if is_own { Ok(()) } else { Err(StoreError::Foreign(path.to_owned())) }
}

/// Brings a store to the current version.
///
/// # Errors
/// If it was written by a newer program, or a migration fails; the store is then as it was.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > current_version() {
        return Err(StoreError::TooNew { found, known: current_version() });
    }
    if found == current_version() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have migrated it between the question and the lock.
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    apply(&transaction, usize::try_from(found).unwrap_or(0), MIGRATIONS.len())?;
    transaction.pragma_update(None, "user_version", current_version())?;
    transaction.commit()?;
    Ok(())
}

/// The migrations from one version to another.
fn apply(connection: &Connection, from: usize, to: usize) -> Result<(), StoreError> {
    for (migration, version) in MIGRATIONS.iter().zip(1..).take(to).skip(from) {
        connection.execute_batch(migration)?;
        if version == BLOCKS {
            block::convert(connection)?;
        }
    }
    Ok(())
}

/// A store's tables as they were at a version.
#[cfg(test)]
pub(super) fn make_version(connection: &Connection, version: i64) {
    apply(connection, 0, usize::try_from(version).unwrap()).unwrap();
    connection.pragma_update(None, "user_version", version).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrating_twice_changes_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let tables = |c: &Connection| -> i64 {
            c.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap()
        };
        let before = tables(&connection);
        migrate(&mut connection).unwrap();
        assert_eq!(tables(&connection), before);
    }

    #[test]
    fn a_store_of_a_newer_program_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", current_version() + 1).unwrap();
        assert!(matches!(migrate(&mut connection), Err(StoreError::TooNew { .. })));
    }
}
