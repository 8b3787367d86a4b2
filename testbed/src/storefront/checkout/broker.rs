//! A Redis that may be away for a while: what is asked of it is asked again until it answers.

use std::{future::Future, time::Duration};

use redis::{AsyncConnectionConfig, Client, RedisError, aio::MultiplexedConnection};
use tokio::{sync::Mutex, time::sleep};

/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_millis(320);

/// A connection to a Redis that is made again when it breaks.
pub(super) struct Broker {
    client: Client,
    config: AsyncConnectionConfig,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Broker {
    pub(super) fn new(client: Client, config: AsyncConnectionConfig) -> Self {
        Self { client, config, connection: Mutex::new(None) }
    }

    /// The connection that is open, or a new one.
    async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = &*held {
            return Ok(connection.clone());
        }
        let connection = self.client.get_multiplexed_async_connection_with_config(&self.config).await?;
        *held = Some(connection.clone());
        Ok(connection)
    }

    /// Asks once; a connection that has failed is not used again.
    pub(super) async fn once<T, F: Future<Output = Result<T, RedisError>>>(
        &self,
        ask: impl Fn(MultiplexedConnection) -> F,
    ) -> Result<T, RedisError> {
        let answer = match self.connection().await {
            Ok(connection) => ask(connection).await,
            Err(error) => Err(error),
        };
        if answer.is_err() {
            *self.connection.lock().await = None;
        }
        answer
    }

    /// Asks until there is an answer. What was asked may then have been done more than once.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, RedisError>>>(
        &self,
        ask: impl Fn(MultiplexedConnection) -> F,
    ) -> T {
        let mut wait = FIRST_WAIT;
        loop {
            match self.once(&ask).await {
                Ok(answer) => return answer,
                Err(error) if wait == FIRST_WAIT => eprintln!("testbed: checkout: {error}; trying again"),
                Err(_) => {}
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}
