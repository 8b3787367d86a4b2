//! Streams in a Redis: one per kind of aggregate and lane, each with one consumer group.
//!
//! Entries stay in their stream when they are done, so `XLEN` only grows; what waits is told by
//! the group's lag and its pending entries. An entry that cannot be processed is copied to the
//! stream `….:dlq` and acknowledged.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use redis::{Client, Cmd, FromRedisValue, Pipeline, RedisResult, cmd};

use super::{BrokerState, Delivery, Depth, Message, names};
use crate::{
    neighbour::{Problem, link::Link},
    shopstream::lanes::{Lane, StreamName},
};

/// The consumer group of the engines.
const GROUP: &str = "projectors";

/// Where the age of the data stands, so that it outlives the process.
const AGE: &str = "shopstream:age";

/// How long an idle engine waits for a primary message before it looks at backfill streams, ms.
const BLOCK_MS: u32 = 20;

/// How long to leave a Redis alone that does not answer.
const RETRY: Duration = Duration::from_millis(100);

pub(crate) struct Redis {
    client: Client,
    closed: Arc<AtomicBool>,
}

pub(crate) struct RedisPublisher {
    link: Link,
}

pub(crate) struct RedisConsumer {
    link: Link,
    name: String,
    streams: Vec<StreamName>,
    /// Read and not yet given out, by lane.
    primary: Held,
    backfill: Held,
    /// Whether what an earlier process of this name had taken is still to be asked for.
    recover: bool,
    closed: Arc<AtomicBool>,
}

