//! What workers say of themselves: totals, the rate over ten seconds, the latency of the last hundred messages.
//!
//! In the process, or in the Redis whose list the queue is, under the keys that dashboards know:
//! `total_messages`, `current_rps`, `avg_latency_ms`, `p95_latency_ms`, `p99_latency_ms`.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use redis::{Client, Pipeline};
use serde::Serialize;

use crate::{
    clock,
    neighbour::{Problem, link::Link, shared::Shared},
};

/// Seconds that the rate is taken over.
const WINDOW_S: i64 = 10;
/// Messages that the latency is taken over.
const LAST: usize = 100;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// A batch that was committed.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// When, µs since 1970.
    pub(super) committed_at: i64,
    /// From the receipt of each message to the commit, ms; one for each message.
    pub(super) latencies_ms: Vec<f64>,
}

/// What there is to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Sight {
    pub(super) total_messages: u64,
    pub(super) total_batches: u64,
    pub(super) current_rps: f64,
    #[serde(flatten)]
    pub(super) latency: Latency,
}

/// Of the last hundred messages, ms; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Latency {
    #[serde(rename = "avg_latency_ms")]
    pub(super) mean: f64,
    #[serde(rename = "p95_latency_ms")]
    pub(super) p95: f64,
    #[serde(rename = "p99_latency_ms")]
    pub(super) p99: f64,
}

pub(super) enum Board {
    Memory(Mutex<Memory>),
    Redis(Box<Keys>),
}

/// The keys of a Redis.
pub(super) struct Keys {
    client: Client,
    connection: Shared,
}

#[derive(Default)]
pub(super) struct Memory {
    total_messages: u64,
    total_batches: u64,
    /// Messages by the second in which they were committed, the last of the window at most.
    seconds: VecDeque<(i64, u64)>,
    last_ms: VecDeque<f64>,
}

impl Board {
    pub(super) fn open(redis: Option<&str>) -> Result<Board, Problem> {
        match redis {
            None => Ok(Board::Memory(Mutex::default())),
            Some(url) => {
                let client = Client::open(url)?;
                Ok(Board::Redis(Box::new(Keys { connection: Shared::new(client.clone()), client })))
            }
        }
    }

    /// Takes down a batch; what is kept in a Redis, the queue has written down with the batch's end.
    pub(super) fn record(&self, entry: &Entry) {
        if let Board::Memory(memory) = self {
            lock(memory).record(entry);
        }
    }

