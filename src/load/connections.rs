//! A user's open connections. No pool is shared: a user owns its own.

use std::cell::RefCell;

use super::connection::Connection;

/// Open connections that wait for a request, by origin.
#[derive(Default)]
pub(super) struct Connections {
    idle: RefCell<Vec<Vec<Connection>>>,
}

impl Connections {
    /// A connection that can take a request; one that can take several stays, as well.
    pub(super) fn take(&self, origin: usize) -> Option<Connection> {
        let mut idle = self.idle.borrow_mut();
        let idle = idle.get_mut(origin)?;
        let mut connection = idle.pop()?;
        if connection.is_shared() && connection.is_usable() {
            idle.extend(connection.shared());
        }
        Some(connection)
    }

    /// Any connection that was given back.
    pub(super) fn into_any(self) -> Option<Connection> {
        self.idle.into_inner().into_iter().flatten().next()
    }

    /// Keeps a connection for later requests.
    pub(super) fn give_back(&self, origin: usize, connection: Connection) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() <= origin {
            idle.resize_with(origin + 1, Vec::new);
        }
        let is_there = connection.is_shared() && idle[origin].iter_mut().any(Connection::is_usable);
        if !is_there {
            idle[origin].push(connection);
        }
    }
}
