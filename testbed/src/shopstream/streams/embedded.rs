//! Streams in the process: queues under one lock.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{Depth, Message, names};
use crate::shopstream::lanes::{Lane, StreamName};

/// Over how long operations are counted.
const SECOND: Duration = Duration::from_secs(1);

/// All streams of the shop.
pub(crate) struct Embedded {
    inner: Mutex<Inner>,
    changed: Condvar,
}

struct Inner {
    queues: BTreeMap<StreamName, Queue>,
    published: u64,
    age: u64,
    closed: bool,
    operations: Operations,
}

/// How many operations the last whole second has seen.
struct Operations {
    since: Instant,
    count: u64,
    per_second: u64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Place, Message)>,
    pending: u64,
    processed: u64,
    dead: u64,
}

/// The place of a message among all that were ever published, whatever their streams.
type Place = u64;

impl Default for Embedded {
    fn default() -> Self {
        Embedded {
            inner: Mutex::new(Inner {
                queues: empty_queues(),
                published: 0,
                age: 0,
                closed: false,
                operations: Operations { since: Instant::now(), count: 0, per_second: 0 },
            }),
            changed: Condvar::new(),
        }
    }
}

fn empty_queues() -> BTreeMap<StreamName, Queue> {
    names().map(|name| (name, Queue::default())).collect()
}

impl Operations {
    fn note(&mut self) {
        self.count += 1;
        self.turn();
    }

    fn turn(&mut self) {
        let elapsed = self.since.elapsed();
        if elapsed >= SECOND {
            // Nothing happened in the seconds that have gone by without a note.
            self.per_second = if elapsed < 2 * SECOND { self.count } else { 0 };
            (self.since, self.count) = (Instant::now(), 0);
        }
    }
}

impl Embedded {
    /// Appends a message to its stream.
    pub(super) fn publish(&self, message: Message) {
        let mut inner = self.lock();
        inner.operations.note();
        let place = inner.published;
        inner.published += 1;
        let queue = inner.queues.entry(message.stream).or_default();
        queue.waiting.push_back((place, message));
        // Engines of other contexts would let it lie.
        self.changed.notify_all();
    }

