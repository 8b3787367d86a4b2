//! The queue in the process.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{Batching, Lengths};
use crate::ingestor::message::Message;

pub(crate) struct Embedded {
    batching: Batching,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    in_hand: usize,
    is_closed: bool,
}

impl Embedded {
    pub(super) fn new(batching: Batching) -> Embedded {
        Embedded { batching, state: Mutex::default(), arrived: Condvar::new() }
    }

    pub(super) fn push(&self, message: Message) {
        let mut state = self.lock();
        state.waiting.push_back(message);
        // The first message wakes a worker that has nothing to do, a whole batch one that waits for it. Those in between
        // are waited for with a deadline already.
        if state.waiting.len() == 1 || state.waiting.len() >= self.batching.size {
            self.arrived.notify_one();
        }
    }

    pub(super) fn take(&self) -> Option<Vec<Message>> {
        let mut state = self.lock();
        loop {
            while state.waiting.is_empty() {
                if state.is_closed {
                    return None;
                }
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let deadline = Instant::now() + self.batching.timeout;
            while state.waiting.len() < self.batching.size && !state.is_closed {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            let size = state.waiting.len().min(self.batching.size);
            // Another worker may have been faster.
            if size > 0 {
                let batch = state.waiting.drain(..size).collect();
                state.in_hand += size;
                if !state.waiting.is_empty() {
                    self.arrived.notify_one();
                }
                return Some(batch);
            }
        }
    }

    pub(super) fn settle(&self, size: usize) {
        self.lock().in_hand -= size;
    }

    pub(super) fn lengths(&self) -> Lengths {
        let state = self.lock();
        Lengths { waiting: state.waiting.len() as u64, in_hand: state.in_hand as u64 }
    }

    pub(super) fn clear(&self) {
        self.lock().waiting.clear();
    }

    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Batching, Embedded, Lengths, Message};

    fn message(user_id: i64) -> Message {
        Message { id: user_id.to_string(), user_id, channel_id: 1, content: "x".to_owned(), created_at: 0 }
    }

    #[test]
    fn a_batch_is_whole_or_its_first_message_has_waited() {
        let queue = Embedded::new(Batching { size: 2, timeout: Duration::from_millis(1) });
        (1..=3).for_each(|n| queue.push(message(n)));
        assert_eq!(queue.take().unwrap(), [message(1), message(2)]);
        assert_eq!(queue.take().unwrap(), [message(3)]);
        assert_eq!(queue.lengths(), Lengths { waiting: 0, in_hand: 3 });
        queue.settle(2);
        assert_eq!(queue.lengths().in_hand, 1);
    }

    #[test]
    fn what_waits_when_the_queue_closes_is_still_given_out() {
        let queue = Embedded::new(Batching { size: 9, timeout: Duration::from_hours(1) });
        queue.push(message(1));
        queue.close();
        assert_eq!(queue.take().unwrap().len(), 1);
        assert!(queue.take().is_none());
    }
}
