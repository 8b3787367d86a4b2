//! Connections that requests and engines share.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::place::Place;
use crate::neighbour::{Problem, sql::Connection};

/// Connections to one database: idle ones, and at most so many in all.
pub(super) struct Pool {
    place: Place,
    state: Mutex<State>,
    returned: Condvar,
    /// SQLite lets one connection write at a time; who waits here never meets a locked database.
    writing: Mutex<()>,
}

struct State {
    idle: Vec<Connection>,
    open: usize,
}

impl Pool {
    pub(super) fn new(place: Place) -> Pool {
        let state = Mutex::new(State { idle: Vec::new(), open: 0 });
        Pool { place, state, returned: Condvar::new(), writing: Mutex::new(()) }
    }

    /// Lends a connection for reading, or for statements that are each a transaction.
    pub(super) fn read<T, E: From<Problem>>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.lend()?;
        let done = work(&mut connection);
        self.take_back(connection);
        done
    }

    /// Lends a connection for one transaction.
    pub(super) fn write<T, E: From<Problem>>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let _alone = self
            .place
            .one_writes_at_a_time()
            .then(|| self.writing.lock().unwrap_or_else(PoisonError::into_inner));
        self.read(|connection| connection.transaction(work))
    }

    fn lend(&self) -> Result<Connection, Problem> {
        let mut state = self.lock();
        loop {
            if let Some(connection) = state.idle.pop() {
                return Ok(connection);
            }
            if state.open < self.place.most_connections() {
                state.open += 1;
                drop(state);
                return self.place.connect().inspect_err(|_| {
                    self.lock().open -= 1;
                    self.returned.notify_one();
                });
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn take_back(&self, connection: Connection) {
        let mut state = self.lock();
        if connection.is_closed() {
            state.open -= 1;
        } else {
            state.idle.push(connection);
        }
        self.returned.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
