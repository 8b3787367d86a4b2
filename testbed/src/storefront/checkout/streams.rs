//! The stream of a saga's events: in the process, or in a Redis.

use std::{collections::VecDeque, io, sync::Arc};

use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, RedisError,
    aio::MultiplexedConnection,
    streams::{StreamReadOptions, StreamReadReply},
};
use tokio::sync::mpsc;

use super::{broker::Broker, event::Event};

const GROUP: &str = "checkout";
const CONSUMER: &str = "orchestrator";
const FIELD: &str = "event";
/// Events that one question to Redis may bring.
const COUNT: usize = 256;
/// How long Redis waits for an event before it answers with none, ms.
const BLOCK_MS: usize = 1000;

/// Events that nobody has read yet.
const NEW: &str = ">";
/// Before the first of the events that were given out and not acknowledged.
const FIRST: &str = "0";

/// Takes events in.
pub(super) enum Stream {
    Embedded(mpsc::UnboundedSender<Delivery>),
    Redis { broker: Box<Broker>, key: String },
}

/// Gives events out.
pub(super) enum Reader {
    Embedded(mpsc::UnboundedReceiver<Delivery>),
    Redis {
        broker: Arc<Broker>,
        key: String,
        read: VecDeque<Delivery>,
        /// What is asked for next: new events, or those behind one that was given out.
        from: String,
    },
}

/// An event that was given out, and what to acknowledge it by.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) event: Event,
    id: String,
}

impl Stream {
    /// A stream without events, and its reader.
    pub(super) async fn open(redis: Option<&str>) -> io::Result<(Self, Reader)> {
        match redis {
            None => {
                let (sender, receiver) = mpsc::unbounded_channel();
                Ok((Self::Embedded(sender), Reader::Embedded(receiver)))
            }
            Some(url) => Self::in_redis(url).await.map_err(io::Error::other),
        }
    }

    async fn in_redis(url: &str) -> Result<(Self, Reader), RedisError> {
        let client = Client::open(url)?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        // One stream per process: none finds the events of another.
        let key = format!("storefront:checkout:{}", std::process::id());
        let _: u64 = connection.del(&key).await?;
        let _: () = connection.xgroup_create_mkstream(&key, GROUP, "$").await?;
        // A reader that waits for events would hold up everything else on its connection.
        let patient = AsyncConnectionConfig::new().set_response_timeout(None);
        let reader = Reader::Redis {
            broker: Arc::new(Broker::new(client.clone(), patient)),
            key: key.clone(),
            read: VecDeque::new(),
            from: NEW.to_owned(),
        };
        let broker = Box::new(Broker::new(client, AsyncConnectionConfig::new()));
        Ok((Self::Redis { broker, key }, reader))
    }

    /// Returns when the event is in the stream. While the broker is away that takes as long; an event whose answer was lost on
    /// the way is then there twice.
    pub(super) async fn publish(&self, event: Event) -> io::Result<()> {
        match self {
            Self::Embedded(sender) => sender
                .send(Delivery { event, id: String::new() })
                .map_err(|_| io::Error::other("nobody handles events any more")),
            Self::Redis { broker, key } => {
                let text = serde_json::to_string(&event)?;
                let add = |mut connection: MultiplexedConnection| {
                    let (key, text) = (key.clone(), text.clone());
                    async move { connection.xadd(key, "*", &[(FIELD, text)]).await }
                };
                let _: String = broker.patiently(add).await;
                Ok(())
            }
        }
    }

    /// Says that an event has been handled.
    pub(super) async fn acknowledge(&self, delivery: &Delivery) {
        if let Self::Redis { broker, key } = self {
            let acknowledge = |mut connection: MultiplexedConnection| {
                let (key, id) = (key.clone(), delivery.id.clone());
                async move { connection.xack(key, GROUP, &[id]).await }
            };
            let _: u64 = broker.patiently(acknowledge).await;
        }
    }
}

impl Reader {
    /// The next event; none when there will be no more. After a broken connection, first those that were given out and not
    /// acknowledged: they may never have arrived.
    pub(super) async fn next(&mut self) -> Option<Delivery> {
        match self {
            Self::Embedded(receiver) => receiver.recv().await,
            Self::Redis { broker, key, read, from } => loop {
                if let Some(delivery) = read.pop_front() {
                    return Some(delivery);
                }
                let ask = |connection| fetch(connection, key.clone(), from.clone());
                match broker.once(ask).await {
                    Ok(more) if more.is_empty() => NEW.clone_into(from),
                    Ok(more) => {
                        if let Some(last) = more.last().filter(|_| from != NEW) {
                            last.id.clone_into(from);
                        }
                        read.extend(more);
                    }
                    Err(error) => {
                        eprintln!("testbed: checkout: {error}; reading again");
                        FIRST.clone_into(from);
                        broker.patiently(ping).await;
                    }
                }
            },
        }
    }
}

async fn ping(mut connection: MultiplexedConnection) -> Result<(), RedisError> {
    redis::cmd("PING").query_async::<String>(&mut connection).await.map(drop)
}

/// New events, for which it waits for a while; or those behind an id that were given out and not acknowledged.
async fn fetch(
    mut connection: MultiplexedConnection,
    key: String,
    from: String,
) -> Result<Vec<Delivery>, RedisError> {
    let options = StreamReadOptions::default().group(GROUP, CONSUMER).count(COUNT).block(BLOCK_MS);
    let reply: Option<StreamReadReply> = connection.xread_options(&[key], &[from], &options).await?;
    let entries = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|stream| stream.ids);
    Ok(entries
        .filter_map(|entry| {
            let text: String = entry.get(FIELD)?;
            Some(Delivery { event: serde_json::from_str(&text).ok()?, id: entry.id })
        })
        .collect())
}
