//! Waking users on time. The runtime's own timer ticks once a millisecond, which is as long as
//! many a request takes; this one wakes within about a tenth of that.
//!
//! One kernel timer per worker serves all its users: it is armed for the earliest deadline, and a
//! wake-up serves everybody who is due; no sleeper ever wakes early. [`Pacing`] says how far wake-ups
//! lie apart, and whether the alarm rings ahead of a deadline and the rest is waited for busily.

#[cfg(not(target_os = "linux"))]
mod ticking;
#[cfg(target_os = "linux")]
mod timerfd;
mod pacing;

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

pub use self::pacing::Pacing;
#[cfg(not(target_os = "linux"))]
use self::ticking::Alarm;
#[cfg(target_os = "linux")]
use self::timerfd::Alarm;

/// Wakes the users of one worker.
#[derive(Clone)]
pub(super) struct Timer {
    queue: Rc<Queue>,
}

struct Queue {
    alarm: Alarm,
    pacing: Pacing,
    sleepers: RefCell<BinaryHeap<Reverse<Sleeper>>>,
    armed: Cell<Option<Instant>>,
    last_wake: Cell<Instant>,
    /// Whether deadlines are looked at all the time: no alarm is needed.
    is_spinning: Cell<bool>,
    /// Time in which nothing was done but looking at them.
    spun: Cell<Duration>,
    /// The latest time that somebody has read from the clock.
    seen: Cell<Instant>,
    cancelled: Cell<bool>,
}

struct Sleeper {
    deadline: Instant,
    waker: Rc<RefCell<Option<Waker>>>,
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.deadline == other.deadline
    }
}

impl Eq for Sleeper {}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.deadline.cmp(&other.deadline)
    }
}

impl Timer {
    /// A timer for the current thread's runtime.
    ///
    /// # Errors
    /// When the system gives no more timers.
    pub(super) fn new(pacing: Pacing) -> std::io::Result<Self> {
        let queue = Queue {
            alarm: Alarm::new()?,
            pacing,
            sleepers: RefCell::new(BinaryHeap::new()),
            armed: Cell::new(None),
            last_wake: Cell::new(Instant::now()),
            is_spinning: Cell::new(false),
            spun: Cell::new(Duration::ZERO),
            seen: Cell::new(Instant::now()),
            cancelled: Cell::new(false),
        };
        Ok(Self { queue: Rc::new(queue) })
    }

    /// Serves the sleepers for as long as it is polled; never ends, unless the alarm fails.
    pub(super) async fn drive(&self) -> std::io::Result<Infallible> {
        loop {
            self.queue.alarm.rings().await?;
            self.queue.armed.set(None);
            match self.queue.pacing {
                Pacing::Sleep => {
                    self.queue.wake_due(Instant::now());
                }
                Pacing::Spin => self.queue.spin().await,
            }
            self.queue.arm()?;
        }
    }

    /// The time so far in which nothing was done but spinning; none if there is no such time.
    pub(super) fn spun(&self) -> Option<Duration> {
        (self.queue.pacing == Pacing::Spin).then(|| self.queue.spun.get())
    }

    /// Sleeps until `deadline`, at once if it has passed. False if the sleep was cut short by
    /// [`Timer::cancel`].
    pub(super) async fn sleep_until(&self, deadline: Instant) -> bool {
        if !self.queue.cancelled.get() && !self.has_passed(deadline) {
            Sleep { queue: &self.queue, deadline, waker: None }.await;
        }
        !self.queue.cancelled.get()
    }

    /// The time.
    pub(super) fn now(&self) -> Instant {
        let now = Instant::now();
        self.queue.seen.set(now);
        now
    }

    /// Whether it is past `deadline`. The clock is only read if nobody has seen that yet: without thinking, every step
    /// is due when the last one has ended, and several ask.
    pub(super) fn has_passed(&self, deadline: Instant) -> bool {
        self.queue.seen.get() >= deadline || self.now() >= deadline
    }

    /// Whether nobody sleeps any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.queue.cancelled.get()
    }

    /// Wakes everybody, now and for ever after.
    pub(super) fn cancel(&self) {
        self.queue.cancelled.set(true);
        for Reverse(sleeper) in self.queue.sleepers.borrow_mut().drain() {
            sleeper.wake();
        }
    }
}

