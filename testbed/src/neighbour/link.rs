//! A connection to a Redis that outlives the failures of its sockets.

use redis::{Client, Connection, RedisError, RedisResult};

/// A connection that is made when needed, and again after it has failed.
pub(crate) struct Link {
    client: Client,
    connection: Option<Connection>,
}

impl Link {
    /// A connection that is not made yet.
    pub(crate) fn new(client: Client) -> Link {
        Link { client, connection: None }
    }

    /// Asks over the connection; one that has failed is given up, and the next question makes another.
    pub(crate) fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.client.get_connection()?),
        };
        let answer = question(connection);
        if answer.as_ref().is_err_and(RedisError::is_io_error) {
            self.connection = None;
        }
        answer
    }
}
