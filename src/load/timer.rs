//! Waking users on time. The runtime's own timer ticks once a millisecond, which is as long as
//! many a request takes; this one wakes within about a tenth of that.
//!
//! One kernel timer per worker serves all its users: it is armed for the earliest deadline, and a
//! wake-up serves everybody who is due. Wake-ups lie at least [`COALESCE`] apart, so that a high
//! rate of deadlines does not turn into as many system calls; no sleeper ever wakes early.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Least time between two wake-ups: what a sleeper may be late by on an idle machine.
const COALESCE: Duration = Duration::from_micros(100);

/// Wakes the users of one worker.
#[derive(Clone)]
pub(super) struct Timer {
    queue: Rc<Queue>,
}

struct Queue {
    alarm: alarm::Alarm,
    sleepers: RefCell<BinaryHeap<Reverse<Sleeper>>>,
    armed: Cell<Option<Instant>>,
    last_wake: Cell<Instant>,
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
    pub(super) fn new() -> std::io::Result<Self> {
        let queue = Queue {
            alarm: alarm::Alarm::new()?,
            sleepers: RefCell::new(BinaryHeap::new()),
            armed: Cell::new(None),
            last_wake: Cell::new(Instant::now()),
            seen: Cell::new(Instant::now()),
            cancelled: Cell::new(false),
        };
        Ok(Self { queue: Rc::new(queue) })
    }

    /// Serves the sleepers for as long as it is polled; never ends.
    pub(super) async fn drive(&self) -> std::io::Result<()> {
        loop {
            self.queue.alarm.rings().await?;
            self.queue.armed.set(None);
            self.queue.wake_due(Instant::now());
            self.queue.arm()?;
        }
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
    fn wake_due(&self, now: Instant) {
        self.last_wake.set(now);
        let mut sleepers = self.sleepers.borrow_mut();
        while sleepers.peek().is_some_and(|Reverse(s)| s.deadline <= now) {
            if let Some(Reverse(sleeper)) = sleepers.pop() {
                sleeper.wake();
            }
        }
    }

    /// Sets the alarm to the earliest deadline, unless it rings by then anyway.
    fn arm(&self) -> std::io::Result<()> {
        let Some(earliest) = self.sleepers.borrow().peek().map(|Reverse(s)| s.deadline) else {
            return Ok(());
        };
        if let Some(at) = next_alarm(earliest, self.last_wake.get(), self.armed.get()) {
            self.armed.set(Some(at));
            self.alarm.set(at)?;
        }
        Ok(())
    }
}

/// When the alarm is to ring for the earliest deadline; none if it rings no later than that anyway.
fn next_alarm(earliest: Instant, last_wake: Instant, armed: Option<Instant>) -> Option<Instant> {
    let at = earliest.max(last_wake + COALESCE);
    armed.is_none_or(|armed| at < armed).then_some(at)
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

#[cfg(target_os = "linux")]
mod alarm {
    //! A timerfd: the kernel's high-resolution timer as a file that the runtime can wait for.

    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    pub(super) struct Alarm {
        fd: AsyncFd<OwnedFd>,
    }

    impl Alarm {
        #[expect(
            deprecated,
            reason = "its successor is unsafe; an `OwnedFd` keeps the promise that it asks for"
        )]
        pub(super) fn new() -> std::io::Result<Self> {
            let fd =
                timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            Ok(Self { fd: AsyncFd::with_interest(fd, Interest::READABLE)? })
        }

        /// Lets it ring at an instant, or as soon as possible after it.
        pub(super) fn set(&self, at: Instant) -> std::io::Result<()> {
            // Zero would disarm it.
            let left = at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
            let value = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            Ok(())
        }

        pub(super) async fn rings(&self) -> std::io::Result<()> {
            loop {
                let mut guard = self.fd.readable().await?;
                let mut expirations = [0; 8];
                match guard.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?)) {
                    Ok(read) => return read.map(|_| ()),
                    Err(_would_block) => {}
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod alarm {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_worker<F: Future>(test: impl FnOnce(Timer) -> F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let timer = Timer::new().unwrap();
            let driver = timer.clone();
            tokio::select! {
                result = test(timer) => result,
                _ = driver.drive() => unreachable!("the timer never ends"),
            }
        })
    }

    #[test]
    fn nobody_wakes_early_and_the_median_is_late_by_less_than_the_runtimes_tick() {
        let mut late: Vec<Duration> = on_worker(|timer| async move {
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
        let order = on_worker(|timer| async move {
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
        on_worker(|timer| async move {
            let later = Instant::now() + Duration::from_secs(60);
            let sleeper = timer.sleep_until(later);
            let canceller = async { timer.cancel() };
            let (completed, ()) = futures_util::future::join(sleeper, canceller).await;
            assert!(!completed);
            assert!(!timer.sleep_until(later).await);
        });
    }

    #[test]
    fn wake_ups_lie_apart_and_the_alarm_is_set_no_oftener_than_it_must_be() {
        let woken = Instant::now();
        let after = |us| woken + Duration::from_micros(us);
        assert_eq!(next_alarm(after(500), woken, None), Some(after(500)));
        assert_eq!(next_alarm(after(20), woken, None), Some(after(100)), "the next wake-up serves it");
        assert_eq!(next_alarm(after(20), woken, Some(after(100))), None);
        assert_eq!(next_alarm(after(60), woken, Some(after(100))), None, "both are due by then");
        assert_eq!(next_alarm(after(300), woken, Some(after(500))), Some(after(300)));
        assert_eq!(next_alarm(after(600), woken, Some(after(500))), None);
    }
}
