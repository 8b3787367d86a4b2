//! The queue between the API and the workers: in the process, or a list of a Redis.
//!
//! A message that a worker has taken is *in hand* until the worker settles its batch. In a Redis it
//! is kept in a list of the worker's own meanwhile, which a worker of the same name finds again: a
//! message that was accepted is not lost with the process that had it.

mod embedded;
mod redis;

use std::time::Duration;

use self::{
    embedded::Embedded,
    redis::{Redis, RedisTaker},
};
use super::{board::Entry, message::Message};
use crate::neighbour::Problem;

/// How workers batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batching {
    /// Most messages of a batch.
    pub(super) size: usize,
    /// How long its first message waits for others at most.
    pub(super) timeout: Duration,
}

/// How many messages are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lengths {
    /// Accepted, and taken by nobody yet.
    pub(super) waiting: u64,
    /// Taken, and not committed yet.
    pub(super) in_hand: u64,
}

pub(super) enum Queue {
    Embedded(Embedded),
    Redis(Box<Redis>),
}

/// A worker's end of the queue.
pub(super) enum Taker<'a> {
    Embedded { queue: &'a Embedded, in_hand: usize },
    Redis(Box<RedisTaker>),
}

impl Queue {
    pub(super) fn open(redis: Option<&str>, batching: Batching) -> Result<Queue, Problem> {
        match redis {
            None => Ok(Queue::Embedded(Embedded::new(batching))),
            Some(url) => Redis::open(url, batching).map(Box::new).map(Queue::Redis),
        }
    }

    /// Appends a message; it is accepted when this has returned.
    pub(super) async fn push(&self, message: Message) -> Result<(), Problem> {
        match self {
            Queue::Embedded(queue) => {
                queue.push(message);
                Ok(())
            }
            Queue::Redis(queue) => queue.push(&message).await,
        }
    }

    pub(super) async fn lengths(&self) -> Result<Lengths, Problem> {
        match self {
            Queue::Embedded(queue) => Ok(queue.lengths()),
            Queue::Redis(queue) => queue.lengths().await,
        }
    }

    /// Drops what waits. What is in hand is committed nevertheless.
    pub(super) async fn clear(&self) -> Result<(), Problem> {
        match self {
            Queue::Embedded(queue) => {
                queue.clear();
                Ok(())
            }
            Queue::Redis(queue) => queue.clear().await,
        }
    }

    /// The end of the queue for the worker of this name.
    pub(super) fn taker(&self, name: &str) -> Taker<'_> {
        match self {
            Queue::Embedded(queue) => Taker::Embedded { queue, in_hand: 0 },
            Queue::Redis(queue) => Taker::Redis(Box::new(queue.taker(name))),
        }
    }

    /// Lets workers go home once nothing waits for them.
    pub(super) fn close(&self) {
        match self {
            Queue::Embedded(queue) => queue.close(),
            Queue::Redis(queue) => queue.close(),
        }
    }
}

impl Taker<'_> {
    /// Waits for a message, then for others to make a batch with; none when the queue is closed.
    pub(super) fn take(&mut self) -> Option<Vec<Message>> {
        match self {
            Taker::Embedded { queue, in_hand } => {
                let batch = queue.take()?;
                *in_hand = batch.len();
                Some(batch)
            }
            Taker::Redis(taker) => taker.take(),
        }
    }

    /// Says that the batch is committed, and what is to be known of it.
    pub(super) fn settle(&mut self, entry: &Entry) -> Result<(), Problem> {
        match self {
            Taker::Embedded { queue, in_hand } => {
                queue.settle(std::mem::take(in_hand));
                Ok(())
            }
            Taker::Redis(taker) => taker.settle(entry),
        }
    }
}
