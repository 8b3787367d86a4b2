//! Work that goes on beside the users of a worker.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::Notify;

/// The background tasks of one worker.
#[derive(Default)]
pub(super) struct Background {
    count: Rc<Count>,
}

#[derive(Default)]
struct Count {
    under_way: Cell<usize>,
    ended: Notify,
}

impl Background {
    /// Lets work go on beside the users; needs a runtime, or a `LocalSet`, of the current thread.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.count.under_way.set(self.count.under_way.get() + 1);
        let count = Rc::clone(&self.count);
        tokio::task::spawn_local(async move {
            work.await;
            count.under_way.set(count.under_way.get() - 1);
            count.ended.notify_one();
        });
    }

    /// Ends when nothing goes on any more.
    pub(super) async fn done(&self) {
        while self.count.under_way.get() > 0 {
            self.count.ended.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::task::{LocalSet, yield_now};

    use super::*;

    #[test]
    fn it_is_done_when_the_last_work_has_ended() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let background = Background::default();
            assert_eq!(background.done().now_or_never(), Some(()), "nothing was begun");
            let (first, last) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
            for end in [&first, &last] {
                let end = Rc::clone(end);
                background.spawn(async move { end.notified().await });
            }
            let mut done = std::pin::pin!(background.done());
            first.notify_one();
            yield_now().await;
            assert_eq!(done.as_mut().now_or_never(), None, "the last one goes on");
            last.notify_one();
            yield_now().await;
            assert_eq!(done.as_mut().now_or_never(), Some(()));
        });
    }
}
