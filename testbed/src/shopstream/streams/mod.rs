//! Where events wait for engines: published in order, taken one at a time, then acknowledged.
//!
//! Streams are queues in the process, or Redis Streams with a consumer group each. Either way
//! there are two per kind of aggregate, one per lane, and primary streams are read first.

mod embedded;
mod redis;

use std::slice;

use self::{
    embedded::Embedded,
    redis::{Redis, RedisConsumer, RedisPublisher},
};
use super::{
    domain::{self, Aggregate},
    lanes::{Lane, StreamName},
};
use crate::neighbour::Problem;

/// An event on its way to the read models.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The stream that it was published to.
    pub(crate) stream: StreamName,
    /// The outbox row that it came from.
    pub(crate) outbox_id: i64,
    /// Which age of the data it belongs to; every reset starts a new one.
    pub(crate) age: u64,
    /// What has happened.
    pub(crate) event: String,
    /// The aggregate it is about.
    pub(crate) aggregate_id: String,
    /// The version of that aggregate that it made.
    pub(crate) version: i64,
    /// The state of that aggregate since then, as JSON.
    pub(crate) payload: String,
}

impl Message {
    /// The kind of aggregate that it is about.
    pub(crate) fn aggregate(&self) -> &'static Aggregate {
        domain::aggregate(self.stream.aggregate).expect("streams are of known aggregates")
    }
}

/// How much is in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Messages not yet delivered to an engine.
    pub(crate) lag: u64,
    /// Messages delivered and not yet acknowledged.
    pub(crate) pending: u64,
    /// Messages processed since the start or the last reset.
    pub(crate) processed: u64,
    /// Messages that could not be processed and were put aside.
    pub(crate) dead: u64,
}

impl Depth {
    /// Messages not yet processed.
    pub(crate) fn length(self) -> u64 {
        self.lag + self.pending
    }
}

/// What a broker says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BrokerState {
    /// Operations in the last second.
    pub(crate) operations_per_second: u64,
    /// Memory in use, bytes; 0 where it has none of its own.
    pub(crate) memory_bytes: u64,
    /// Connections from clients; 0 where there are none.
    pub(crate) connected_clients: u64,
}

/// All streams of the shop.
pub(crate) enum Streams {
    Embedded(Embedded),
    Redis(Redis),
}

/// Appends messages; each thread has its own.
pub(crate) enum Publisher<'a> {
    Embedded(&'a Embedded),
    Redis(Box<RedisPublisher>),
}

/// Takes messages of some contexts; each engine has its own.
pub(crate) enum Consumer<'a> {
    Embedded { streams: &'a Embedded, domains: &'a [&'static str] },
    Redis(Box<RedisConsumer>),
}

/// A message that was taken, and by what its stream knows it.
pub(crate) struct Delivery {
    pub(crate) message: Message,
    receipt: String,
}

/// Every stream's name.
fn names() -> impl Iterator<Item = StreamName> {
    let lanes = [Lane::Primary, Lane::Backfill];
    domain::aggregates()
        .flat_map(move |aggregate| lanes.map(|lane| StreamName { aggregate: aggregate.kind, lane }))
}

impl Streams {
    /// Streams in the process, or in the Redis at this URL.
    pub(crate) fn open(redis: Option<&str>) -> Result<Streams, Problem> {
        match redis {
            None => Ok(Streams::Embedded(Embedded::default())),
            Some(url) => Ok(Streams::Redis(Redis::open(url)?)),
        }
    }

    /// The age of the messages that an earlier process has left; none where there cannot be any.
    pub(crate) fn kept_age(&self) -> Result<Option<u64>, Problem> {
        match self {
            Streams::Embedded(_) => Ok(None),
            Streams::Redis(redis) => redis.age().map(Some),
        }
    }

    pub(crate) fn publisher(&self) -> Publisher<'_> {
        match self {
            Streams::Embedded(streams) => Publisher::Embedded(streams),
            Streams::Redis(redis) => Publisher::Redis(Box::new(redis.publisher())),
        }
    }

    /// A consumer of this name for the streams of these contexts.
    pub(crate) fn consumer<'a>(&'a self, domains: &'a [&'static str], name: &str) -> Consumer<'a> {
        match self {
            Streams::Embedded(streams) => Consumer::Embedded { streams, domains },
            Streams::Redis(redis) => Consumer::Redis(Box::new(redis.consumer(domains, name))),
        }
    }

    /// Drops all messages and counts; those taken and not acknowledged no longer count.
    pub(crate) fn reset(&self, age: u64) -> Result<(), Problem> {
        match self {
            Streams::Embedded(streams) => {
                streams.reset(age);
                Ok(())
            }
            Streams::Redis(redis) => redis.reset(age),
        }
    }

    /// Lets every engine that waits, or comes back, go home.
    pub(crate) fn close(&self) {
        match self {
            Streams::Embedded(streams) => streams.close(),
            Streams::Redis(redis) => redis.close(),
        }
    }

    /// How much is in each stream, the empty ones included.
    pub(crate) fn depths(&self) -> Result<Vec<(StreamName, Depth)>, Problem> {
        match self {
            Streams::Embedded(streams) => Ok(streams.depths()),
            Streams::Redis(redis) => redis.depths(),
        }
    }

    /// What the broker says of itself.
    pub(crate) fn broker(&self) -> Result<BrokerState, Problem> {
        match self {
            Streams::Embedded(streams) => Ok(BrokerState {
                operations_per_second: streams.operations_per_second(),
                ..BrokerState::default()
            }),
            Streams::Redis(redis) => redis.broker(),
        }
    }
}

impl Publisher<'_> {
    /// Appends messages to their streams, in their order.
    pub(crate) fn publish(&mut self, messages: Vec<Message>) -> Result<(), Problem> {
        match self {
            Publisher::Embedded(streams) => {
                for message in messages {
                    streams.publish(message);
                }
                Ok(())
            }
            Publisher::Redis(redis) => redis.publish(&messages),
        }
    }
}

impl Consumer<'_> {
    /// Waits for the next message, or for the streams to close: there is none then.
    pub(crate) fn take(&mut self) -> Option<Delivery> {
        match self {
            Consumer::Embedded { streams, domains } => {
                let message = streams.take(domains)?;
                Some(Delivery { message, receipt: String::new() })
            }
            Consumer::Redis(redis) => redis.take(),
        }
    }

    /// Says that a message has been processed.
    pub(crate) fn acknowledge(&mut self, delivery: &Delivery) {
        match self {
            Consumer::Embedded { streams, .. } => streams.settle(&delivery.message, false),
            Consumer::Redis(redis) => redis.settle(slice::from_ref(&delivery.receipt), &delivery.message),
        }
    }

    /// Puts a message aside that cannot be processed.
    pub(crate) fn bury(&mut self, delivery: &Delivery, why: &str) {
        match self {
            Consumer::Embedded { streams, .. } => streams.settle(&delivery.message, true),
            Consumer::Redis(redis) => redis.bury(&delivery.receipt, &delivery.message, why),
        }
    }
}
