//! A worker: one thread, one runtime, its share of the users. Nothing on the way of a request is
//! shared with other workers.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot, watch};
use tokio::task::LocalSet;

use super::clock::Clock;
use super::exchange::Connections;
use super::executor;
use super::prepared::Requests;
use super::recorder::{Recorder, Sink};
use super::seed;
use super::timer::Timer;
use super::{LoadError, LoadRun};
use crate::sample::Phase;
use crate::scenario::Scenario;
use crate::scenario::load::Load;

/// How often samples leave a worker when they come slowly.
const FLUSH: Duration = Duration::from_millis(100);

/// When the parts of a load begin and end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) start: Instant,
    ramp_end: Instant,
    /// Unknown for a load that ends when its journeys are done.
    pub(super) end: Option<Instant>,
}

impl Schedule {
    pub(super) fn new(load: &Load, start: Instant) -> Self {
        Self { start, ramp_end: start + load.ramp(), end: load.run_time().map(|time| start + time) }
    }

    /// The part of the run in which something is due.
    pub(super) fn phase(&self, due: Instant) -> Phase {
        if due < self.ramp_end {
            Phase::Ramp
        } else if self.end.is_none_or(|end| due < end) {
            Phase::Steady
        } else {
            Phase::Drain
        }
    }

    /// Whether the load is over at an instant.
    pub(super) fn is_over(&self, at: Instant) -> bool {
        self.end.is_some_and(|end| at >= end)
    }
}

/// What a worker shows of itself while it works.
#[derive(Debug, Default)]
pub struct Gauge {
    users: AtomicU32,
    in_flight: AtomicU32,
}

impl Gauge {
    /// Users at work now.
    pub fn users(&self) -> u32 {
        self.users.load(Ordering::Relaxed)
    }

    /// Requests under way now.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn user_started(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn user_ended(&self) {
        self.users.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn request_started(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn request_ended(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Everything that the users of one worker share.
pub(super) struct Worker {
    pub(super) number: u32,
    /// How many workers there are.
    pub(super) workers: u32,
    pub(super) scenario: Arc<Scenario>,
    pub(super) load: Load,
    pub(super) requests: Arc<Requests>,
    pub(super) clock: Clock,
    pub(super) schedule: Schedule,
    pub(super) seed: u64,
    pub(super) timer: Timer,
    pub(super) recorder: Recorder,
    pub(super) gauge: Arc<Gauge>,
    /// Journeys that a shared load has given out, over all workers.
    pub(super) given_out: Arc<AtomicU64>,
    /// Connections of polls that go on in the background.
    pub(super) probes: Connections,
    journeys: Cell<u32>,
    background: Cell<usize>,
    background_done: Notify,
}

/// What a worker's thread is started with.
pub(super) struct Assignment {
    pub(super) number: u16,
    pub(super) workers: u16,
    pub(super) run: LoadRun,
    pub(super) requests: Arc<Requests>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) given_out: Arc<AtomicU64>,
    pub(super) sink: Sink,
    pub(super) stop: watch::Receiver<bool>,
    /// Told when the last user is done; polls may still go on.
    pub(super) users_done: oneshot::Sender<()>,
}

impl Worker {
    /// A number for the next journey, different for each in the run.
    pub(super) fn next_journey(&self) -> u32 {
        let number = self.journeys.get();
        self.journeys.set(number + 1);
        number.wrapping_mul(self.workers).wrapping_add(self.number)
    }

    /// A seed for the journey instance at a place in the run.
    pub(super) fn seed<const N: usize>(&self, place: [u64; N]) -> u64 {
        seed::mix(seed::mix(0, &[self.seed]), &place)
    }

    /// Waits until something is due; false if that lies past the load's end, or the run was
    /// stopped. What was due before the end still counts as due after it.
    pub(super) async fn wait_until(&self, due: Instant) -> bool {
        let until = self.schedule.end.map_or(due, |end| due.min(end));
        self.timer.sleep_until(until).await && !self.schedule.is_over(due)
    }

    /// Lets work go on beside the users; the worker ends only when it has ended.
    pub(super) fn in_background(self: &Rc<Self>, work: impl Future<Output = ()> + 'static) {
        self.background.set(self.background.get() + 1);
        let worker = Rc::clone(self);
        tokio::task::spawn_local(async move {
            work.await;
            worker.background.set(worker.background.get() - 1);
            worker.background_done.notify_one();
        });
    }

    async fn background_done(&self) {
        while self.background.get() > 0 {
            self.background_done.notified().await;
        }
    }
}

/// Does a worker's work on the current thread; returns how many samples it took.
pub(super) fn work(assignment: Assignment) -> Result<u64, LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.map_err(LoadError::Runtime)?;
    let local = LocalSet::new();
    let worker = local.block_on(&runtime, async move {
        let (worker, stop, users_done) = take_up(assignment)?;
        tokio::select! {
            () = serve(&worker, stop, users_done) => Ok(()),
            Err(error) = worker.timer.drive() => Err(LoadError::Runtime(error)),
            () = flush_regularly(&worker) => Ok(()),
        }?;
        Ok::<_, LoadError>(worker)
    })?;
    // Users that were cut off record what they were waiting for as they are dropped.
    drop(local);
    worker.recorder.flush();
    Ok(worker.recorder.taken())
}

type TakenUp = (Rc<Worker>, watch::Receiver<bool>, oneshot::Sender<()>);

fn take_up(assignment: Assignment) -> Result<TakenUp, LoadError> {
    let Assignment { number, workers, run, requests, gauge, given_out, sink, stop, users_done } = assignment;
    let worker = Worker {
        number: number.into(),
        workers: workers.into(),
        schedule: Schedule::new(&run.load, run.clock.zero()),
        scenario: run.scenario,
        load: run.load,
        requests,
        clock: run.clock,
        seed: run.seed,
        timer: Timer::new().map_err(LoadError::Runtime)?,
        recorder: Recorder::new(number, sink),
        gauge,
        given_out,
        probes: Connections::default(),
        journeys: Cell::new(0),
        background: Cell::new(0),
        background_done: Notify::new(),
    };
    Ok((Rc::new(worker), stop, users_done))
}

/// Runs the users, then what goes on in the background; a stop or the end of the load's grace
/// cuts off what is left.
async fn serve(worker: &Rc<Worker>, mut stop: watch::Receiver<bool>, users_done: oneshot::Sender<()>) {
    let grace = worker.load.grace;
    let stopped = async {
        // A sender that is gone will not stop anything any more.
        if stop.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
        worker.timer.cancel();
    };
    let over = async {
        match worker.schedule.end {
            Some(end) => tokio::time::sleep_until((end + grace).into()).await,
            None => std::future::pending().await,
        }
    };
    let everything = async {
        tokio::select! {
            () = executor::run(worker) => {}
            () = over => {}
        }
        // Nobody may be waiting for it any more; that is fine.
        let _ = users_done.send(());
        worker.background_done().await;
    };
    tokio::pin!(everything);
    tokio::select! {
        () = &mut everything => {}
        () = stopped => {
            let _ = tokio::time::timeout(grace, everything).await;
        }
    }
}

async fn flush_regularly(worker: &Worker) {
    loop {
        tokio::time::sleep(FLUSH).await;
        worker.recorder.flush();
    }
}
