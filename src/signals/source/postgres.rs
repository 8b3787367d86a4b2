//! Queries to a PostgreSQL database, in a session that only reads.

use super::known;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::scenario::signal::{Question, Signal};

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
            answers.push(value.map_err(|e| message(&e)));
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
async fn ask(client: &Client, query: &str) -> Result<Option<f64>, tokio_postgres::Error> {
    let answer = client.simple_query(query).await?;
    let first = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.try_get(0).ok().flatten(),
        _ => None,
    });
    Ok(match first {
        Some("t") => Some(1.0),
        Some("f") => Some(0.0),
        text => text.and_then(|t| t.parse().ok()),
    })
}

/// The database's own words, which stand behind `db error`.
fn message(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |e| format!("{}: {}", e.severity(), e.message()))
}
