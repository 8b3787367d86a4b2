//! WebSockets (RFC 6455): each user has its own, and keeps them from journey to journey, as it keeps its
//! connections.

mod inbox;
pub(super) mod opening;
mod receive;
mod socket;
mod sockets;

pub(super) use receive::{Listener, received};
pub(super) use sockets::Sockets;
