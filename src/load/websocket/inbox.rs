//! Unread messages of a WebSocket.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::Notify;

/// Messages that are kept at most for later steps; the oldest make room.
const MOST_MESSAGES: usize = 256;
/// Bytes of them likewise; the newest message is kept, however long it is.
const MOST_BYTES: usize = 1 << 20;

/// A message that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::load) struct Message {
    /// When it was read, by whoever reads all the time.
    pub(in crate::load) at: Instant,
    pub(in crate::load) body: Bytes,
}

/// Those of one socket.
#[derive(Default)]
pub(super) struct Inbox {
    state: RefCell<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Message>,
    bytes: usize,
    /// When the last of those came that had to make room.
    forgotten: Option<Instant>,
    /// Why no message will come any more.
    ended: Option<String>,
}

impl Inbox {
    /// Takes a message in.
    pub(super) fn arrived(&self, at: Instant, body: Bytes) {
        let mut state = self.state.borrow_mut();
        state.bytes += body.len();
        state.messages.push_back(Message { at, body });
        while state.messages.len() > 1 && (state.messages.len() > MOST_MESSAGES || state.bytes > MOST_BYTES) {
            if let Some(oldest) = state.messages.pop_front() {
                state.bytes -= oldest.body.len();
                state.forgotten = Some(oldest.at);
            }
        }
        self.changed.notify_one();
    }

    /// Says that no message will come any more.
    pub(super) fn end(&self, reason: String) {
        self.state.borrow_mut().ended.get_or_insert(reason);
        self.changed.notify_one();
    }

    /// Why no message will come any more; none as long as some may.
    pub(super) fn ended(&self) -> Option<String> {
        self.state.borrow().ended.clone()
    }

    /// Whether a message that came since then had to make room for later ones.
    pub(super) fn has_forgotten_since(&self, since: Instant) -> bool {
        self.state.borrow().forgotten.is_some_and(|at| at >= since)
    }

    /// The first message that is wanted, as soon as it has come; others stay for other steps. It is for one waiter at a
    /// time.
    ///
    /// # Errors
    /// In words, if none is there and none will come.
    pub(super) async fn next(&self, mut is_wanted: impl FnMut(&Message) -> bool) -> Result<Message, String> {
        // Those that were looked at are not looked at again, unless some have made room.
        loop {
            {
                let mut state = self.state.borrow_mut();
                if let Some(place) = state.messages.iter().position(&mut is_wanted)
                    && let Some(message) = state.messages.remove(place)
                {
                    state.bytes -= message.body.len();
                    return Ok(message);
                }
                if let Some(reason) = &state.ended {
                    return Err(reason.clone());
                }
            }
            self.changed.notified().await;
        }
    }

    /// Ends when no message will come any more.
    pub(super) async fn until_ended(&self) {
        while self.state.borrow().ended.is_none() {
            self.changed.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn any(_: &Message) -> bool {
        true
    }

    #[test]
    fn the_first_wanted_message_is_taken_and_the_others_stay_in_their_order() {
        let inbox = Inbox::default();
        let now = Instant::now();
        for body in ["a", "b", "c"] {
            inbox.arrived(now, body.into());
        }
        let taken = inbox.next(|message| message.body != "a").now_or_never().unwrap().unwrap();
        assert_eq!(taken, Message { at: now, body: "b".into() });
        let rest: Vec<Bytes> =
            (0..2).map(|_| inbox.next(any).now_or_never().unwrap().unwrap().body).collect();
        assert_eq!(rest, ["a", "c"]);
        assert_eq!(inbox.next(any).now_or_never(), None, "there may be more");
    }

    #[test]
    fn whoever_waits_gets_the_message_that_comes_and_the_end_after_all_messages() {
        let inbox = Inbox::default();
        let mut next = Box::pin(inbox.next(any));
        assert_eq!(next.as_mut().now_or_never(), None);
        inbox.arrived(Instant::now(), "late".into());
        assert_eq!(next.as_mut().now_or_never().unwrap().unwrap().body, "late");
        inbox.arrived(Instant::now(), "last".into());
        inbox.end("closed".to_owned());
        inbox.end("a later reason".to_owned());
        assert!(inbox.next(any).now_or_never().unwrap().is_ok());
        assert_eq!(inbox.next(any).now_or_never(), Some(Err("closed".to_owned())));
        assert_eq!(inbox.until_ended().now_or_never(), Some(()));
    }

    #[test]
    fn what_nobody_takes_is_bounded_and_what_had_to_make_room_is_known() {
        let (inbox, start) = (Inbox::default(), Instant::now());
        for _ in 0..=MOST_MESSAGES {
            inbox.arrived(Instant::now(), "x".into());
        }
        assert_eq!(inbox.state.borrow().messages.len(), MOST_MESSAGES);
        assert!(inbox.has_forgotten_since(start) && !inbox.has_forgotten_since(Instant::now()));
        inbox.arrived(Instant::now(), vec![0; MOST_BYTES + 1].into());
        let state = inbox.state.borrow();
        assert_eq!((state.messages.len(), state.bytes), (1, MOST_BYTES + 1));
    }
}
