//! Redis Streams: XADD to publish, XREAD to await.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamRangeReply, StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisError};
use tokio::sync::Mutex;

use super::outgoing::Outgoing;
use super::waiting::Waiting;

/// The field that holds an event's body.
const PAYLOAD: &str = "payload";
/// Entries that one question may bring.
const COUNT: usize = 512;
/// How long Redis waits for an entry before it answers with none, ms.
const BLOCK_MS: usize = 1000;
/// Time between two tries for a new connection.
const RETRY: Duration = Duration::from_millis(100);

/// Publishes over a connection that is made anew when it is lost.
pub(super) struct Publisher {
    url: String,
    state: Mutex<State>,
}

struct State {
    /// With its number: who fails on an old one does not end its successor.
    connection: Option<(u64, MultiplexedConnection)>,
    made: u64,
    /// When the next one may be tried for.
    retry: Instant,
}

impl Publisher {
    pub(super) async fn connect(url: &str) -> Result<Self, String> {
        let first = connection(url, &AsyncConnectionConfig::new()).await?;
        let state = State { connection: Some((1, first)), made: 1, retry: Instant::now() };
        Ok(Self { url: url.to_owned(), state: Mutex::new(state) })
    }

    /// Adds an entry with the body and the headers as its fields; Redis answers with its id.
    pub(super) async fn publish(&self, event: Outgoing) -> Result<(), String> {
        let (number, mut connection) = self.connection().await?;
        let mut fields: Vec<(&str, &[u8])> = vec![(PAYLOAD, &event.body)];
        fields.extend(event.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let added: Result<String, RedisError> = connection.xadd(&event.stream, "*", &fields).await;
        if added.as_ref().is_err_and(is_lost) {
            let mut state = self.state.lock().await;
            state.connection.take_if(|(current, _)| *current == number);
        }
        added.map(drop).map_err(|e| reason(&e))
    }

    /// The connection that there is, or a new one: one is tried for at a time, and not all the time.
    async fn connection(&self) -> Result<(u64, MultiplexedConnection), String> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok(connection.clone());
        }
        if Instant::now() < state.retry {
            return Err("Redis: not connected".to_owned());
        }
        state.retry = Instant::now() + RETRY;
        let new = connection(&self.url, &AsyncConnectionConfig::new()).await?;
        state.made += 1;
        let new = (state.made, new);
        state.connection = Some(new.clone());
        Ok(new)
    }
}

/// Whether a connection is of no use any more.
fn is_lost(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.is_io_error() || error.is_connection_refusal()
}

/// Hands every entry that is added from now on to `waiting`.
pub(super) async fn subscribe(url: &str, stream: &str, waiting: Rc<Waiting>) -> Result<(), String> {
    // A reader waits for longer than any answer may take otherwise.
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let mut connection = connection(url, &patient).await?;
    let newest: Result<StreamRangeReply, RedisError> = connection.xrevrange_count(stream, "+", "-", 1).await;
    let newest = newest.map_err(|e| reason(&e))?;
    let mut last = newest.ids.first().map_or("0-0".to_owned(), |entry| entry.id.clone());
    let (url, stream) = (url.to_owned(), stream.to_owned());
    tokio::task::spawn_local(async move {
        let options = StreamReadOptions::default().count(COUNT).block(BLOCK_MS);
        loop {
            let reply: Result<Option<StreamReadReply>, RedisError> =
                connection.xread_options(&[&stream], &[&last], &options).await;
            let reply = match reply {
                Ok(reply) => reply,
                Err(error) if is_lost(&error) => {
                    // What is added meanwhile is read then, unless Redis forgets it.
                    waiting.away.lost();
                    connection = again(&url, &patient).await;
                    waiting.away.back();
                    continue;
                }
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

/// Tries until there is a connection; ends with the worker that it is tried for.
async fn again(url: &str, config: &AsyncConnectionConfig) -> MultiplexedConnection {
    loop {
        tokio::time::sleep(RETRY).await;
        if let Ok(connection) = connection(url, config).await {
            return connection;
        }
    }
}

async fn connection(url: &str, config: &AsyncConnectionConfig) -> Result<MultiplexedConnection, String> {
    let client = Client::open(url).map_err(|e| reason(&e))?;
    client.get_multiplexed_async_connection_with_config(config).await.map_err(|e| reason(&e))
}

/// A failure in words that do not vary from event to event, without the address.
fn reason(error: &RedisError) -> String {
    format!("Redis: {}", error.detail().unwrap_or(error.category()))
}
