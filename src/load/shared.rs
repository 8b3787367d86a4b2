//! What all users of a load share, whatever their worker: things set up once, counters, queues and
//! meetings. Made anew for each run.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::value::Value;
use tokio::sync::{Notify, OnceCell, watch};

use super::share::Share;
use crate::scenario::Scenario;

/// Variables and their values.
pub(super) type Variables = Vec<(String, Value)>;

/// The shared state of one run.
pub(super) struct Shared {
    /// By journey: what it has left behind, once it was performed.
    once: Vec<OnceCell<Arc<Variables>>>,
    counters: Vec<AtomicU64>,
    /// Which numbers of the counters are this machine's.
    share: Share,
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
    pub(super) fn new(scenario: &Scenario, share: Share) -> Self {
        let meeting = || Meeting { waiting: Mutex::new(0), released: watch::Sender::new(0) };
        Self {
            once: scenario.journeys.iter().map(|_| OnceCell::new()).collect(),
            share,
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

    /// The next number of a counter, from 1; agents take turns.
    pub(super) fn count(&self, counter: usize) -> u64 {
        self.share.number(self.counters[counter].fetch_add(1, Ordering::Relaxed)) + 1
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

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::FutureExt;
    use futures_util::future::join_all;

    use super::*;

    /// One of everything.
    fn shared() -> Shared {
        Shared {
            once: vec![OnceCell::new()],
            share: Share::whole(1),
            counters: vec![AtomicU64::new(0), AtomicU64::new(0)],
            queues: vec![Queue::default()],
            meetings: vec![Meeting { waiting: Mutex::new(0), released: watch::Sender::new(0) }],
        }
    }

    #[test]
    fn counters_count_from_one_each_by_itself() {
        let shared = shared();
        assert_eq!([shared.count(0), shared.count(0), shared.count(1)], [1, 2, 1]);
    }

    #[test]
    fn a_set_up_is_made_once_and_tried_again_if_it_fails() {
        let shared = shared();
        let made = |value: i64| ready(Ok::<_, &str>(vec![("id".to_owned(), Value::from(value))]));
        assert_eq!(shared.once(0, ready(Err("no answer"))).now_or_never(), Some(Err("no answer")));
        let first = shared.once(0, made(1)).now_or_never().unwrap().unwrap();
        let second = shared.once(0, made(2)).now_or_never().unwrap().unwrap();
        assert_eq!(first, second);
        assert_eq!(second[0].1, Value::from(1));
    }

    #[test]
    fn who_comes_while_a_set_up_is_made_waits_for_it() {
        let shared = shared();
        let mut first = Box::pin(shared.once(0, pending::<Result<Variables, ()>>()));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(shared.once(0, ready(Ok::<_, ()>(Vec::new()))));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some(), "it takes over from one that was cut off");
    }

    #[test]
    fn a_queue_gives_each_value_once_in_the_order_in_which_they_came() {
        let shared = shared();
        let mut waiting = Box::pin(shared.take(0));
        assert!(waiting.as_mut().now_or_never().is_none());
        for value in [1, 2] {
            shared.put(0, Value::from(value));
        }
        assert_eq!(waiting.now_or_never(), Some(Value::from(1)));
        assert_eq!(shared.take(0).now_or_never(), Some(Value::from(2)));
        assert_eq!(shared.take(0).now_or_never(), None);
    }

    #[test]
    fn a_meeting_releases_those_who_have_come_together_with_one_number() {
        let shared = shared();
        let meet = || shared.meet(0, 3, pending());
        for number in [1, 2] {
            let mut early = Box::pin(join_all([meet(), meet()]));
            assert!(early.as_mut().now_or_never().is_none());
            assert_eq!(meet().now_or_never(), Some(number));
            assert_eq!(early.now_or_never(), Some(vec![number; 2]));
        }
    }

    #[test]
    fn who_has_no_more_patience_releases_all_who_are_there() {
        let shared = shared();
        let mut patient = Box::pin(shared.meet(0, 3, pending()));
        assert!(patient.as_mut().now_or_never().is_none());
        assert_eq!(shared.meet(0, 3, ready(true)).now_or_never(), Some(1));
        assert_eq!(patient.now_or_never(), Some(1));
    }

    #[test]
    fn who_is_ended_while_waiting_is_not_waited_for() {
        let shared = shared();
        let meet = || Box::pin(shared.meet(0, 2, pending()));
        let mut gone = meet();
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        let mut first = meet();
        assert!(first.as_mut().now_or_never().is_none(), "one alone is not two");
        assert_eq!(meet().now_or_never(), Some(1));
        assert_eq!(first.now_or_never(), Some(1));
    }
}
