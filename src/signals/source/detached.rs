//! Work that waits for files or programs: on threads of its own, which nobody waits for at the end of a run.

use std::sync::Arc;

use tokio::sync::oneshot;

/// Readings of one source that may be under way at once: further ones would wait for the same.
const MOST: usize = 4;

/// The threads of one source.
#[derive(Default)]
pub(super) struct Detached(Arc<()>);

impl Detached {
    /// Does something on a thread, which ends by itself, or with the program if what it waits for never comes.
    ///
    /// # Errors
    /// Why it could not be done, if earlier work has not come to an end, or if the system gives no thread.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let under_way = Arc::clone(&self.0);
        if Arc::strong_count(&under_way) > MOST + 1 {
            return Err(format!("the last {MOST} readings have not come to an end"));
        }
        let (send, receive) = oneshot::channel();
        let work = move || {
            let done = work();
            drop(under_way);
            drop(send.send(done));
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(work).map_err(|e| e.to_string())?;
        receive.await.map_err(|_| "its reading broke off".to_owned())?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_never_ends_holds_nothing_up() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let detached = Detached::default();
        let mut ends = Vec::new();
        for _ in 0..MOST {
            let (end, wait) = mpsc::channel::<()>();
            ends.push(end);
            let endless = detached.run(move || wait.recv().map_err(|e| e.to_string()));
            runtime.block_on(async {
                tokio::time::timeout(Duration::from_millis(1), endless).await.unwrap_err()
            });
        }
        assert!(runtime.block_on(detached.run(|| Ok(1))).unwrap_err().contains("not come to an end"));
        // It would wait for its own threads.
        drop(runtime);
        ends.clear();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        while Arc::strong_count(&detached.0) > 1 {
            std::thread::yield_now();
        }
        assert_eq!(runtime.block_on(detached.run(|| Ok(1))), Ok(1));
    }
}
