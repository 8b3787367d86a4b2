//! What requests are made with, and the connections that they go over.

use std::sync::Arc;
use std::time::Duration;

use super::abroad::Abroad;
use super::connection::Connection;
use super::connections::Connections;
use super::deadlines::Deadlines;
use super::digest::Digests;
use super::jar::Jar;
use super::origin::Origin;
use super::outgoing::Draft;
use super::prepared::Requests;
use super::recording::Recording;
use crate::scenario::journey::Request;

/// What requests are made with.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    pub(super) requests: &'a Requests,
    pub(super) recording: &'a Recording,
    pub(super) deadlines: &'a Deadlines,
    /// Servers that redirects have led to.
    pub(super) abroad: &'a Abroad,
    /// Those of whoever makes the requests.
    pub(super) connections: &'a Connections,
    /// The cookies of whoever makes them.
    pub(super) jar: &'a Jar,
    /// The challenges that they have answered.
    pub(super) digests: &'a Digests,
}

impl<'a> Client<'a> {
    /// The server that a drafted request goes to if it is not its form's, and its place.
    ///
    /// # Errors
    /// In words, if requests may not go there, or it cannot be reached by any means.
    pub(super) fn elsewhere(&self, draft: &Draft) -> Result<Option<(usize, Arc<Origin>)>, String> {
        draft.elsewhere.as_deref().map(|url| self.abroad.origin(self.requests, url)).transpose()
    }

    /// The server that a request goes to, and its place: the one `elsewhere` that its draft names, or else its form's.
    pub(super) fn server_of<'b>(
        &self,
        request: &Request,
        elsewhere: Option<&'b (usize, Arc<Origin>)>,
    ) -> (usize, &'b Arc<Origin>)
    where
        'a: 'b,
    {
        match elsewhere {
            Some((place, origin)) => (*place, origin),
            None => {
                let place = self.requests.origin_of(request);
                (place, &self.requests.origins[place])
            }
        }
    }

    /// A connection that can take a request: one that is open already, or a new one.
    ///
    /// # Errors
    /// In words, if none can be opened within `timeout`.
    pub(super) async fn connect(
        &self,
        place: usize,
        origin: &Origin,
        timeout: Duration,
    ) -> Result<Connection, String> {
        match self.open_already(place).await {
            Some(connection) => Ok(connection),
            None => self.open(origin, timeout).await,
        }
    }

    /// A connection that is open and can take a request, if there is one.
    pub(super) async fn open_already(&self, place: usize) -> Option<Connection> {
        while let Some(mut connection) = self.connections.take(place) {
            if connection.settle().await {
                return Some(connection);
            }
        }
        None
    }

    /// A new connection.
    ///
    /// # Errors
    /// In words, if none can be opened within `timeout`.
    pub(super) async fn open(&self, origin: &Origin, timeout: Duration) -> Result<Connection, String> {
        // Boxed: most requests find one that is open, and all would carry the room for it.
        Box::pin(Connection::open(origin, timeout)).await
    }
}
