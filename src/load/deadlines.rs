//! Time limits of requests. Nearly all requests are answered long before theirs, so none sets an alarm: a
//! worker has one, for the earliest limit that there was when it last rang.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::sync::Notify;

/// The limits of one worker's requests.
#[derive(Default)]
pub(super) struct Deadlines {
    limits: RefCell<Limits>,
    /// When the alarm rings: no limit that somebody has is earlier.
    alarm: Cell<Option<Instant>>,
    earlier: Notify,
}

#[derive(Default)]
struct Limits {
    all: Vec<Limit>,
    /// Places of those that nobody has.
    free: Vec<usize>,
}

struct Limit {
    /// None if nobody has it, or it has passed.
    deadline: Option<Instant>,
    /// The previous owner's, which is usually the next one's as well.
    waker: Waker,
}

/// A limit has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Passed;

impl Deadlines {
    /// What work gives that ends before the deadline.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn within<'a, F: Future>(&'a self, deadline: Instant, work: Pin<&'a mut F>) -> Within<'a, F> {
        Within { deadlines: self, deadline, work, place: None }
    }

    /// Serves those who have limits for as long as it is polled; never ends.
    pub(super) async fn drive(&self) {
        loop {
            match self.alarm.get() {
                None => self.earlier.notified().await,
                Some(at) => tokio::select! {
                    () = self.earlier.notified() => {}
                    () = tokio::time::sleep_until(at.into()) => self.ring(Instant::now()),
                },
            }
        }
    }

    /// Tells those whose limit has passed.
    fn ring(&self, now: Instant) {
        let mut earliest: Option<Instant> = None;
        for limit in &mut self.limits.borrow_mut().all {
            match limit.deadline {
                Some(deadline) if deadline <= now => {
                    limit.deadline = None;
                    limit.waker.wake_by_ref();
                }
                Some(deadline) => earliest = Some(earliest.map_or(deadline, |known| known.min(deadline))),
                None => {}
            }
        }
        self.alarm.set(earliest);
    }

    fn enter(&self, deadline: Instant, waker: &Waker) -> usize {
        let mut limits = self.limits.borrow_mut();
        let place = match limits.free.pop() {
            Some(place) => {
                limits.all[place].deadline = Some(deadline);
                limits.all[place].wait(waker);
                place
            }
            None => {
                limits.all.push(Limit { deadline: Some(deadline), waker: waker.clone() });
                limits.all.len() - 1
            }
        };
        if self.alarm.get().is_none_or(|alarm| deadline < alarm) {
            self.alarm.set(Some(deadline));
            self.earlier.notify_one();
        }
        place
    }
}

impl Limit {
    fn wait(&mut self, waker: &Waker) {
        if !self.waker.will_wake(waker) {
            self.waker.clone_from(waker);
        }
    }
}

/// Work with a limit.
pub(super) struct Within<'a, F> {
    deadlines: &'a Deadlines,
    deadline: Instant,
    work: Pin<&'a mut F>,
    /// Its limit's, once it has had to wait.
    place: Option<usize>,
}

impl<F: Future> Future for Within<'_, F> {
    type Output = Result<F::Output, Passed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(output) = self.work.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        match self.place {
            None => self.place = Some(self.deadlines.enter(self.deadline, context.waker())),
            Some(place) => {
                let limit = &mut self.deadlines.limits.borrow_mut().all[place];
                if limit.deadline.is_none() {
                    return Poll::Ready(Err(Passed));
                }
                limit.wait(context.waker());
            }
        }
        Poll::Pending
    }
}

impl<F> Drop for Within<'_, F> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let mut limits = self.deadlines.limits.borrow_mut();
            limits.all[place].deadline = None;
            limits.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn work_that_takes_too_long_is_given_up_and_other_work_is_not() {
        let deadlines = Deadlines::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        // The later limit comes first, and the alarm has to be moved.
        let [mut slow, mut slower] = [(), ()].map(|()| std::future::pending::<()>());
        let mut late = pin!(deadlines.within(at(60), Pin::new(&mut slower)));
        let mut early = pin!(deadlines.within(at(20), Pin::new(&mut slow)));
        assert!(late.as_mut().now_or_never().is_none() && early.as_mut().now_or_never().is_none());
        assert_eq!(deadlines.alarm.get(), Some(at(20)));
        deadlines.ring(at(30));
        assert_eq!(early.now_or_never(), Some(Err(Passed)));
        assert_eq!((late.as_mut().now_or_never(), deadlines.alarm.get()), (None, Some(at(60))));
        deadlines.ring(at(60));
        assert_eq!(late.now_or_never(), Some(Err(Passed)));
    }

    #[tokio::test]
    async fn the_alarm_rings_by_itself() {
        let deadlines = Deadlines::default();
        let limit = Instant::now() + Duration::from_millis(1);
        let work = pin!(std::future::pending::<()>());
        let ended = tokio::select! {
            ended = deadlines.within(limit, work) => ended,
            () = deadlines.drive() => unreachable!("it never ends"),
        };
        assert_eq!((ended, Instant::now() >= limit), (Err(Passed), true));
    }

    #[test]
    fn places_are_used_again_and_a_limit_that_is_gone_rings_for_nobody() {
        let deadlines = Deadlines::default();
        let start = Instant::now();
        for _ in 0..3 {
            let (send, receive) = oneshot::channel();
            let mut receive = pin!(receive);
            let mut work = pin!(deadlines.within(start + Duration::from_secs(1), receive.as_mut()));
            assert!(work.as_mut().now_or_never().is_none());
            send.send(7).unwrap();
            assert_eq!(work.now_or_never(), Some(Ok(Ok(7))));
        }
        assert_eq!(deadlines.limits.borrow().all.len(), 1);
        deadlines.ring(start + Duration::from_secs(2));
        assert_eq!(deadlines.alarm.get(), None);
    }
}
