//! The stream of a saga's events: in the process, or in a Redis.

use std::{collections::VecDeque, io};

use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, RedisError,
    aio::MultiplexedConnection,
    streams::{StreamReadOptions, StreamReadReply},
};
use tokio::sync::mpsc;

use super::event::Event;

const GROUP: &str = "checkout";
const CONSUMER: &str = "orchestrator";
const FIELD: &str = "event";
/// Events that one question to Redis may bring.
const COUNT: usize = 256;
/// How long Redis waits for an event before it answers with none, ms.
const BLOCK_MS: usize = 1000;

/// Takes events in.
pub(super) enum Stream {
    Embedded(mpsc::UnboundedSender<Delivery>),
    Redis { connection: MultiplexedConnection, key: String },
}

/// Gives events out.
pub(super) enum Reader {
    Embedded(mpsc::UnboundedReceiver<Delivery>),
    Redis { connection: MultiplexedConnection, key: String, read: VecDeque<Delivery> },
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
        let waiting = client.get_multiplexed_async_connection_with_config(&patient).await?;
        let reader = Reader::Redis { connection: waiting, key: key.clone(), read: VecDeque::new() };
        Ok((Self::Redis { connection, key }, reader))
    }

    pub(super) async fn publish(&self, event: Event) -> io::Result<()> {
        match self {
            Self::Embedded(sender) => sender
                .send(Delivery { event, id: String::new() })
                .map_err(|_| io::Error::other("nobody handles events any more")),
            Self::Redis { connection, key } => {
                let text = serde_json::to_string(&event)?;
                let added: Result<String, RedisError> =
                    connection.clone().xadd(key, "*", &[(FIELD, text)]).await;
                added.map(drop).map_err(io::Error::other)
            }
        }
    }

    /// Says that an event has been handled.
    pub(super) async fn acknowledge(&self, delivery: &Delivery) {
        if let Self::Redis { connection, key } = self {
            let mut connection = connection.clone();
            let acknowledged: Result<u64, RedisError> = connection.xack(key, GROUP, &[&delivery.id]).await;
            if let Err(error) = acknowledged {
                eprintln!("testbed: checkout: {error}");
            }
        }
    }
}

impl Reader {
    /// The next event; none when there will be no more.
    pub(super) async fn next(&mut self) -> Option<Delivery> {
        match self {
            Self::Embedded(receiver) => receiver.recv().await,
            Self::Redis { connection, key, read } => loop {
                if let Some(delivery) = read.pop_front() {
                    return Some(delivery);
                }
                match fetch(connection, key).await {
                    Ok(more) => read.extend(more),
                    Err(error) => {
                        eprintln!("testbed: checkout: {error}");
                        return None;
                    }
                }
            },
        }
    }
}

async fn fetch(connection: &mut MultiplexedConnection, key: &str) -> Result<Vec<Delivery>, RedisError> {
    let options = StreamReadOptions::default().group(GROUP, CONSUMER).count(COUNT).block(BLOCK_MS);
    let reply: Option<StreamReadReply> = connection.xread_options(&[key], &[">"], &options).await?;
    let entries = reply.into_iter().flat_map(|reply| reply.keys).flat_map(|stream| stream.ids);
    Ok(entries
        .filter_map(|entry| {
            let text: String = entry.get(FIELD)?;
            Some(Delivery { event: serde_json::from_str(&text).ok()?, id: entry.id })
        })
        .collect())
}
