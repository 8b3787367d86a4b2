//! A connection to a Redis that many requests use at a time.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, RedisResult,
    aio::MultiplexedConnection,
};

/// How long an answer may take. Whether a command that is given up has been carried out is not known, so that a Redis that is
/// merely slow should not be given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that is made when needed, and again after it has failed.
pub(crate) struct Shared {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Shared {
    /// A connection that is not made yet.
    pub(crate) fn new(client: Client) -> Shared {
        Shared { client, connection: Mutex::new(None) }
    }

    /// What some commands answer.
    pub(crate) async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
        let mut connection = self.connected().await?;
        let answer = commands.query_async(&mut connection).await;
        if answer
            .as_ref()
            .is_err_and(|error: &RedisError| error.is_io_error() || error.is_connection_dropped())
        {
            *self.lock() = None;
        }
        answer
    }

    async fn connected(&self) -> RedisResult<MultiplexedConnection> {
        let known = self.lock().clone();
        if let Some(connection) = known {
            return Ok(connection);
        }
        let patient = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        let connection = self.client.get_multiplexed_async_connection_with_config(&patient).await?;
        *self.lock() = Some(connection.clone());
        Ok(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
