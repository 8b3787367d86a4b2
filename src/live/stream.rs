//! The feed as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::watch;

use super::feed::{Feed, Frame, Viewer};

/// How often a comment shows that the connection is alive.
const ALIVE: Duration = Duration::from_secs(15);

/// Follows a feed from the event after `after` until `closing` becomes true. A viewer that was away for too long is
/// told to `reset`: to look at the whole again.
pub(super) fn events(
    feed: &Arc<Feed>,
    after: Option<u64>,
    closing: watch::Receiver<bool>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let mut viewer = feed.follow(after);
    let missed = viewer.missed.take();
    let following =
        Following { is_reset: missed.is_none(), missed: missed.unwrap_or_default(), viewer, closing };
    let events = stream::unfold(following, |mut following| async move {
        let event = following.next().await?;
        Some((Ok(event), following))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}

struct Following {
    is_reset: bool,
    missed: VecDeque<Arc<Frame>>,
    viewer: Viewer,
    closing: watch::Receiver<bool>,
}

impl Following {
    /// The next event; none when the server closes, or the viewer is too far behind: it comes again, and says
    /// where it was.
    async fn next(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.is_reset) {
            return Some(Event::default().event("reset").data("{}"));
        }
        if let Some(frame) = self.missed.pop_front() {
            return Some(event(&frame));
        }
        tokio::select! {
            biased;
            told = self.viewer.receiver.recv() => told.ok().map(|frame| event(&frame)),
            _ = self.closing.wait_for(|closing| *closing) => None,
        }
    }
}

fn event(frame: &Frame) -> Event {
    Event::default().id(frame.id.to_string()).event(frame.name).data(&frame.data)
}