impl Sleeper {
    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl Queue {
    /// Wakes those who are due; whether there were any.
    fn wake_due(&self, now: Instant) -> bool {
        self.last_wake.set(now);
        let mut sleepers = self.sleepers.borrow_mut();
        let mut has_woken = false;
        while sleepers.peek().is_some_and(|Reverse(s)| s.deadline <= now) {
            if let Some(Reverse(sleeper)) = sleepers.pop() {
                sleeper.wake();
                has_woken = true;
            }
        }
        has_woken
    }

    /// Serves the sleepers until none is due soon. Everybody else has a turn between two looks: an answer that
    /// comes meanwhile is read at once.
    async fn spin(&self) {
        self.is_spinning.set(true);
        let mut now = Instant::now();
        // Those who have been woken say by their turn when they are due next.
        while self.wake_due(now) || self.is_due_soon(now) {
            tokio::task::yield_now().await;
            let next = Instant::now();
            self.spun.set(self.spun.get() + pacing::idle(next - now));
            now = next;
        }
        self.is_spinning.set(false);
    }

    fn is_due_soon(&self, now: Instant) -> bool {
        let sleepers = self.sleepers.borrow();
        sleepers.peek().is_some_and(|Reverse(s)| s.deadline.saturating_duration_since(now) <= pacing::AHEAD)
    }

    /// Sets the alarm to the earliest deadline, unless it rings by then anyway.
    fn arm(&self) -> std::io::Result<()> {
        if self.is_spinning.get() {
            return Ok(());
        }
        let Some(earliest) = self.sleepers.borrow().peek().map(|Reverse(s)| s.deadline) else {
            return Ok(());
        };
        let at = self.pacing.alarm(earliest, self.last_wake.get());
        if self.armed.get().is_none_or(|armed| at < armed) {
            self.armed.set(Some(at));
            self.alarm.set(at)?;
        }
        Ok(())
    }
}

struct Sleep<'a> {
    queue: &'a Queue,
    deadline: Instant,
    waker: Option<Rc<RefCell<Option<Waker>>>>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.queue.cancelled.get() || Instant::now() >= self.deadline {
            return Poll::Ready(());
        }
        if let Some(waker) = &self.waker {
            *waker.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        }
        let waker = Rc::new(RefCell::new(Some(context.waker().clone())));
        let sleeper = Sleeper { deadline: self.deadline, waker: Rc::clone(&waker) };
        self.queue.sleepers.borrow_mut().push(Reverse(sleeper));
        self.waker = Some(waker);
        // An alarm that cannot be set would leave the sleeper asleep: wake it right away instead.
        if self.queue.arm().is_err() {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(waker) = &self.waker {
            waker.borrow_mut().take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_worker<F: Future>(pacing: Pacing, test: impl FnOnce(Timer) -> F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let timer = Timer::new(pacing).unwrap();
            let driver = timer.clone();
            tokio::select! {
                result = test(timer) => result,
                _ = driver.drive() => unreachable!("the timer never ends"),
            }
        })
    }

    #[test]
    fn nobody_wakes_early_and_the_median_is_late_by_less_than_the_runtimes_tick() {
        let mut late: Vec<Duration> = on_worker(Pacing::Sleep, |timer| async move {
            let mut late = Vec::new();
            for i in 0..100 {
                let deadline = Instant::now() + Duration::from_micros(300 + 7 * i);
                assert!(timer.sleep_until(deadline).await);
                late.push(Instant::now().checked_duration_since(deadline).expect("woken early"));
            }
            late
        });
        late.sort();
        assert!(late[50] < Duration::from_micros(900), "median lateness {:?}", late[50]);
    }

    #[test]
    fn sleepers_wake_in_the_order_of_their_deadlines() {
        let order = on_worker(Pacing::Sleep, |timer| async move {
            let start = Instant::now();
            let order = RefCell::new(Vec::new());
            let sleep = async |ms: u64| {
                timer.sleep_until(start + Duration::from_millis(ms)).await;
                order.borrow_mut().push(ms);
            };
            futures_util::future::join_all([90, 30, 60].map(sleep)).await;
            order.into_inner()
        });
        assert_eq!(order, [30, 60, 90]);
    }

    #[test]
    fn a_cancelled_timer_lets_nobody_sleep() {
        on_worker(Pacing::Sleep, |timer| async move {
            let later = Instant::now() + Duration::from_secs(60);
            let sleeper = timer.sleep_until(later);
            let canceller = async { timer.cancel() };
            let (completed, ()) = futures_util::future::join(sleeper, canceller).await;
            assert!(!completed);
            assert!(!timer.sleep_until(later).await);
        });
    }

    #[test]
    fn who_spins_wakes_no_earlier_and_others_have_their_turn() {
        on_worker(Pacing::Spin, |timer| async move {
            let turns = Cell::new(0_u32);
            let others = async {
                loop {
                    turns.set(turns.get() + 1);
                    tokio::task::yield_now().await;
                }
            };
            let sleeper = async {
                for i in 0..20 {
                    let deadline = Instant::now() + Duration::from_micros(100 + 50 * i);
                    assert!(timer.sleep_until(deadline).await);
                    assert!(Instant::now() >= deadline, "woken early");
                }
            };
            tokio::select! {
                () = sleeper => {}
                () = others => unreachable!("they never end"),
            }
            assert!(turns.get() > 20, "{} turns", turns.get());
        });
    }
}
