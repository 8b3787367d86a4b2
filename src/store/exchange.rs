//! What failed requests and their answers said.

use rusqlite::{Connection, Row, params};

use super::ids::id_range;
use super::{Store, StoreError};
use crate::run::RunId;
use crate::sample::{Exchange, Message};

const SELECT: &str = "SELECT x.reason, x.redirects, x.request, x.answer \
     FROM exchange x JOIN endpoint e ON e.id = x.endpoint WHERE x.id >= ?1 AND x.id < ?2";

/// An exchange of a run, as it comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredExchange {
    /// Why it ended so.
    pub reason: String,
    /// Redirects that were followed.
    pub redirects: Vec<String>,
    /// What was asked.
    pub request: Message,
    /// What came back.
    pub answer: Option<Message>,
}

/// Writes an exchange under the id that it gets. `endpoint`: the store's number of what was called.
pub(super) fn insert(
    connection: &Connection,
    id: i64,
    endpoint: i64,
    exchange: &Exchange,
) -> Result<(), StoreError> {
    let json = |message: &Message| serde_json::to_string(message).unwrap_or_default();
    let (outcome, answer) = (exchange.outcome as u8, exchange.answer.as_ref().map(json));
    connection
        .prepare_cached(
            "INSERT INTO exchange (id, endpoint, user, journey, outcome, reason, sent_us, done_us, redirects, \
             request, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            id,
            endpoint,
            exchange.user,
            exchange.journey,
            outcome,
            exchange.reason,
            exchange.sent_us,
            exchange.done_us,
            serde_json::to_string(&exchange.redirects).unwrap_or_default(),
            json(&exchange.request),
            answer,
        ])?;
    Ok(())
}

impl std::fmt::Display for StoredExchange {
    /// The request, and what came back.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n\n", self.request)?;
        for hop in &self.redirects {
            write!(f, "{hop}\n\n")?;
        }
        match &self.answer {
            Some(answer) => answer.fmt(f),
            None => write!(f, "no answer: {}", self.reason),
        }
    }
}

impl Store {
    /// What was kept of one sample: of the journey, and when it was sent.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn exchange_of(
        &self,
        run: RunId,
        journey: i64,
        sent_us: i64,
    ) -> Result<Option<StoredExchange>, StoreError> {
        let [from, to] = id_range(run);
        self.first_exchange("x.journey = ?3 AND x.sent_us = ?4", params![from, to, journey, sent_us])
    }

    /// The first that was kept of an endpoint, by its name, and a reason.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn exchange_about(
        &self,
        run: RunId,
        endpoint: &str,
        reason: &str,
    ) -> Result<Option<StoredExchange>, StoreError> {
        let [from, to] = id_range(run);
        self.first_exchange("e.name = ?3 AND x.reason = ?4", params![from, to, endpoint, reason])
    }

    fn first_exchange(
        &self,
        condition: &str,
        parameters: &[&dyn rusqlite::ToSql],
    ) -> Result<Option<StoredExchange>, StoreError> {
        let sql = format!("{SELECT} AND {condition} ORDER BY x.sent_us, x.id LIMIT 1");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query_map(parameters, stored)?;
        Ok(rows.next().transpose()?)
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredExchange> {
    let message = |text: &str| serde_json::from_str::<Message>(text).unwrap_or_default();
    let (redirects, request): (String, String) = (row.get(1)?, row.get(2)?);
    let answer: Option<String> = row.get(3)?;
    Ok(StoredExchange {
        reason: row.get(0)?,
        redirects: serde_json::from_str(&redirects).unwrap_or_default(),
        request: message(&request),
        answer: answer.as_deref().map(message),
    })
}
