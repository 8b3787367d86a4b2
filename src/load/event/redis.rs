//! Redis Streams: XADD to publish, XREAD to await.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamRangeReply, StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisError};

use super::outgoing::Outgoing;
use super::waiting::Waiting;

/// The field that holds an event's body.
const PAYLOAD: &str = "payload";
/// Entries that one question may bring.
const COUNT: usize = 512;
/// How long Redis waits for an entry before it answers with none, ms.
const BLOCK_MS: usize = 1000;

pub(super) struct Publisher(MultiplexedConnection);

impl Publisher {
    pub(super) async fn connect(url: &str) -> Result<Self, String> {
        connection(url, &AsyncConnectionConfig::new()).await.map(Self)
    }

    /// Adds an entry with the body and the headers as its fields; Redis answers with its id.
    pub(super) async fn publish(&self, event: Outgoing) -> Result<(), String> {
        let mut fields: Vec<(&str, &[u8])> = vec![(PAYLOAD, &event.body)];
        fields.extend(event.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let added: Result<String, RedisError> = self.0.clone().xadd(&event.stream, "*", &fields).await;
        added.map(drop).map_err(|e| reason(&e))
    }
}

/// Hands every entry that is added from now on to `waiting`.
pub(super) async fn subscribe(url: &str, stream: &str, waiting: Rc<Waiting>) -> Result<(), String> {
    // A reader waits for longer than any answer may take otherwise.
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let mut connection = connection(url, &patient).await?;
    let newest: Result<StreamRangeReply, RedisError> = connection.xrevrange_count(stream, "+", "-", 1).await;
    let newest = newest.map_err(|e| reason(&e))?;
    let mut last = newest.ids.first().map_or("0-0".to_owned(), |entry| entry.id.clone());
    let stream = stream.to_owned();
    tokio::task::spawn_local(async move {
        let options = StreamReadOptions::default().count(COUNT).block(BLOCK_MS);
        loop {
            let reply: Result<Option<StreamReadReply>, RedisError> =
                connection.xread_options(&[&stream], &[&last], &options).await;
            let reply = match reply {
                Ok(reply) => reply,
                Err(error) => return waiting.broke(&reason(&error)),
            };
            let at = Instant::now();
            for entry in reply.into_iter().flat_map(|r| r.keys).flat_map(|k| k.ids) {
                waiting.arrived(at, body(&entry));
                last = entry.id;
            }
        }
    });
    Ok(())
}

/// The body of an entry: its payload, or all of its fields as a JSON object.
fn body(entry: &redis::streams::StreamId) -> Bytes {
    if let Some(payload) = entry.get::<Vec<u8>>(PAYLOAD) {
        return payload.into();
    }
    let fields: serde_json::Map<String, serde_json::Value> =
        entry.map.keys().filter_map(|name| Some((name.clone(), entry.get::<String>(name)?.into()))).collect();
    serde_json::to_vec(&fields).unwrap_or_default().into()
}

async fn connection(url: &str, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, String> {
    let client = Client::open(url).map_err(|e| reason(&e))?;
    client.get_multiplexed_async_connection_with_config(config).await.map_err(|e| reason(&e))
}

/// A failure in words that do not vary from event to event, without the address.
fn reason(error: &RedisError) -> String {
    format!("Redis: {}", error.detail().unwrap_or(error.category()))
}