    pub(super) async fn sight(&self) -> Result<Sight, Problem> {
        match self {
            Board::Memory(memory) => Ok(lock(memory).sight(clock::now_us())),
            Board::Redis(keys) => {
                let mut commands = redis::pipe();
                commands.cmd("MGET").arg(&KEYS);
                let (values,): (Vec<Option<f64>>,) = keys.connection.ask(&commands).await?;
                let value = |place: usize| values.get(place).copied().flatten().unwrap_or(0.0);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "counts of messages"
                )]
                let count = |place| value(place) as u64;
                Ok(Sight {
                    total_messages: count(0),
                    total_batches: count(1),
                    current_rps: value(2),
                    latency: Latency { mean: value(3), p95: value(4), p99: value(5) },
                })
            }
        }
    }

    pub(super) async fn reset(&self) -> Result<(), Problem> {
        match self {
            Board::Memory(memory) => {
                *lock(memory) = Memory::default();
                Ok(())
            }
            Board::Redis(keys) => {
                let mut commands = redis::pipe();
                commands.cmd("DEL").arg(&KEYS).arg(LATENCIES).arg(seconds(clock::now_us())).ignore();
                Ok(keys.connection.ask(&commands).await?)
            }
        }
    }

    /// Works out the keys that depend on the time, where a Redis keeps them: what nobody adds to becomes less.
    pub(super) fn publisher(&self) -> Option<Publisher> {
        match self {
            Board::Memory(_) => None,
            Board::Redis(keys) => Some(Publisher { link: Link::new(keys.client.clone()) }),
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    fn record(&mut self, entry: &Entry) {
        let messages = entry.latencies_ms.len() as u64;
        self.total_messages += messages;
        self.total_batches += 1;
        let second = entry.committed_at.div_euclid(MICROS_PER_SECOND);
        match self.seconds.back_mut() {
            Some((last, count)) if *last >= second => *count += messages,
            _ => self.seconds.push_back((second, messages)),
        }
        while self.seconds.front().is_some_and(|(first, _)| *first <= second - WINDOW_S) {
            self.seconds.pop_front();
        }
        self.last_ms.extend(&entry.latencies_ms);
        self.last_ms.drain(..self.last_ms.len().saturating_sub(LAST));
    }

    fn sight(&self, now_us: i64) -> Sight {
        let now = now_us.div_euclid(MICROS_PER_SECOND);
        let recent = self.seconds.iter().filter(|(second, _)| *second > now - WINDOW_S);
        let mut last_ms: Vec<f64> = self.last_ms.iter().copied().collect();
        Sight {
            total_messages: self.total_messages,
            total_batches: self.total_batches,
            current_rps: recent.map(|(_, count)| *count as f64).sum::<f64>() / WINDOW_S as f64,
            latency: Latency::of(&mut last_ms),
        }
    }
}

impl Latency {
    /// Percentiles are by the nearest rank; of a hundred values p99 is the second largest.
    fn of(values_ms: &mut [f64]) -> Latency {
        values_ms.sort_by(f64::total_cmp);
        let count = values_ms.len();
        let ranked = |percent: usize| match (count * percent).div_ceil(100) {
            0 => 0.0,
            rank => values_ms[rank - 1],
        };
        Latency {
            mean: values_ms.iter().sum::<f64>() / count.max(1) as f64,
            p95: ranked(95),
            p99: ranked(99),
        }
    }
}

// ── In a Redis ──────────────────────────────────────────────────────────────────────────────────

const KEYS: [&str; 6] =
    ["total_messages", "total_batches", "current_rps", "avg_latency_ms", "p95_latency_ms", "p99_latency_ms"];
/// The latencies of the last hundred messages, of all workers.
const LATENCIES: &str = "ingestor:latencies_ms";
/// How long the count of a second is kept, s.
const KEPT_S: i64 = WINDOW_S + 5;

/// The key that counts the messages of a second.
fn key_of_second(second: i64) -> String {
    format!("ingestor:second:{second}")
}

/// The keys of the window that ends now.
fn seconds(now_us: i64) -> Vec<String> {
    let now = now_us.div_euclid(MICROS_PER_SECOND);
    (now - WINDOW_S + 1..=now).map(key_of_second).collect()
}

impl Entry {
    /// What a Redis is to keep of it.
    pub(super) fn add_to(&self, commands: &mut Pipeline) {
        let messages = self.latencies_ms.len();
        let second = key_of_second(self.committed_at.div_euclid(MICROS_PER_SECOND));
        commands.cmd("INCRBY").arg("total_messages").arg(messages).ignore();
        commands.cmd("INCR").arg("total_batches").ignore();
        commands.cmd("INCRBY").arg(&second).arg(messages).ignore();
        commands.cmd("EXPIRE").arg(&second).arg(KEPT_S).ignore();
        if messages > 0 {
            commands.cmd("LPUSH").arg(LATENCIES).arg(&self.latencies_ms).ignore();
            commands.cmd("LTRIM").arg(LATENCIES).arg(0).arg(LAST - 1).ignore();
        }
    }
}

/// Writes what depends on the time.
pub(super) struct Publisher {
    link: Link,
}

impl Publisher {
    pub(super) fn publish(&mut self) -> Result<(), Problem> {
        let mut questions = redis::pipe();
        questions.cmd("MGET").arg(seconds(clock::now_us()));
        questions.cmd("LRANGE").arg(LATENCIES).arg(0).arg(-1);
        let (counts, mut latencies): (Vec<Option<f64>>, Vec<f64>) =
            self.link.ask(|connection| questions.query(connection))?;
        let rate = counts.iter().flatten().sum::<f64>() / WINDOW_S as f64;
        let Latency { mean, p95, p99 } = Latency::of(&mut latencies);
        let values = [rate, mean, p95, p99];
        let mut commands = redis::pipe();
        for (key, value) in KEYS[2..].iter().zip(values) {
            commands.cmd("SET").arg(key).arg(value).ignore();
        }
        Ok(self.link.ask(|connection| commands.exec(connection))?)
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Memory};

    fn entry(committed_at: i64, latencies_ms: &[f64]) -> Entry {
        Entry { committed_at, latencies_ms: latencies_ms.to_vec() }
    }

    #[test]
    fn the_rate_is_that_of_the_last_ten_seconds() {
        let mut memory = Memory::default();
        for second in 0..30 {
            memory.record(&entry(second * 1_000_000, &[1.0; 20]));
        }
        assert!(memory.seconds.len() <= 10, "what is older is forgotten");
        assert_eq!(memory.sight(29_500_000).current_rps, 20.0);
        // Nothing more comes: half of the window is empty, then all of it.
        assert_eq!(memory.sight(34_500_000).current_rps, 10.0);
        assert_eq!(memory.sight(60_000_000).current_rps, 0.0);
        assert_eq!(memory.sight(60_000_000).total_messages, 600);
    }

    #[test]
    fn the_latency_is_that_of_the_last_hundred_messages() {
        let mut memory = Memory::default();
        memory.record(&entry(0, &[1000.0; 50]));
        memory.record(&entry(0, &(1..=100).map(f64::from).collect::<Vec<_>>()));
        let latency = memory.sight(0).latency;
        assert_eq!((latency.mean, latency.p95, latency.p99), (50.5, 95.0, 99.0));
        assert_eq!(Memory::default().sight(0).latency.p99, 0.0);
    }
}
