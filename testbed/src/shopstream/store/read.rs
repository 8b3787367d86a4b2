//! Reads of the read models.

use super::context::Context;
use crate::{
    neighbour::{Problem, sql::Parameter},
    shopstream::fields::Object,
};

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

impl Context {
    /// The read model of this kind and id, once an engine has made it.
    pub(crate) fn view(&self, kind: &str, id: &str) -> Result<Option<Object>, Problem> {
        let sql = "SELECT view FROM read_models WHERE id = $1 AND kind = $2";
        Ok(self.views(sql, &[Parameter::Text(id), Parameter::Text(kind)])?.pop())
    }

    /// Read models from place `offset` of the list on, at most `limit` of them.
    pub(crate) fn list(&self, filter: &Filter<'_>, offset: u64, limit: u64) -> Result<Page, Problem> {
        let (condition, mut parameters) = filter.condition();
        let places = [parameters.len() + 1, parameters.len() + 2];
        let sql = format!(
            "SELECT view FROM read_models WHERE {condition} ORDER BY created_at LIMIT ${} OFFSET ${}",
            places[0], places[1]
        );
        parameters.extend([limit, offset].map(|n| Parameter::Whole(i64::try_from(n).unwrap_or(i64::MAX))));
        Ok(Page { views: self.views(&sql, &parameters)?, total: self.count_views(filter)? })
    }

    /// How many read models the filter lets through.
    pub(crate) fn count_views(&self, filter: &Filter<'_>) -> Result<u64, Problem> {
        let (condition, parameters) = filter.condition();
        let sql = format!("SELECT count(*) FROM read_models WHERE {condition}");
        self.pool.read(|connection| {
            let rows = connection.query(&sql, &parameters)?;
            Ok(rows.first().map_or(0, |row| row[0].whole().unsigned_abs()))
        })
    }

    fn views(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Object>, Problem> {
        self.pool.read(|connection| {
            let rows = connection.query(sql, parameters)?.into_iter();
            rows.flatten().map(|view| Ok(serde_json::from_str(&view.text())?)).collect()
        })
    }
}

impl<'a> Filter<'a> {
    /// The condition in SQL, and its parameters from `$1` on.
    ///
    /// A filter that is not set leaves its condition out, so that the other can use its index.
    fn condition(&self) -> (String, Vec<Parameter<'a>>) {
        let mut condition = "kind = $1".to_owned();
        let mut parameters = vec![Parameter::Text(self.kind)];
        for (column, value) in [("parent", self.parent), ("status", self.status)] {
            if let Some(value) = value {
                parameters.push(Parameter::Text(value));
                condition += &format!(" AND {column} = ${}", parameters.len());
            }
        }
        (condition, parameters)
    }
}
