//! The queue as a list of a Redis, which API and workers of several processes share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use redis::{Client, Connection, RedisResult, cmd};

use super::{Batching, Lengths};
use crate::{
    ingestor::{board::Entry, message::Message},
    neighbour::{Problem, link::Link, shared::Shared},
};

/// The list of accepted messages.
const PENDING: &str = "pending_messages";
/// The names of all workers that there ever were.
const WORKERS: &str = "ingestor:workers";
/// How long a worker waits for a message before it looks whether to stop.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long to leave a Redis alone that does not answer.
const RETRY: Duration = Duration::from_millis(100);

/// Moves up to ARGV[1] messages from the queue to a worker's own list.
const TAKE: &str = "local taken = redis.call('LPOP', KEYS[1], ARGV[1]) \
                    if taken then redis.call('RPUSH', KEYS[2], unpack(taken)) end \
                    return taken or {}";

/// How many messages wait, and how many are in hand.
const COUNT: &str = "local held = 0 \
                     for _, name in ipairs(redis.call('SMEMBERS', KEYS[2])) do \
                       held = held + redis.call('LLEN', 'processing_messages:' .. name) \
                     end \
                     return {redis.call('LLEN', KEYS[1]), held}";

pub(crate) struct Redis {
    client: Client,
    connection: Shared,
    batching: Batching,
    closed: Arc<AtomicBool>,
}

pub(crate) struct RedisTaker {
    link: Link,
    /// The list of what this worker has in hand.
    held: String,
    name: String,
    batching: Batching,
    /// Whether what an earlier worker of this name had in hand is still to be asked for.
    recover: bool,
    closed: Arc<AtomicBool>,
}

impl Redis {
    pub(super) fn open(url: &str, batching: Batching) -> Result<Redis, Problem> {
        let client = Client::open(url)?;
        // A Redis that cannot be reached is a mistake at the start, and an outage later.
        cmd("PING").exec(&mut client.get_connection()?)?;
        let connection = Shared::new(client.clone());
        Ok(Redis { client, connection, batching, closed: Arc::default() })
    }

    pub(super) async fn push(&self, message: &Message) -> Result<(), Problem> {
        let mut commands = redis::pipe();
        commands.cmd("RPUSH").arg(PENDING).arg(serde_json::to_string(message)?).ignore();
        Ok(self.connection.ask(&commands).await?)
    }

    pub(super) async fn lengths(&self) -> Result<Lengths, Problem> {
        let mut commands = redis::pipe();
        commands.cmd("EVAL").arg(COUNT).arg(2).arg(PENDING).arg(WORKERS);
        let ((waiting, in_hand),): ((u64, u64),) = self.connection.ask(&commands).await?;
        Ok(Lengths { waiting, in_hand })
    }

    pub(super) async fn clear(&self) -> Result<(), Problem> {
        let mut commands = redis::pipe();
        commands.cmd("DEL").arg(PENDING).ignore();
        Ok(self.connection.ask(&commands).await?)
    }

    pub(super) fn taker(&self, name: &str) -> RedisTaker {
        RedisTaker {
            link: Link::new(self.client.clone()),
            held: format!("processing_messages:{name}"),
            name: name.to_owned(),
            batching: self.batching,
            recover: true,
            closed: Arc::clone(&self.closed),
        }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Relaxed);
    }
}

impl RedisTaker {
    pub(super) fn take(&mut self) -> Option<Vec<Message>> {
        while !self.closed.load(Relaxed) {
            match self.next() {
                Ok(batch) if batch.is_empty() => {}
                Ok(batch) => return Some(batch),
                Err(error) => {
                    eprintln!("ingestor: {}: {error}", self.name);
                    // A batch that was begun is in the worker's list.
                    self.recover = true;
                    thread::sleep(RETRY);
                }
            }
        }
        None
    }

    /// A batch; none after a moment in which there was no message.
    fn next(&mut self) -> Result<Vec<Message>, Problem> {
        let mut batch = Vec::new();
        if self.recover {
            let held = &self.held;
            let name = &self.name;
            batch = self.link.ask(|connection| {
                cmd("SADD").arg(WORKERS).arg(name).exec(connection)?;
                cmd("LRANGE").arg(held).arg(0).arg(-1).query(connection)
            })?;
            self.recover = false;
        }
        if batch.is_empty() {
            self.fill(&mut batch)?;
        }
        batch.iter().map(|text: &String| Ok(serde_json::from_str(text)?)).collect()
    }

    fn fill(&mut self, batch: &mut Vec<String>) -> RedisResult<()> {
        batch.extend(self.wait(PATIENCE)?);
        if batch.is_empty() {
            return Ok(());
        }
        let deadline = Instant::now() + self.batching.timeout;
        loop {
            let wanted = self.batching.size.saturating_sub(batch.len());
            if wanted > 0 {
                let taken: Vec<String> = self.link.ask(|connection| take(connection, &self.held, wanted))?;
                batch.extend(taken);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if batch.len() >= self.batching.size || left.is_zero() || self.closed.load(Relaxed) {
                return Ok(());
            }
            batch.extend(self.wait(left.min(PATIENCE))?);
        }
    }

    /// The next message, within a time.
    fn wait(&mut self, within: Duration) -> RedisResult<Option<String>> {
        // 0 would stand for ever.
        let seconds = within.as_secs_f64().max(0.001);
        let held = &self.held;
        self.link.ask(|connection| {
            cmd("BLMOVE").arg(PENDING).arg(held).arg("LEFT").arg("RIGHT").arg(seconds).query(connection)
        })
    }

    pub(super) fn settle(&mut self, entry: &Entry) -> Result<(), Problem> {
        let mut commands = redis::pipe();
        commands.atomic().cmd("DEL").arg(&self.held).ignore();
        entry.add_to(&mut commands);
        Ok(self.link.ask(|connection| commands.exec(connection))?)
    }
}

fn take(connection: &mut Connection, held: &str, wanted: usize) -> RedisResult<Vec<String>> {
    cmd("EVAL").arg(TAKE).arg(2).arg(PENDING).arg(held).arg(wanted).query(connection)
}
