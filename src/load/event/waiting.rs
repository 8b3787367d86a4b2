//! Events that have come and those who wait for them, of one subscription of one worker.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use minijinja::value::{Serde, Value};
use tokio::sync::oneshot;

use super::away::Away;

/// Events that nobody has waited for yet and that are still known; older ones are forgotten.
const KEPT: usize = 65_536;

/// An event that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// When it was read.
    pub(super) at: Instant,
    pub(super) body: Bytes,
}

/// The events of a subscription, by the values at its pointers.
pub(super) struct Waiting {
    pointers: Vec<String>,
    inner: RefCell<Inner>,
    /// When its connection was lost.
    pub(super) away: Away,
}

#[derive(Default)]
struct Inner {
    /// Those that came before anybody waited for them.
    early: HashMap<Vec<String>, VecDeque<Event>>,
    /// Their values in the order in which they came.
    order: VecDeque<Vec<String>>,
    waiters: HashMap<Vec<String>, VecDeque<oneshot::Sender<Result<Event, String>>>>,
    /// Why no event will come any more.
    broken: Option<String>,
}

impl Waiting {
    pub(super) fn new(pointers: Vec<String>) -> Self {
        Self { pointers, inner: RefCell::default(), away: Away::default() }
    }

    /// Takes an event in; one that has no values at the pointers is none of this subscription's.
    pub(super) fn arrived(&self, at: Instant, body: Bytes) {
        let Ok(json) = serde_json::from_slice::<serde_json::Value>(&body) else { return };
        let values: Option<Vec<String>> =
            self.pointers.iter().map(|p| json.pointer(p).map(text_of)).collect();
        let Some(values) = values else { return };
        let mut inner = self.inner.borrow_mut();
        let mut event = Event { at, body };
        if let Some(waiters) = inner.waiters.get_mut(&values) {
            while let Some(waiter) = waiters.pop_front() {
                match waiter.send(Ok(event)) {
                    Ok(()) => return,
                    // That one has given up; the next may still wait.
                    Err(given_back) => match given_back {
                        Ok(back) => event = back,
                        Err(_) => return,
                    },
                }
            }
            inner.waiters.remove(&values);
        }
        inner.order.push_back(values.clone());
        inner.early.entry(values).or_default().push_back(event);
        if inner.order.len() > KEPT {
            inner.forget_oldest();
        }
    }

    /// Says that no event will come any more.
    pub(super) fn broke(&self, reason: &str) {
        let mut inner = self.inner.borrow_mut();
        inner.broken = Some(reason.to_owned());
        for waiter in inner.waiters.drain().flat_map(|(_, waiters)| waiters) {
            // Who has given up does not care.
            let _ = waiter.send(Err(reason.to_owned()));
        }
    }

    /// The next event with these values at the pointers, one that came early first. Each event is for
    /// one who waits.
    pub(super) async fn next(&self, values: &[String]) -> Result<Event, String> {
        let receiver = {
            let mut inner = self.inner.borrow_mut();
            if let Some(event) = inner.take_early(values) {
                return Ok(event);
            }
            if let Some(reason) = &inner.broken {
                return Err(reason.clone());
            }
            let (sender, receiver) = oneshot::channel();
            inner.waiters.entry(values.to_vec()).or_default().push_back(sender);
            receiver
        };
        receiver.await.unwrap_or_else(|_| Err("the subscription has ended".to_owned()))
    }
}

impl Inner {
    fn take_early(&mut self, values: &[String]) -> Option<Event> {
        let events = self.early.get_mut(values)?;
        let event = events.pop_front();
        if events.is_empty() {
            self.early.remove(values);
        }
        event
    }

    /// The order keeps values whose events were taken; those are passed over.
    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.take_early(&oldest);
        }
    }
}

/// A JSON value as the text by which events are told apart.
pub(in crate::load) fn text_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => Value::from(Serde(other.clone())).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::{KEPT, Waiting};

    fn waiting() -> Waiting {
        Waiting::new(vec!["/id".to_owned(), "/state".to_owned()])
    }

    fn body(id: usize, state: &str) -> Bytes {
        format!(r#"{{"id": {id}, "state": "{state}"}}"#).into()
    }

    fn values(id: usize, state: &str) -> Vec<String> {
        vec![id.to_string(), state.to_owned()]
    }

    #[test]
    fn an_early_event_is_kept_and_given_once() {
        let waiting = waiting();
        waiting.arrived(Instant::now(), body(1, "done"));
        assert_eq!(waiting.next(&values(1, "open")).now_or_never(), None);
        let event = waiting.next(&values(1, "done")).now_or_never().unwrap().unwrap();
        assert_eq!(event.body, body(1, "done"));
        assert_eq!(waiting.next(&values(1, "done")).now_or_never(), None);
    }

    #[test]
    fn a_late_event_finds_who_waits_and_passes_over_who_has_given_up() {
        let waiting = waiting();
        let wanted = values(7, "done");
        drop(Box::pin(waiting.next(&wanted)).as_mut().now_or_never());
        let mut second = Box::pin(waiting.next(&wanted));
        assert_eq!(second.as_mut().now_or_never(), None);
        waiting.arrived(Instant::now(), Bytes::from_static(b"no JSON"));
        waiting.arrived(Instant::now(), body(7, "done"));
        assert!(second.now_or_never().unwrap().is_ok());
    }

    #[test]
    fn a_broken_subscription_tells_everybody() {
        let waiting = waiting();
        let wanted = values(1, "done");
        let mut first = Box::pin(waiting.next(&wanted));
        assert_eq!(first.as_mut().now_or_never(), None);
        waiting.broke("gone");
        assert_eq!(first.now_or_never(), Some(Err("gone".to_owned())));
        assert_eq!(waiting.next(&wanted).now_or_never(), Some(Err("gone".to_owned())));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let waiting = waiting();
        for id in 0..=KEPT {
            waiting.arrived(Instant::now(), body(id, "done"));
        }
        assert_eq!(waiting.next(&values(0, "done")).now_or_never(), None);
        assert!(waiting.next(&values(1, "done")).now_or_never().unwrap().is_ok());
    }

    #[test]
    fn values_of_other_types_are_told_apart_by_the_text_that_a_template_makes_of_them() {
        let waiting = waiting();
        for body in [r#"{"id": "7", "state": true}"#, r#"{"id": 1.5, "state": null}"#] {
            waiting.arrived(Instant::now(), Bytes::from_static(body.as_bytes()));
        }
        assert!(waiting.next(&values(7, "True")).now_or_never().unwrap().is_ok());
        let wanted = ["1.5".to_owned(), "None".to_owned()];
        assert!(waiting.next(&wanted).now_or_never().unwrap().is_ok());
    }

    #[test]
    fn an_event_without_a_value_at_each_pointer_is_not_kept() {
        let waiting = waiting();
        waiting.arrived(Instant::now(), Bytes::from_static(br#"{"id": 1}"#));
        assert!(waiting.inner.borrow().order.is_empty());
        waiting.arrived(Instant::now(), body(1, "done"));
        assert_eq!(waiting.inner.borrow().order.len(), 1);
    }
}
