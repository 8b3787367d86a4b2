//! The feed that viewers follow: what is known now, and what was told in the last ten minutes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::{broadcast, watch};

use super::event::Event;
use super::state::{Stage, State};

/// How far back a viewer that was away can go on.
const KEPT: Duration = Duration::from_secs(600);
/// Events that a viewer may lag behind; one that is further back is dropped, and has to come again.
const LAG: usize = 256;

/// An event as it goes to viewers.
#[derive(Debug)]
pub struct Frame {
    /// Its number, from 1.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
    /// Its JSON.
    pub data: String,
    at: Instant,
}

/// What is told, to whoever follows.
pub struct Feed {
    told: Mutex<Told>,
    sender: broadcast::Sender<Arc<Frame>>,
    viewers: watch::Sender<usize>,
}

#[derive(Default)]
struct Told {
    state: State,
    ring: VecDeque<Arc<Frame>>,
    last_id: u64,
}

/// Somebody who follows.
pub struct Viewer {
    /// What was told since it last listened; none if that is too long ago, or lies ahead.
    pub missed: Option<VecDeque<Arc<Frame>>>,
    /// What is told from now on.
    pub receiver: broadcast::Receiver<Arc<Frame>>,
    feed: Arc<Feed>,
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.feed.viewers.send_modify(|viewers| *viewers -= 1);
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self { told: Mutex::default(), sender: broadcast::channel(LAG).0, viewers: watch::channel(0).0 }
    }
}

impl Feed {
    /// Tells all viewers; nobody is waited for.
    pub fn tell(&self, event: &Event) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).tell(event, &self.sender);
    }

    /// A new command begins. None if one is under way.
    pub fn begin_anew(&self) -> Option<()> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        (told.state.stage != Stage::Running).then(|| told.state.reset())
    }

    /// Whether a command is under way.
    pub fn is_running(&self) -> bool {
        self.read(|state| state.stage == Stage::Running)
    }

    /// Looks at what is known now.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.told.lock().unwrap_or_else(PoisonError::into_inner).state)
    }

    /// What is known now as JSON, with the number of the event up to which it is.
    pub fn snapshot(&self) -> String {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        json!({ "schema": "loadproof.live/2", "last_id": told.last_id, "state": &told.state }).to_string()
    }

    /// Follows from the event after `after`; from now on if it is not given.
    pub fn follow(self: &Arc<Self>, after: Option<u64>) -> Viewer {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        self.viewers.send_modify(|viewers| *viewers += 1);
        Viewer {
            missed: told.after(after.unwrap_or(told.last_id)),
            // Under the same lock: nothing is told twice, and nothing is left out.
            receiver: self.sender.subscribe(),
            feed: Arc::clone(self),
        }
    }

    /// Ends when nobody follows.
    pub async fn no_viewers(&self) {
        // The sender lives as long as this does.
        let _ = self.viewers.subscribe().wait_for(|viewers| *viewers == 0).await;
    }
}

impl Told {
    fn tell(&mut self, event: &Event, sender: &broadcast::Sender<Arc<Frame>>) {
        self.state.take(event);
        self.last_id += 1;
        let (name, data, at) = (event.name(), event.json(), Instant::now());
        let frame = Arc::new(Frame { id: self.last_id, name, data, at });
        while self.ring.front().is_some_and(|first| at - first.at > KEPT) {
            self.ring.pop_front();
        }
        self.ring.push_back(Arc::clone(&frame));
        // That nobody listens is fine.
        let _ = sender.send(frame);
    }

    fn after(&self, after: u64) -> Option<VecDeque<Arc<Frame>>> {
        let oldest = self.ring.front().map_or(self.last_id + 1, |frame| frame.id);
        (oldest <= after + 1 && after <= self.last_id)
            .then(|| self.ring.iter().filter(|frame| frame.id > after).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Note;
    use super::*;

    fn told(feed: &Feed, count: u64) {
        for _ in 0..count {
            feed.tell(&Event::Note(Note::now("so it is")));
        }
    }

    fn missed(feed: &Arc<Feed>, after: Option<u64>) -> Option<Vec<u64>> {
        Some(feed.follow(after).missed.take()?.iter().map(|frame| frame.id).collect())
    }

    #[test]
    fn who_was_away_is_told_what_it_has_missed() {
        let feed = Arc::new(Feed::default());
        told(&feed, 5);
        assert_eq!(missed(&feed, Some(3)), Some(vec![4, 5]));
        assert_eq!(missed(&feed, Some(5)), Some(vec![]));
        assert_eq!(missed(&feed, None), Some(vec![]));
        // Numbers of another feed, before this one was.
        assert_eq!(missed(&feed, Some(9)), None);
    }

    #[test]
    fn what_is_too_old_is_forgotten() {
        let feed = Arc::new(Feed::default());
        told(&feed, 3);
        let mut told = feed.told.lock().unwrap();
        let long_ago = Instant::now().checked_sub(KEPT * 2).unwrap();
        let frame = |id| Arc::new(Frame { id, name: "note", data: String::new(), at: long_ago });
        told.ring = [frame(1), frame(2), frame(3)].into();
        told.tell(&Event::Note(Note::now("now")), &feed.sender);
        drop(told);
        assert_eq!(missed(&feed, Some(1)), None);
        assert_eq!(missed(&feed, Some(3)), Some(vec![4]));
    }

    #[test]
    fn a_slow_viewer_is_dropped_and_nobody_waits_for_it() {
        let feed = Arc::new(Feed::default());
        let mut viewer = feed.follow(None);
        told(&feed, LAG as u64 * 2);
        let lagged = viewer.receiver.try_recv();
        assert!(matches!(lagged, Err(broadcast::error::TryRecvError::Lagged(_))), "{lagged:?}");
    }
}
