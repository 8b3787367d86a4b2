//! Delivering a spool: what is not stored yet is sent, and sent again, until the coordinator has sealed the run.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::spool::Kept;
use super::wire::{self, State, Stored};

/// Batches that are under way at most.
const WINDOW: usize = 256;
/// Bytes of them at most.
const WINDOW_BYTES: usize = 8 << 20;
/// How often it is told how things go.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// After so long without anything new being stored, what is not stored is sent again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How long handing a message to the connection may take: while the server is away, no longer than this.
const HAND_OVER: Duration = Duration::from_secs(1);

/// How a run goes, as its agent's task and its delivery both see it.
pub(super) struct Progress {
    state: RefCell<State>,
    /// When the coordinator was heard of last.
    heard: Cell<Instant>,
}

impl Progress {
    /// That of a run in which nothing has happened yet.
    pub(super) fn new(agent: u16, id: &str) -> Rc<Self> {
        let state = State { agent, id: id.to_owned(), ..State::default() };
        Rc::new(Self { state: RefCell::new(state), heard: Cell::new(Instant::now()) })
    }

    /// Notes how it goes.
    pub(super) fn note(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.borrow_mut());
    }

    /// How long nothing was heard of the coordinator.
    pub(super) fn silence(&self) -> Duration {
        self.heard.get().elapsed()
    }
}

/// Sends the batches of a spool, and tells how the run goes, until the run is sealed; the spool is gone then.
///
/// # Errors
/// In words, if the spool cannot be read, or the connection does not take what is sent.
pub(super) async fn deliver(client: &Client, kept: &Arc<Kept>, progress: &Progress) -> Result<(), String> {
    let header = kept.header().clone();
    let stored_at = wire::stored(&header.token, header.agent);
    let mut stored = client.subscribe(stored_at).await.map_err(|error| error.to_string())?;
    let mut counted = kept.counted();
    let mut tell = tokio::time::interval(TELL_EVERY);
    tell.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut window = Window::default();
    loop {
        while window.is_open(kept.count()) {
            let frame = kept.frame(window.next).map_err(|error| format!("cannot read the spool: {error}"))?;
            let Some(frame) = frame else { break };
            let bytes = frame.len();
            if !publish(client, wire::batches(&header.token, header.agent), frame.into()).await {
                break;
            }
            window.sent(bytes);
        }
        tokio::select! {
            message = stored.next() => {
                let Some(message) = message else { return Err("the connection has ended".to_owned()) };
                let Some(told) = wire::read::<Stored>(&message.payload) else { continue };
                progress.heard.set(Instant::now());
                if told.is_sealed {
                    return kept.remove().map_err(|error| format!("cannot remove the spool: {error}"));
                }
                window.stored(told.batches);
            }
            _ = tell.tick() => {
                let state = wire::json(&*progress.state.borrow());
                publish(client, wire::states(&header.token), state).await;
                window.look();
            }
            _ = counted.changed() => {}
        }
    }
}

/// Whether the connection has taken a message.
async fn publish(client: &Client, subject: String, message: bytes::Bytes) -> bool {
    matches!(tokio::time::timeout(HAND_OVER, client.publish(subject, message)).await, Ok(Ok(())))
}

/// What is under way: from the first batch that is not stored to the next one that is sent.
struct Window {
    /// None until the coordinator has said what it has.
    stored: Option<u64>,
    next: u64,
    /// Bytes of each batch that is under way.
    bytes: VecDeque<usize>,
    moved: Instant,
}

impl Default for Window {
    fn default() -> Self {
        Self { stored: None, next: 0, bytes: VecDeque::new(), moved: Instant::now() }
    }
}

impl Window {
    fn is_open(&self, count: u64) -> bool {
        let has_place = self.bytes.len() < WINDOW && self.bytes.iter().sum::<usize>() < WINDOW_BYTES;
        self.stored.is_some() && self.next < count && has_place
    }

    fn sent(&mut self, bytes: usize) {
        self.next += 1;
        self.bytes.push_back(bytes);
    }

    /// All below `batches` are stored. A store that has lost some of them says so: they are sent again.
    fn stored(&mut self, batches: u64) {
        let before = self.stored.replace(batches);
        if before != Some(batches) {
            self.moved = Instant::now();
        }
        if before.is_some_and(|before| batches < before) || self.next < batches {
            self.begin_at(batches);
        }
        while self.bytes.len() as u64 > self.next - batches {
            self.bytes.pop_front();
        }
    }

    /// Sends again what was lost on the way.
    fn look(&mut self) {
        if let Some(stored) = self.stored
            && self.next > stored
            && self.moved.elapsed() > AGAIN_AFTER
        {
            self.begin_at(stored);
            self.moved = Instant::now();
        }
    }

    fn begin_at(&mut self, batch: u64) {
        self.next = batch;
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_until_it_is_known_what_is_stored() {
        let mut window = Window::default();
        assert!(!window.is_open(10));
        window.stored(4);
        assert!(window.is_open(10) && window.next == 4);
        (0..6).for_each(|_| window.sent(100));
        assert!(!window.is_open(10), "everything is under way");
    }

    #[test]
    fn a_window_is_bounded_and_moves_with_what_is_stored() {
        let mut window = Window::default();
        window.stored(0);
        while window.is_open(10_000) {
            window.sent(1);
        }
        assert_eq!(window.next, WINDOW as u64);
        window.stored(100);
        assert!(window.is_open(10_000) && window.next == WINDOW as u64);
        window.sent(WINDOW_BYTES);
        assert!(!window.is_open(10_000), "too many bytes are under way");
    }

    #[test]
    fn what_a_store_has_lost_is_sent_again() {
        let mut window = Window::default();
        window.stored(50);
        (0..10).for_each(|_| window.sent(1));
        window.stored(40);
        assert_eq!(window.next, 40);
    }

    #[test]
    fn what_was_lost_on_the_way_is_sent_again_after_a_while() {
        let mut window = Window::default();
        window.stored(5);
        (0..3).for_each(|_| window.sent(1));
        window.look();
        assert_eq!(window.next, 8, "it may still come");
        window.moved = Instant::now().checked_sub(AGAIN_AFTER * 2).unwrap();
        window.look();
        assert_eq!(window.next, 5);
    }
}
