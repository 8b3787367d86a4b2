//! Reads of the read models, on connections of their own.

use std::sync::PoisonError;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::Store;
use crate::shopstream::fields::Object;

/// Which read models of a kind to list.
pub(crate) struct Filter<'a> {
    pub(crate) kind: &'static str,
    /// Only those listed by this customer or category.
    pub(crate) parent: Option<&'a str>,
    /// Only those in this state.
    pub(crate) status: Option<&'a str>,
}

/// One page of a list.
pub(crate) struct Page {
    /// The read models, the oldest first.
    pub(crate) views: Vec<Object>,
    /// How many there are on all pages.
    pub(crate) total: u64,
}

impl Filter<'_> {
    /// The condition in SQL, for the parameters `kind`, `parent` and `status` in this order.
    ///
    /// A filter that is not set leaves its condition out, so that the other can use its index.
    fn condition(&self) -> &'static str {
        match (self.parent, self.status) {
            (None, None) => "kind = ?1 AND ?2 IS NULL AND ?3 IS NULL",
            (None, Some(_)) => "kind = ?1 AND ?2 IS NULL AND status = ?3",
            (Some(_), None) => "kind = ?1 AND parent = ?2 AND ?3 IS NULL",
            (Some(_), Some(_)) => "kind = ?1 AND parent = ?2 AND status = ?3",
        }
    }
}

impl Store {
    /// The read model of this kind and id, once an engine has made it.
    pub(crate) fn view(&self, kind: &str, id: &str) -> rusqlite::Result<Option<Object>> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT view FROM read_models WHERE id = ? AND kind = ?")?
                .query_row([id, kind], |row| Ok(parse(&row.get::<_, String>(0)?)))
                .optional()
        })
    }

    /// Read models from place `offset` of the list on, at most `limit` of them.
    pub(crate) fn list(&self, filter: &Filter<'_>, offset: u64, limit: u64) -> rusqlite::Result<Page> {
        let sql = format!(
            "SELECT view FROM read_models WHERE {} ORDER BY created_at LIMIT ?4 OFFSET ?5",
            filter.condition()
        );
        let total = self.count_views(filter)?;
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let limits = [limit, offset].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            let rows = statement.query_map(
                params![filter.kind, filter.parent, filter.status, limits[0], limits[1]],
                |row| Ok(parse(&row.get::<_, String>(0)?)),
            )?;
            let views = rows.collect::<rusqlite::Result<_>>()?;
            Ok(Page { views, total })
        })
    }

    /// How many read models the filter lets through.
    pub(crate) fn count_views(&self, filter: &Filter<'_>) -> rusqlite::Result<u64> {
        let condition = filter.condition();
        let sql = format!("SELECT count(*) FROM read_models WHERE {condition}");
        self.read(|connection| {
            let values = params![filter.kind, filter.parent, filter.status];
            let count: i64 = connection.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }

    /// Lends a reading connection: an idle one, or a new one while all are busy.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let pool = || self.idle_readers.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = pool().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let done = work(&connection);
        pool().push(connection);
        done
    }
}

fn parse(view: &str) -> Object {
    serde_json::from_str(view).expect("the view was written from an object")
}
