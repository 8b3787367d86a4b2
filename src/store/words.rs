//! The words that samples refer to by number, each asked of the store once.

use std::collections::HashMap;

use super::{Store, StoreError};
use crate::sample::Subject;

/// Words of a store.
pub(super) struct Words<'a> {
    store: &'a Store,
    subjects: HashMap<i64, Subject>,
    user_classes: HashMap<i64, String>,
    reasons: HashMap<i64, String>,
}

impl<'a> Words<'a> {
    pub(super) fn of(store: &'a Store) -> Self {
        Self { store, subjects: HashMap::new(), user_classes: HashMap::new(), reasons: HashMap::new() }
    }

    pub(super) fn subject(&mut self, endpoint: i64) -> Result<&Subject, StoreError> {
        known(&mut self.subjects, endpoint, || self.store.subject(endpoint))
    }

    pub(super) fn user_class(&mut self, number: i64) -> Result<&String, StoreError> {
        let sql = "SELECT name FROM user_class WHERE id = ?1";
        known(&mut self.user_classes, number, || text(self.store, sql, number))
    }

    pub(super) fn reason(&mut self, number: i64) -> Result<&String, StoreError> {
        let sql = "SELECT text FROM reason WHERE id = ?1";
        known(&mut self.reasons, number, || text(self.store, sql, number))
    }
}

fn text(store: &Store, sql: &str, number: i64) -> Result<String, StoreError> {
    Ok(store.connection.query_row(sql, [number], |row| row.get(0))?)
}

fn known<T>(
    words: &mut HashMap<i64, T>,
    number: i64,
    ask: impl FnOnce() -> Result<T, StoreError>,
) -> Result<&T, StoreError> {
    Ok(match words.entry(number) {
        std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
        std::collections::hash_map::Entry::Vacant(place) => place.insert(ask()?),
    })
}