/// Entries that are held, the oldest first; of the same moment, by kind.
type Held = BTreeMap<((u64, u64), &'static str), Delivery>;

/// What `XREADGROUP` answers: of each stream its entries, by id.
type Entries = Vec<(String, Vec<(String, HashMap<String, String>)>)>;

impl Redis {
    pub(super) fn open(url: &str) -> Result<Redis, Problem> {
        let redis = Redis { client: Client::open(url)?, closed: Arc::default() };
        let mut link = redis.link();
        for name in names() {
            let made: RedisResult<()> = link.ask(|connection| create_group(name).query(connection));
            match made {
                // It is there from an earlier process.
                Err(error) if error.code() == Some("BUSYGROUP") => {}
                made => made?,
            }
        }
        Ok(redis)
    }

    /// The age of the data, as an earlier process has left it.
    pub(super) fn age(&self) -> Result<u64, Problem> {
        let age: Option<u64> = self.link().ask(|connection| cmd("GET").arg(AGE).query(connection))?;
        Ok(age.unwrap_or(0))
    }

    pub(super) fn publisher(&self) -> RedisPublisher {
        RedisPublisher { link: self.link() }
    }

    pub(super) fn consumer(&self, domains: &[&str], name: &str) -> RedisConsumer {
        let served = |stream: &StreamName| domains.contains(&stream.domain());
        RedisConsumer {
            link: self.link(),
            name: name.to_owned(),
            streams: names().filter(served).collect(),
            primary: Held::new(),
            backfill: Held::new(),
            recover: true,
            closed: Arc::clone(&self.closed),
        }
    }

    pub(super) fn reset(&self, age: u64) -> Result<(), Problem> {
        let mut commands = redis::pipe();
        commands.atomic().cmd("SET").arg(AGE).arg(age);
        for name in names() {
            commands.cmd("DEL").arg(name.to_string()).arg(dead_letters(name));
            commands.add_command(create_group(name));
        }
        Ok(self.link().ask(|connection| commands.exec(connection))?)
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    pub(super) fn depths(&self) -> Result<Vec<(StreamName, Depth)>, Problem> {
        let mut questions = Pipeline::new();
        for name in names() {
            questions.cmd("XINFO").arg("GROUPS").arg(name.to_string());
            questions.cmd("XLEN").arg(name.to_string());
            questions.cmd("XLEN").arg(dead_letters(name));
        }
        let answers: Vec<redis::Value> = self.link().ask(|connection| questions.query(connection))?;
        let depth = |of: &[redis::Value]| -> Result<Depth, Problem> {
            let groups: Vec<HashMap<String, redis::Value>> = FromRedisValue::from_redis_value(of[0].clone())?;
            let (length, dead) =
                (u64::from_redis_value(of[1].clone())?, u64::from_redis_value(of[2].clone())?);
            let figure = |name: &str| {
                let value = groups.first().and_then(|group| group.get(name)).cloned();
                value.and_then(|value| u64::from_redis_value(value).ok())
            };
            let (read, pending) = (figure("entries-read").unwrap_or(0), figure("pending").unwrap_or(0));
            let lag = figure("lag").unwrap_or(length.saturating_sub(read));
            Ok(Depth { lag, pending, processed: read.saturating_sub(pending + dead), dead })
        };
        names().zip(answers.chunks(3)).map(|(name, of)| Ok((name, depth(of)?))).collect()
    }

    pub(super) fn broker(&self) -> Result<BrokerState, Problem> {
        let info: redis::InfoDict = self.link().ask(|connection| cmd("INFO").query(connection))?;
        let figure = |name| info.get(name).unwrap_or(0);
        Ok(BrokerState {
            operations_per_second: figure("instantaneous_ops_per_sec"),
            memory_bytes: figure("used_memory"),
            connected_clients: figure("connected_clients"),
        })
    }

    fn link(&self) -> Link {
        Link::new(self.client.clone())
    }
}

impl RedisPublisher {
    pub(super) fn publish(&mut self, messages: &[Message]) -> Result<(), Problem> {
        let mut commands = redis::pipe();
        for message in messages {
            commands.add_command(entry(&message.stream.to_string(), message));
        }
        Ok(self.link.ask(|connection| commands.exec(connection))?)
    }
}

impl RedisConsumer {
    pub(super) fn take(&mut self) -> Option<Delivery> {
        while !self.closed.load(Relaxed) {
            match self.next() {
                Ok(Some(delivery)) => return Some(delivery),
                Ok(None) => {}
                Err(error) => {
                    eprintln!("shopstream: {}: {error}", self.name);
                    thread::sleep(RETRY);
                }
            }
        }
        None
    }

    /// The oldest entry of all primary streams or, while those are empty, of all backfill streams;
    /// none after a moment in which there was none.
    ///
    /// Streams cannot be peeked into: the first entry of each is read and held here, and only the
    /// oldest is given out.
    fn next(&mut self) -> RedisResult<Option<Delivery>> {
        if self.recover {
            for lane in [Lane::Primary, Lane::Backfill] {
                // Their ids are greater than 0 and were given to this name already.
                self.ask(lane, &self.streams(lane), "0", None)?;
            }
            self.recover = false;
        }
        for lane in [Lane::Primary, Lane::Backfill] {
            let unheld = self.unheld(lane);
            self.ask(lane, &unheld, ">", None)?;
            if let Some((_, delivery)) = self.held(lane).pop_first() {
                return Ok(Some(delivery));
            }
        }
        self.ask(Lane::Primary, &self.streams(Lane::Primary), ">", Some(BLOCK_MS))?;
        Ok(None)
    }

    fn held(&mut self, lane: Lane) -> &mut Held {
        match lane {
            Lane::Primary => &mut self.primary,
            Lane::Backfill => &mut self.backfill,
        }
    }

    fn streams(&self, lane: Lane) -> Vec<StreamName> {
        self.streams.iter().copied().filter(|stream| stream.lane == lane).collect()
    }

    /// The streams of a lane of which no entry is held.
    fn unheld(&mut self, lane: Lane) -> Vec<StreamName> {
        let held: Vec<StreamName> = self.held(lane).values().map(|held| held.message.stream).collect();
        self.streams(lane).into_iter().filter(|stream| !held.contains(stream)).collect()
    }

    /// Asks for one entry of each stream, to be held.
    fn ask(
        &mut self,
        lane: Lane,
        streams: &[StreamName],
        after: &str,
        block_ms: Option<u32>,
    ) -> RedisResult<()> {
        if streams.is_empty() {
            return Ok(());
        }
        let mut question = cmd("XREADGROUP");
        question.arg("GROUP").arg(GROUP).arg(&self.name);
        // All of an earlier process's entries, but one new one of each stream.
        if after == ">" {
            question.arg("COUNT").arg(1);
        }
        if let Some(block_ms) = block_ms {
            question.arg("BLOCK").arg(block_ms);
        }
        question.arg("STREAMS");
        for stream in streams {
            question.arg(stream.to_string());
        }
        for _ in streams {
            question.arg(after);
        }
        let answer: Option<Entries> = self.link.ask(|connection| question.query(connection))?;
        for (stream, entries) in answer.into_iter().flatten() {
            let Some(stream) = streams.iter().find(|name| name.to_string() == stream) else { continue };
            for (id, fields) in entries {
                match message(*stream, &fields) {
                    Some(message) => {
                        let place = (place(&id), stream.aggregate);
                        self.held(lane).insert(place, Delivery { message, receipt: id });
                    }
                    None => self.bury_entry(*stream, &id, fields, "it is no event"),
                }
            }
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, receipts: &[String], message: &Message) {
        let mut command = cmd("XACK");
        command.arg(message.stream.to_string()).arg(GROUP).arg(receipts);
        self.tell(&command);
    }

    pub(super) fn bury(&mut self, receipt: &str, message: &Message, why: &str) {
        let fields = fields(message).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.bury_entry(message.stream, receipt, fields, why);
    }

    fn bury_entry(&mut self, stream: StreamName, id: &str, fields: HashMap<String, String>, why: &str) {
        let mut command = cmd("XADD");
        command.arg(dead_letters(stream)).arg("*").arg("why").arg(why).arg("entry").arg(id);
        for (name, value) in fields {
            command.arg(name).arg(value);
        }
        self.tell(&command);
        let mut command = cmd("XACK");
        command.arg(stream.to_string()).arg(GROUP).arg(id);
        self.tell(&command);
    }

    fn tell(&mut self, command: &Cmd) {
        let told: RedisResult<redis::Value> = self.link.ask(|connection| command.query(connection));
        if let Err(error) = told {
            eprintln!("shopstream: {}: {error}", self.name);
        }
    }
}

fn create_group(name: StreamName) -> Cmd {
    let mut command = cmd("XGROUP");
    command.arg("CREATE").arg(name.to_string()).arg(GROUP).arg("0").arg("MKSTREAM");
    command
}

fn dead_letters(name: StreamName) -> String {
    format!("{name}:dlq")
}

fn fields(message: &Message) -> [(&'static str, String); 6] {
    [
        ("type", message.event.clone()),
        ("aggregate_id", message.aggregate_id.clone()),
        ("version", message.version.to_string()),
        ("outbox_id", message.outbox_id.to_string()),
        ("age", message.age.to_string()),
        ("data", message.payload.clone()),
    ]
}

fn entry(stream: &str, message: &Message) -> Cmd {
    let mut command = cmd("XADD");
    command.arg(stream).arg("*");
    for (name, value) in fields(message) {
        command.arg(name).arg(value);
    }
    command
}

fn message(stream: StreamName, fields: &HashMap<String, String>) -> Option<Message> {
    let field = |name: &str| fields.get(name);
    Some(Message {
        stream,
        outbox_id: field("outbox_id")?.parse().ok()?,
        age: field("age")?.parse().ok()?,
        event: field("type")?.clone(),
        aggregate_id: field("aggregate_id")?.clone(),
        version: field("version")?.parse().ok()?,
        payload: field("data").filter(|data| data.starts_with('{'))?.clone(),
    })
}

/// Milliseconds and sequence of an entry's id.
fn place(id: &str) -> (u64, u64) {
    let (ms, sequence) = id.split_once('-').unwrap_or((id, "0"));
    (ms.parse().unwrap_or(0), sequence.parse().unwrap_or(0))
}
