//! A worker's thread: one runtime and a share of the users, from the first request to the last
//! sample.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{oneshot, watch};

use super::abroad::Abroad;
use super::background::Background;
use super::connections::Connections;
use super::deadlines::Deadlines;
use super::event::brokers::Brokers;
use super::executor;
use super::gauge::Gauge;
use super::own::Own;
use super::prepared::Requests;
use super::priority;
use super::recording::Recording;
use super::schedule::Schedule;
use super::seeds::Seeds;
use super::share::Share;
use super::shared::Shared;
use super::timer::Timer;
use super::witness::Witness;
use super::worker::Worker;
use super::{LoadError, LoadRun};
use crate::sample::{Recorder, Sink};

/// How often samples leave a worker when they come slowly.
const FLUSH: Duration = Duration::from_millis(100);

/// How long requests under way may take when the load is stopped: who stops it wants to see the end of it.
const STOP_GRACE: Duration = Duration::from_millis(500);

/// What a worker's thread is started with.
pub(super) struct Assignment {
    pub(super) number: u16,
    pub(super) workers: u16,
    /// Which of the load all workers of this machine make.
    pub(super) share: Share,
    pub(super) run: LoadRun,
    pub(super) requests: Arc<Requests>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) given_out: Arc<[AtomicU64]>,
    pub(super) shared: Arc<Shared>,
    pub(super) sink: Sink,
    pub(super) stop: watch::Receiver<bool>,
    /// Told when the last user is done; polls may still go on.
    pub(super) users_done: oneshot::Sender<()>,
}

/// Does a worker's work on the current thread; returns how many samples it took.
pub(super) fn work(assignment: Assignment) -> Result<u64, LoadError> {
    priority::take(assignment.number, assignment.workers);
    let runtime =
        Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default());
    let runtime = runtime.map_err(LoadError::Runtime)?;
    let worker = runtime.block_on(async move {
        let (worker, stop, users_done) = take_up(assignment).await?;
        // Tasks of their own: an alarm that rings wakes one of them, and not all that the worker does.
        let (timer, timed) = (worker.timer.clone(), Rc::clone(&worker));
        let alarm = tokio::task::spawn_local(async move { timer.drive().await });
        tokio::task::spawn_local(async move { timed.deadlines.drive().await });
        tokio::select! {
            () = serve(&worker, stop, users_done) => Ok(()),
            Ok(Err(error)) = alarm => Err(LoadError::Runtime(error)),
            () = flush_regularly(&worker) => Ok(()),
        }?;
        Ok::<_, LoadError>(worker)
    })?;
    // Users that were cut off record what they were waiting for as they are dropped.
    drop(runtime);
    worker.flush();
    Ok(worker.recording.recorder.taken())
}

type TakenUp = (Rc<Worker>, watch::Receiver<bool>, oneshot::Sender<()>);

async fn take_up(assignment: Assignment) -> Result<TakenUp, LoadError> {
    let Assignment { number, share, run, requests, gauge, given_out, shared, sink, stop, users_done, .. } =
        assignment;
    let recording = Recording {
        clock: run.clock,
        schedule: Schedule::new(run.load.timeline(), run.clock.zero()),
        recorder: Recorder::new(number, sink),
        gauge,
        witness: Witness::new(run.kept, Arc::clone(&run.scenario.redactor)),
        own: Own::new(run.own, run.clock, number),
    };
    let worker = Worker {
        part: share.part(number),
        share,
        brokers: Brokers::connect(&run.scenario).await.map_err(LoadError::Broker)?,
        scenario: run.scenario,
        load: run.load,
        requests,
        recording,
        seeds: Seeds::new(run.seed).salted(run.salt),
        timer: Timer::new(run.pacing).map_err(LoadError::Runtime)?,
        deadlines: Deadlines::default(),
        given_out,
        shared,
        abroad: Abroad::default(),
        probes: Connections::default(),
        journeys: Cell::default(),
        races: Cell::default(),
        background: Background::default(),
    };
    Ok((Rc::new(worker), stop, users_done))
}

/// Runs the users, then the background tasks; a stop or the end of the load's grace
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
        match worker.recording.schedule.end {
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
        worker.background.done().await;
    };
    tokio::pin!(everything);
    tokio::select! {
        () = &mut everything => {}
        () = stopped => {
            let _ = tokio::time::timeout(grace.min(STOP_GRACE), everything).await;
        }
    }
}

async fn flush_regularly(worker: &Worker) {
    loop {
        tokio::time::sleep(FLUSH).await;
        worker.flush();
    }
}
