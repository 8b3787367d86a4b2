//! The runtime's own timer: late by up to a millisecond, which the samples' lateness shows.

use std::cell::Cell;
use std::time::Instant;

use tokio::sync::Notify;

pub(super) struct Alarm {
    at: Cell<Option<Instant>>,
    changed: Notify,
}

impl Alarm {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { at: Cell::new(None), changed: Notify::new() })
    }

    pub(super) fn set(&self, at: Instant) -> std::io::Result<()> {
        self.at.set(Some(at));
        self.changed.notify_one();
        Ok(())
    }

    pub(super) async fn rings(&self) -> std::io::Result<()> {
        loop {
            match self.at.get() {
                None => self.changed.notified().await,
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {
                        self.at.set(None);
                        return Ok(());
                    }
                    () = self.changed.notified() => {}
                },
            }
        }
    }
}
