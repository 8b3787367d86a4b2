//! Queries to a PostgreSQL database, in a session that only reads.

use futures_util::StreamExt;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::known;

use crate::scenario::signal::{Question, Signal};

/// Rows of an answer, of which the first counts.
const MOST_ROWS: u32 = 1000;

/// A connection that is kept between readings.
#[derive(Default)]
pub(super) struct Connection {
    client: Option<Client>,
}

impl Connection {
    pub(super) async fn read(&mut self, url: &str, signals: &[Signal]) -> Result<Vec<Option<f64>>, String> {
        // Taken out: one that fails, or is given up in the middle of an answer, is not used again.
        let client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => connect(url).await.map_err(|e| message(&e))?,
        };
        let mut answers = Vec::with_capacity(signals.len());
        for signal in signals {
            let mut value = Ok(None);
            for question in &signal.questions {
                let Question::Query(query) = question else { continue };
                value = ask(&client, query).await;
                if let Ok(Some(_)) = value {
                    break;
                }
            }
            if let Err(Failure::Rows) = value {
                // The rest of the answer is still on its way: the connection is not used again.
                return Err(Failure::Rows.message());
            }
            answers.push(value.map_err(|e| e.message()));
        }
        let values = known(answers)?;
        self.client = Some(client);
        Ok(values)
    }
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Ends when the client is dropped.
    tokio::spawn(connection);
    client.batch_execute("SET default_transaction_read_only = on").await?;
    Ok(client)
}

/// The first column of the first row. The simple protocol gives every type as text.
async fn ask(client: &Client, query: &str) -> Result<Option<f64>, Failure> {
    let answer = client.simple_query_raw(query).await?;
    tokio::pin!(answer);
    let (mut first, mut rows) = (None, 0_u32);
    while let Some(message) = answer.next().await {
        let SimpleQueryMessage::Row(row) = message? else { continue };
        rows += 1;
        if rows == 1 {
            first = row.try_get(0).ok().flatten().map(str::to_owned);
        }
        if rows > MOST_ROWS {
            return Err(Failure::Rows);
        }
    }
    Ok(match first.as_deref() {
        Some("t") => Some(1.0),
        Some("f") => Some(0.0),
        text => text.and_then(|t| t.parse().ok()),
    })
}

/// Why a query has no answer.
enum Failure {
    Database(tokio_postgres::Error),
    /// It has too much of one.
    Rows,
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl Failure {
    fn message(&self) -> String {
        match self {
            Self::Database(error) => message(error),
            Self::Rows => format!("the query gives more than {MOST_ROWS} rows: select one value"),
        }
    }
}

/// The database's own words, which stand behind `db error`.
fn message(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |e| format!("{}: {}", e.severity(), e.message()))
}
