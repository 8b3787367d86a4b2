//! A delay that is precise to some ten microseconds.
//!
//! Tokio's timer ticks once a millisecond, which is the whole of a short service time. Here one
//! thread holds a heap of waits, sleeps until the earliest is due, and completes it.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use tokio::sync::oneshot;

/// The thread that completes waits; dropping it completes all of them.
pub(crate) struct Timer {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waits: BinaryHeap<Reverse<Wait>>,
    stopped: bool,
}

struct Wait {
    due: Instant,
    done: oneshot::Sender<()>,
}

impl Timer {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Timer> {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() });
        let thread = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("timer".to_owned()).spawn(move || complete_waits(&shared))?
        };
        Ok(Timer { shared, thread: Some(thread) })
    }

    /// Returns at `due`, or at once when that has passed.
    pub(crate) async fn until(&self, due: Instant) {
        let (done, completed) = oneshot::channel();
        {
            let mut queue = self.shared.lock();
            let earliest = queue.waits.peek().is_none_or(|wait| due < wait.0.due);
            queue.waits.push(Reverse(Wait { due, done }));
            // Later waits are seen when the thread wakes for the earliest; only that one counts.
            if earliest {
                self.shared.changed.notify_one();
            }
        }
        // An error means that the timer has stopped, and with it the server.
        let _ = completed.await;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn complete_waits(shared: &Shared) {
    sleep_without_slack();
    let mut queue = shared.lock();
    while !queue.stopped {
        let now = Instant::now();
        while let Some(Reverse(wait)) = queue.waits.pop_if_due(now) {
            // Whoever waited may be gone: its client closed the connection.
            let _ = wait.done.send(());
        }
        queue = match queue.waits.peek() {
            None => shared.changed.wait(queue),
            Some(Reverse(next)) => {
                let left = next.due.saturating_duration_since(Instant::now());
                shared
                    .changed
                    .wait_timeout(queue, left)
                    .map(|(queue, _)| queue)
                    .map_err(|poisoned| PoisonError::new(poisoned.into_inner().0))
            }
        }
        .unwrap_or_else(PoisonError::into_inner);
    }
    queue.waits.clear();
}

trait PopIfDue {
    fn pop_if_due(&mut self, now: Instant) -> Option<Reverse<Wait>>;
}

impl PopIfDue for BinaryHeap<Reverse<Wait>> {
    fn pop_if_due(&mut self, now: Instant) -> Option<Reverse<Wait>> {
        if self.peek()?.0.due <= now { self.pop() } else { None }
    }
}

/// Linux lets a thread oversleep by 50 µs to save power, unless told otherwise.
fn sleep_without_slack() {
    #[cfg(target_os = "linux")]
    {
        // Where it is refused, waits are late by those 50 µs.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
}

impl PartialEq for Wait {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Wait {}

impl PartialOrd for Wait {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Wait {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Timer;

    #[tokio::test]
    async fn waits_end_less_than_a_millisecond_late_at_the_median() {
        let timer = Timer::start().unwrap();
        let mut late = Vec::new();
        for _ in 0..200 {
            let due = Instant::now() + Duration::from_millis(1);
            timer.until(due).await;
            assert!(Instant::now() >= due, "a wait ended early");
            late.push(due.elapsed());
        }
        late.sort();
        assert!(late[100] < Duration::from_millis(1), "median {:?}", late[100]);
    }

    #[tokio::test]
    async fn waits_end_in_the_order_in_which_they_are_due() {
        let timer = Timer::start().unwrap();
        let start = Instant::now();
        let short = async {
            timer.until(start + Duration::from_millis(20)).await;
            start.elapsed()
        };
        let long = async {
            timer.until(start + Duration::from_millis(60)).await;
            start.elapsed()
        };
        let (long, short) = tokio::join!(long, short);
        assert!(short >= Duration::from_millis(20), "{short:?}");
        assert!(long >= Duration::from_millis(60), "{long:?}");
        assert!(short < long);
    }

    #[tokio::test]
    async fn a_wait_for_the_past_ends_at_once() {
        let timer = Timer::start().unwrap();
        timer.until(Instant::now()).await;
    }
}
