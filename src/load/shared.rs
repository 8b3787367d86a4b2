//! What all users of a load share, whatever their worker: things set up once, counters, queues and
//! meetings. Made anew for each run.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::Value;
use tokio::sync::{Notify, OnceCell, watch};

use crate::scenario::Scenario;

/// Variables and their values.
pub(super) type Variables = Vec<(String, Value)>;

/// The shared state of one run.
pub(super) struct Shared {
    /// By journey: what it has left behind, once it was performed.
    once: Vec<OnceCell<Arc<Variables>>>,
    counters: Vec<AtomicU64>,
    queues: Vec<Queue>,
    /// By race.
    meetings: Vec<Meeting>,
}

#[derive(Default)]
struct Queue {
    values: Mutex<VecDeque<Value>>,
    more: Notify,
}

/// A place where users wait for each other, again and again.
struct Meeting {
    waiting: Mutex<u32>,
    /// How many releases there were.
    released: watch::Sender<u32>,
}

impl Shared {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let meeting = || Meeting { waiting: Mutex::new(0), released: watch::Sender::new(0) };
        Self {
            once: scenario.journeys.iter().map(|_| OnceCell::new()).collect(),
            counters: scenario.counters.iter().map(|_| AtomicU64::new(0)).collect(),
            queues: scenario.queues.iter().map(|_| Queue::default()).collect(),
            meetings: scenario.races.iter().map(|_| meeting()).collect(),
        }
    }

    /// What `perform` leaves behind for a journey; if somebody is performing it already, waits. Where
    /// that fails, whoever comes next tries again.
    pub(super) async fn once<E>(
        &self,
        journey: usize,
        perform: impl Future<Output = Result<Variables, E>>,
    ) -> Result<Arc<Variables>, E> {
        let made = self.once[journey].get_or_try_init(|| async { perform.await.map(Arc::new) }).await;
        made.cloned()
    }

    /// The next number of a counter, from 1.
    pub(super) fn count(&self, counter: usize) -> u64 {
        self.counters[counter].fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Adds a value to the end of a queue.
    pub(super) fn put(&self, queue: usize, value: Value) {
        let queue = &self.queues[queue];
        lock(&queue.values).push_back(value);
        queue.more.notify_one();
    }

    /// Takes the first value of a queue, as soon as there is one.
    pub(super) async fn take(&self, queue: usize) -> Value {
        let queue = &self.queues[queue];
        loop {
            let first = lock(&queue.values).pop_front();
            match first {
                Some(value) => return value,
                None => queue.more.notified().await,
            }
        }
    }

    /// Waits until `all` users have come together, or the first of them has no more `patience`: then
    /// all who are there go on. Gives the number of their release, from 1.
    pub(super) async fn meet(&self, race: usize, all: u32, patience: impl Future<Output = bool>) -> u32 {
        let meeting = &self.meetings[race];
        let mut released = meeting.released.subscribe();
        let number = {
            let mut waiting = lock(&meeting.waiting);
            let number = *meeting.released.borrow() + 1;
            *waiting += 1;
            if *waiting >= all {
                meeting.release(&mut waiting);
            }
            number
        };
        // Whoever is ended while waiting is not waited for.
        let _place = Place { meeting, number };
        tokio::select! {
            // The sender lives as long as the load.
            _ = released.wait_for(|release| *release >= number) => {}
            _ = patience => {
                let mut waiting = lock(&meeting.waiting);
                if *meeting.released.borrow() < number {
                    meeting.release(&mut waiting);
                }
            }
        }
        number
    }
}

impl Meeting {
    fn release(&self, waiting: &mut u32) {
        *waiting = 0;
        self.released.send_modify(|released| *released += 1);
    }
}

/// A user's place in a meeting.
struct Place<'a> {
    meeting: &'a Meeting,
    number: u32,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.meeting.waiting);
        if *self.meeting.released.borrow() < self.number {
            *waiting -= 1;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
