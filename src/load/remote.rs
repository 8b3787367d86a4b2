//! Load that is made elsewhere: shown, ended and awaited as that of this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{oneshot, watch};

use super::{Gauge, JourneysBegun, LoadError, Running};

/// What is told of the load of one machine elsewhere, to whoever watches it here.
pub struct Remote {
    /// Told when its last user is done.
    users_done: Option<oneshot::Sender<()>>,
    /// Told when it has ended: how many samples it took.
    finished: Option<oneshot::Sender<Result<u64, LoadError>>>,
    gauge: Arc<Gauge>,
    begun: Arc<[AtomicU64]>,
    place: usize,
}

impl Remote {
    /// Shows what it does now: users at work, requests under way, and journeys begun so far.
    pub fn show(&self, users: u32, in_flight: u32, journeys_begun: u64) {
        self.gauge.show(users, in_flight);
        if let Some(begun) = self.begun.get(self.place) {
            begun.store(journeys_begun, Ordering::Relaxed);
        }
    }

    /// Its users are done.
    pub fn users_are_done(&mut self) {
        // Nobody may be waiting for it any more; that is fine.
        let _ = self.users_done.take().map(|told| told.send(()));
    }

    /// It has ended.
    pub fn finish(&mut self, result: Result<u64, LoadError>) {
        self.users_are_done();
        self.gauge.show(0, 0);
        let _ = self.finished.take().map(|told| told.send(result));
    }
}

/// A load that so many machines elsewhere make; what is told of each, and what tells when it is to be ended early.
pub fn running(machines: usize) -> (Running, Vec<Remote>, watch::Receiver<bool>) {
    let (stop, stopped) = watch::channel(false);
    let begun: Arc<[AtomicU64]> = (0..machines).map(|_| AtomicU64::new(0)).collect();
    let mut running = Running {
        stop,
        users_done: Vec::new(),
        finished: Vec::new(),
        gauges: Vec::new(),
        begun: JourneysBegun(Arc::clone(&begun)),
        _renewals: None,
    };
    let mut remotes = Vec::with_capacity(machines);
    for place in 0..machines {
        let ((users_done, told), (finish, finished)) = (oneshot::channel(), oneshot::channel());
        let gauge = Arc::new(Gauge::default());
        running.users_done.push(told);
        running.finished.push(finished);
        running.gauges.push(Arc::clone(&gauge));
        let begun = Arc::clone(&begun);
        remotes.push(Remote { users_done: Some(users_done), finished: Some(finish), gauge, begun, place });
    }
    (running, remotes, stopped)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_load_elsewhere_ends_when_all_of_it_has() {
        let (mut running, mut remotes, stopped) = running(2);
        let mut users_done = Box::pin(running.users_done());
        remotes[0].show(3, 2, 10);
        remotes[1].show(4, 1, 20);
        assert_eq!(running.journeys_begun().count(), 30);
        assert_eq!(running.gauges().iter().map(|gauge| gauge.users()).sum::<u32>(), 7);
        running.stopper().stop();
        assert!(*stopped.borrow());
        let mut finish = Box::pin(running.finish());
        remotes[0].finish(Ok(5));
        assert!(users_done.as_mut().now_or_never().is_none() && finish.as_mut().now_or_never().is_none());
        remotes[1].finish(Ok(6));
        assert!(users_done.now_or_never().is_some());
        assert_eq!(finish.now_or_never().unwrap().unwrap(), 11);
    }
}
