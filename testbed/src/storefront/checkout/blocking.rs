//! Before: workers that call the parties in turn, and are blocked meanwhile.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use tokio::{runtime::Handle, sync::oneshot};

use super::{Shop, event::Happened, register::CheckoutId};

/// A pool of worker threads; they end when it is dropped.
pub(super) struct Workers {
    jobs: mpsc::Sender<Job>,
    blocked: Arc<AtomicU64>,
}

struct Job {
    id: CheckoutId,
    done: oneshot::Sender<()>,
}

impl Workers {
    /// Starts the workers; must be called on the runtime on which the parties do their work.
    pub(super) fn start(count: NonZeroUsize, shop: &Arc<Shop>) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        let blocked = Arc::new(AtomicU64::new(0));
        for number in 1..=count.get() {
            let (shop, waiting) = (Arc::clone(shop), Arc::clone(&waiting));
            let (blocked, runtime) = (Arc::clone(&blocked), Handle::current());
            thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                loop {
                    let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(Job { id, done }) = job else { return };
                    carry_out(&shop, id, &runtime, &blocked);
                    // The one who asked may have gone away.
                    let _ = done.send(());
                }
            })?;
        }
        Ok(Self { jobs, blocked })
    }

    /// Ends when a worker has carried the checkout out.
    pub(super) async fn carry_out(&self, id: CheckoutId) -> Result<(), String> {
        let (done, ended) = oneshot::channel();
        let gone = "the workers are gone".to_owned();
        self.jobs.send(Job { id, done }).map_err(|_| gone.clone())?;
        ended.await.map_err(|_| gone)
    }

    /// Workers that wait for a party now.
    pub(super) fn blocked(&self) -> u64 {
        self.blocked.load(Relaxed)
    }
}

fn carry_out(shop: &Shop, id: CheckoutId, runtime: &Handle, blocked: &AtomicU64) {
    let Some(units) = shop.register.begin(id, Happened::CheckoutStarted) else { return };
    let parties = &shop.parties;
    wait(runtime, blocked, parties.reserve(id, units));
    if wait(runtime, blocked, parties.charge(id)) {
        wait(runtime, blocked, parties.confirm(id));
        shop.register.complete(id);
    } else {
        wait(runtime, blocked, parties.release(id));
        shop.register.compensate(id);
    }
}

/// Blocks the thread until a party has answered.
fn wait<T>(runtime: &Handle, blocked: &AtomicU64, call: impl Future<Output = T>) -> T {
    blocked.fetch_add(1, Relaxed);
    let answer = runtime.block_on(call);
    blocked.fetch_sub(1, Relaxed);
    answer
}
