//! `[broker.NAME]`: where events are published to, and awaited from.

use std::fmt;

/// A broker of events.
#[derive(Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: BrokerKind,
    /// Where it is: a URL, for Kafka a list of hosts. May hold a password: it is never shown.
    pub url: String,
}

/// What a broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerKind {
    /// Redis Streams.
    Redis,
    /// NATS.
    Nats,
    /// Kafka.
    Kafka,
}

impl BrokerKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Redis, Self::Nats, Self::Kafka];

    /// The word for it: its key in a scenario file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Kafka => "kafka",
        }
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` at {}", self.kind.word(), self.name, crate::scenario::broker::shown(&self.url))
    }
}

/// A broker's address without a name and password.
pub fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

/// Events of one stream, told apart by the values at these JSON pointers: what awaits them looks them
/// up by those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Place of the broker in the scenario's list.
    pub broker: usize,
    /// The stream, subject or topic.
    pub stream: String,
    /// JSON pointers (RFC 6901); never empty.
    pub pointers: Vec<String>,
}
