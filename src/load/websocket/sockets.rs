//! The open WebSockets of one user.

use super::socket::Socket;
use crate::load::connections::Connections;

/// A user's WebSockets, by their places in the scenario; few users have any.
#[derive(Default)]
pub(in crate::load) struct Sockets {
    open: Vec<Option<Socket>>,
}

impl Sockets {
    /// Keeps the one that was opened over a connection that has been given back; `limit`: bytes of a message at most.
    ///
    /// # Errors
    /// If there is no connection that speaks it.
    pub(in crate::load) async fn opened(
        &mut self,
        place: usize,
        connections: Connections,
        limit: usize,
    ) -> Option<()> {
        let (stream, early) = connections.into_any()?.into_switched()?;
        if self.open.len() <= place {
            self.open.resize_with(place + 1, || None);
        }
        self.open[place] = Some(Socket::over(stream, early, limit).await);
        Some(())
    }

    /// The one at a place, if it is open.
    pub(in crate::load) fn at(&mut self, place: usize) -> Option<&mut Socket> {
        self.open.get_mut(place)?.as_mut()
    }

    /// Lets go of the one at a place.
    pub(in crate::load) fn drop_at(&mut self, place: usize) {
        if let Some(socket) = self.open.get_mut(place) {
            *socket = None;
        }
    }
}
