//! The cache: in the process, or a Redis.

use std::{
    io,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use lru::LruCache;
use redis::{AsyncCommands, Client, RedisError, aio::MultiplexedConnection};
use tokio::sync::OnceCell;

use super::Config;

/// What keys begin with in a Redis, which may hold other things.
const PREFIX: &str = "storefront:read:";

/// Keeps answers for a while.
pub(super) struct Cache {
    place: Place,
    ttl: Duration,
    lookups: AtomicU64,
    hits: AtomicU64,
    evictions: AtomicU64,
}

/// What a cache has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) lookups: u64,
    pub(super) hits: u64,
    pub(super) evictions: u64,
    /// In a Redis not counted: 0.
    pub(super) entries: u64,
}

enum Place {
    Embedded(Mutex<LruCache<String, Entry>>),
    /// Connected by the first who asks.
    Redis(Client, OnceCell<MultiplexedConnection>),
}

struct Entry {
    until: Instant,
    text: String,
}

impl Cache {
    pub(super) fn open(config: &Config) -> io::Result<Self> {
        let place = match &config.redis {
            None => Place::Embedded(Mutex::new(LruCache::new(config.cache_capacity))),
            Some(url) => Place::Redis(Client::open(url.as_str()).map_err(io::Error::other)?, OnceCell::new()),
        };
        Ok(Self {
            place,
            ttl: config.cache_ttl,
            lookups: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        })
    }

    /// What is kept under a key.
    pub(super) async fn get(&self, key: &str) -> Result<Option<String>, RedisError> {
        self.lookups.fetch_add(1, Relaxed);
        let found = match &self.place {
            Place::Embedded(entries) => {
                let mut entries = lock(entries);
                match entries.get(key) {
                    Some(entry) if entry.until > Instant::now() => Some(entry.text.clone()),
                    Some(_) => {
                        entries.pop(key);
                        None
                    }
                    None => None,
                }
            }
            Place::Redis(client, connection) => {
                connected(client, connection).await?.get(format!("{PREFIX}{key}")).await?
            }
        };
        if found.is_some() {
            self.hits.fetch_add(1, Relaxed);
        }
        Ok(found)
    }

    /// Keeps a text under a key.
    pub(super) async fn put(&self, key: String, text: &str) -> Result<(), RedisError> {
        match &self.place {
            Place::Embedded(entries) => {
                let entry = Entry { until: Instant::now() + self.ttl, text: text.to_owned() };
                // What comes back is the entry that was pushed out, or an older one of this key.
                let out = lock(entries).push(key.clone(), entry);
                if out.is_some_and(|(other, _)| other != key) {
                    self.evictions.fetch_add(1, Relaxed);
                }
                Ok(())
            }
            Place::Redis(client, connection) => {
                let seconds = self.ttl.as_secs().max(1);
                connected(client, connection).await?.set_ex(format!("{PREFIX}{key}"), text, seconds).await
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let entries = match &self.place {
            Place::Embedded(entries) => lock(entries).len() as u64,
            Place::Redis(..) => 0,
        };
        Counts {
            lookups: self.lookups.load(Relaxed),
            hits: self.hits.load(Relaxed),
            evictions: self.evictions.load(Relaxed),
            entries,
        }
    }

    /// Forgets everything.
    pub(super) async fn reset(&self) -> Result<(), RedisError> {
        match &self.place {
            Place::Embedded(entries) => lock(entries).clear(),
            Place::Redis(client, connection) => {
                let mut connection = connected(client, connection).await?;
                let keys: Vec<String> = {
                    let mut found = connection.scan_match(format!("{PREFIX}*")).await?;
                    let mut keys = Vec::new();
                    while let Some(key) = found.next_item().await {
                        keys.push(key?);
                    }
                    keys
                };
                if !keys.is_empty() {
                    let _: u64 = connection.del(keys).await?;
                }
            }
        }
        for counter in [&self.lookups, &self.hits, &self.evictions] {
            counter.store(0, Relaxed);
        }
        Ok(())
    }
}

async fn connected(
    client: &Client,
    connection: &OnceCell<MultiplexedConnection>,
) -> Result<MultiplexedConnection, RedisError> {
    connection.get_or_try_init(|| client.get_multiplexed_async_connection()).await.cloned()
}

fn lock(entries: &Mutex<LruCache<String, Entry>>) -> MutexGuard<'_, LruCache<String, Entry>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}