    /// Waits for the next message of these contexts, or for the streams to close: there is none
    /// then.
    ///
    /// That is the oldest message of all primary streams or, while those are empty, the oldest
    /// of all backfill streams. Without lanes the backfill streams never hold anything.
    pub(super) fn take(&self, domains: &[&str]) -> Option<Message> {
        let mut inner = self.lock();
        while !inner.closed {
            let oldest = |lane| inner.oldest(lane, domains);
            if let Some(stream) = oldest(Lane::Primary).or_else(|| oldest(Lane::Backfill)) {
                return inner.deliver(stream);
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Says that a message taken has been processed or, as a dead letter, never will be.
    pub(super) fn settle(&self, message: &Message, dead: bool) {
        let mut inner = self.lock();
        inner.operations.note();
        if inner.age != message.age {
            return;
        }
        if let Some(queue) = inner.queues.get_mut(&message.stream) {
            queue.pending -= 1;
            *(if dead { &mut queue.dead } else { &mut queue.processed }) += 1;
        }
    }

    /// Drops all messages and counts; those taken and not acknowledged no longer count.
    pub(super) fn reset(&self, age: u64) {
        let mut inner = self.lock();
        inner.queues = empty_queues();
        inner.age = age;
    }

    /// Lets every engine that waits, or comes back, go home.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How much is in each stream, the empty ones included.
    pub(super) fn depths(&self) -> Vec<(StreamName, Depth)> {
        let inner = self.lock();
        let depths = inner.queues.iter().map(|(name, queue)| {
            let Queue { waiting, pending, processed, dead } = queue;
            let lag = waiting.len() as u64;
            (*name, Depth { lag, pending: *pending, processed: *processed, dead: *dead })
        });
        depths.collect()
    }

    /// Publications and acknowledgements in the last whole second.
    pub(super) fn operations_per_second(&self) -> u64 {
        let mut inner = self.lock();
        inner.operations.turn();
        inner.operations.per_second
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The stream of this lane whose first message was published before those of all others.
    fn oldest(&self, lane: Lane, domains: &[&str]) -> Option<StreamName> {
        let served = |name: &StreamName| name.lane == lane && domains.contains(&name.domain());
        let firsts = self.queues.iter().filter(|(name, _)| served(name));
        firsts.filter_map(|(name, queue)| Some((queue.waiting.front()?.0, *name))).min().map(|(_, name)| name)
    }

    fn deliver(&mut self, stream: StreamName) -> Option<Message> {
        let queue = self.queues.get_mut(&stream)?;
        let (_, message) = queue.waiting.pop_front()?;
        queue.pending += 1;
        self.operations.note();
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::{Depth, Embedded, Lane, Message, StreamName};
    use crate::shopstream::domain::DOMAINS;

    fn message(id: i64, aggregate: &'static str, lane: Lane) -> Message {
        Message {
            stream: StreamName { aggregate, lane },
            outbox_id: id,
            age: 0,
            aggregate_id: String::new(),
            version: 1,
            event: String::new(),
            payload: String::new(),
        }
    }

    fn taken(streams: &Embedded, count: usize) -> Vec<i64> {
        (0..count).map(|_| streams.take(&DOMAINS).unwrap().outbox_id).collect()
    }

    #[test]
    fn primary_streams_are_one_queue_in_the_order_of_publishing() {
        let streams = Embedded::default();
        for (id, aggregate) in [(1, "order"), (2, "customer"), (3, "order"), (4, "category")] {
            streams.publish(message(id, aggregate, Lane::Primary));
        }
        assert_eq!(taken(&streams, 4), [1, 2, 3, 4]);
    }

    #[test]
    fn a_primary_message_overtakes_every_backfill_message() {
        let streams = Embedded::default();
        for id in 0..30 {
            streams.publish(message(id, "customer", Lane::Backfill));
        }
        assert_eq!(taken(&streams, 1), [0], "backfill is read while primary is empty");
        streams.publish(message(100, "order", Lane::Primary));
        assert_eq!(taken(&streams, 2), [100, 1]);
    }

    #[test]
    fn a_message_is_lag_then_pending_then_processed() {
        let streams = Embedded::default();
        let customer = || {
            let depths = streams.depths();
            depths.into_iter().find(|(name, _)| name.to_string() == "customer").unwrap().1
        };
        let depth = |lag, pending, processed| Depth { lag, pending, processed, dead: 0 };
        streams.publish(message(1, "customer", Lane::Primary));
        assert_eq!(customer(), depth(1, 0, 0));
        let taken = streams.take(&DOMAINS).unwrap();
        assert_eq!(customer(), depth(0, 1, 0));
        assert_eq!(customer().length(), 1);
        streams.settle(&taken, false);
        assert_eq!(customer(), depth(0, 0, 1));
    }

    #[test]
    fn a_message_from_before_a_reset_is_not_counted_after_it() {
        let streams = Embedded::default();
        streams.publish(message(1, "customer", Lane::Primary));
        let taken = streams.take(&DOMAINS).unwrap();
        streams.reset(1);
        streams.settle(&taken, false);
        assert!(streams.depths().iter().all(|(_, depth)| *depth == Depth::default()));
    }

    #[test]
    fn closing_lets_a_waiting_engine_go() {
        let streams = Embedded::default();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| streams.take(&DOMAINS));
            streams.close();
            assert!(waiting.join().unwrap().is_none());
        });
    }

    #[test]
    fn an_engine_takes_messages_of_its_contexts_only() {
        let streams = Embedded::default();
        for (id, aggregate) in [(1, "order"), (2, "customer"), (3, "payment")] {
            streams.publish(message(id, aggregate, Lane::Primary));
        }
        assert_eq!(streams.take(&["payments", "identity"]).unwrap().outbox_id, 2);
        assert_eq!(streams.take(&["payments"]).unwrap().outbox_id, 3);
    }

    #[test]
    fn a_dead_letter_is_no_longer_pending_and_never_processed() {
        let streams = Embedded::default();
        streams.publish(message(1, "order", Lane::Primary));
        streams.settle(&streams.take(&DOMAINS).unwrap(), true);
        let dead: Vec<_> = streams.depths().into_iter().filter(|(_, depth)| depth.dead > 0).collect();
        let depth = Depth { dead: 1, ..Depth::default() };
        assert_eq!(dead, [(StreamName { aggregate: "order", lane: Lane::Primary }, depth)]);
    }
}
