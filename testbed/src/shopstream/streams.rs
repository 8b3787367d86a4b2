//! In-process streams: published in order, taken by engines one at a time, then acknowledged.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::{
    domain,
    lanes::{Lane, StreamName},
};

/// An event on its way to the read models.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The stream that it was published to.
    pub(crate) stream: StreamName,
    /// The outbox row that it came from.
    pub(crate) outbox_id: i64,
    /// Which age of the data it belongs to; every reset starts a new one.
    pub(crate) age: u64,
    /// The aggregate it is about.
    pub(crate) aggregate_id: String,
    /// The version of that aggregate that it made.
    pub(crate) version: i64,
    /// The state of that aggregate since then, as JSON.
    pub(crate) payload: String,
}

/// How much is in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Messages not yet delivered to an engine.
    pub(crate) lag: u64,
    /// Messages delivered and not yet acknowledged.
    pub(crate) pending: u64,
    /// Messages acknowledged since the start or the last reset.
    pub(crate) processed: u64,
}

impl Depth {
    /// Messages not yet processed.
    pub(crate) fn length(self) -> u64 {
        self.lag + self.pending
    }
}

/// All streams of the shop.
pub(crate) struct Streams {
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    queues: BTreeMap<StreamName, Queue>,
    published: u64,
    age: u64,
    closed: bool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Place, Message)>,
    pending: u64,
    processed: u64,
}

/// The place of a message among all that were ever published, whatever their streams.
type Place = u64;

impl Default for Streams {
    fn default() -> Self {
        Streams {
            inner: Mutex::new(Inner { queues: empty_queues(), published: 0, age: 0, closed: false }),
            changed: Condvar::new(),
        }
    }
}

fn empty_queues() -> BTreeMap<StreamName, Queue> {
    let mut queues = BTreeMap::new();
    for aggregate in domain::aggregates().map(|aggregate| aggregate.kind) {
        for lane in [Lane::Primary, Lane::Backfill] {
            queues.insert(StreamName { aggregate, lane }, Queue::default());
        }
    }
    queues
}

impl Streams {
    /// Appends a message to its stream.
    pub(crate) fn publish(&self, message: Message) {
        let mut inner = self.lock();
        let place = inner.published;
        inner.published += 1;
        let queue = inner.queues.entry(message.stream).or_default();
        queue.waiting.push_back((place, message));
        self.changed.notify_one();
    }

    /// Waits for the next message, or for the streams to close: there is none then.
    ///
    /// That is the oldest message of all primary streams or, while those are empty, the oldest
    /// of all backfill streams. Without lanes the backfill streams never hold anything.
    pub(crate) fn take(&self) -> Option<Message> {
        let mut inner = self.lock();
        while !inner.closed {
            let next = inner.oldest(Lane::Primary).or_else(|| inner.oldest(Lane::Backfill));
            if let Some(stream) = next {
                return inner.deliver(stream);
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Says that a message taken has been processed.
    pub(crate) fn acknowledge(&self, message: &Message) {
        let mut inner = self.lock();
        if inner.age != message.age {
            return;
        }
        if let Some(queue) = inner.queues.get_mut(&message.stream) {
            queue.pending -= 1;
            queue.processed += 1;
        }
    }

    /// Drops all messages and counts; those taken and not acknowledged no longer count.
    pub(crate) fn reset(&self, age: u64) {
        let mut inner = self.lock();
        inner.queues = empty_queues();
        inner.age = age;
    }

    /// Lets every engine that waits, or comes back, go home.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How much is in each stream, the empty ones included.
    pub(crate) fn depths(&self) -> Vec<(StreamName, Depth)> {
        let inner = self.lock();
        let depths = inner.queues.iter().map(|(name, queue)| {
            let depth =
                Depth { lag: queue.waiting.len() as u64, pending: queue.pending, processed: queue.processed };
            (*name, depth)
        });
        depths.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The stream of this lane whose first message was published before those of all others.
    fn oldest(&self, lane: Lane) -> Option<StreamName> {
        let firsts = self.queues.iter().filter(|(name, _)| name.lane == lane);
        firsts.filter_map(|(name, queue)| Some((queue.waiting.front()?.0, *name))).min().map(|(_, name)| name)
    }

    fn deliver(&mut self, stream: StreamName) -> Option<Message> {
        let queue = self.queues.get_mut(&stream)?;
        let (_, message) = queue.waiting.pop_front()?;
        queue.pending += 1;
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::{Depth, Lane, Message, StreamName, Streams};

    fn message(id: i64, aggregate: &'static str, lane: Lane) -> Message {
        Message {
            stream: StreamName { aggregate, lane },
            outbox_id: id,
            age: 0,
            aggregate_id: String::new(),
            version: 1,
            payload: String::new(),
        }
    }

    fn taken(streams: &Streams, count: usize) -> Vec<i64> {
        (0..count).map(|_| streams.take().unwrap().outbox_id).collect()
    }

    #[test]
    fn primary_streams_are_one_queue_in_the_order_of_publishing() {
        let streams = Streams::default();
        for (id, aggregate) in [(1, "order"), (2, "customer"), (3, "order"), (4, "category")] {
            streams.publish(message(id, aggregate, Lane::Primary));
        }
        assert_eq!(taken(&streams, 4), [1, 2, 3, 4]);
    }

    #[test]
    fn a_primary_message_overtakes_every_backfill_message() {
        let streams = Streams::default();
        for id in 0..30 {
            streams.publish(message(id, "customer", Lane::Backfill));
        }
        assert_eq!(taken(&streams, 1), [0], "backfill is read while primary is empty");
        streams.publish(message(100, "order", Lane::Primary));
        assert_eq!(taken(&streams, 2), [100, 1]);
    }

    #[test]
    fn a_message_is_lag_then_pending_then_processed() {
        let streams = Streams::default();
        let customer = || {
            let depths = streams.depths();
            depths.into_iter().find(|(name, _)| name.to_string() == "customer").unwrap().1
        };
        let depth = |lag, pending, processed| Depth { lag, pending, processed };
        streams.publish(message(1, "customer", Lane::Primary));
        assert_eq!(customer(), depth(1, 0, 0));
        let taken = streams.take().unwrap();
        assert_eq!(customer(), depth(0, 1, 0));
        assert_eq!(customer().length(), 1);
        streams.acknowledge(&taken);
        assert_eq!(customer(), depth(0, 0, 1));
    }

    #[test]
    fn a_message_from_before_a_reset_is_not_counted_after_it() {
        let streams = Streams::default();
        streams.publish(message(1, "customer", Lane::Primary));
        let taken = streams.take().unwrap();
        streams.reset(1);
        streams.acknowledge(&taken);
        assert!(streams.depths().iter().all(|(_, depth)| *depth == Depth::default()));
    }

    #[test]
    fn closing_lets_a_waiting_engine_go() {
        let streams = Streams::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| streams.take());
            streams.close();
            assert!(waiting.join().unwrap().is_none());
        });
    }
}
