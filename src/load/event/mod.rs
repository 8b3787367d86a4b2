//! Events as load: published to a broker, and awaited from one.
//!
//! Each worker has its own connections. Subscriptions begin before the load does, and keep what
//! arrives for a while: an event may come before its publication is acknowledged.

pub(super) mod awaited;
mod away;
pub(super) mod brokers;
#[cfg(feature = "kafka")]
mod kafka;
mod nats;
mod outgoing;
pub(super) mod publish;
mod redis;
mod waiting;

pub(super) use waiting::text_of;
