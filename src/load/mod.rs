//! Load: drives users and makes samples. Knows no database: batches of samples go to a [`Sink`].
//!
//! One thread with one single-threaded runtime per worker; each user belongs to one worker and
//! owns its connections, so that nothing on a request's way is locked or shared.

mod abroad;
mod address;
mod arrivals;
mod background;
mod basic;
mod buffer;
mod charset;
mod client;
mod clock;
mod connection;
mod connections;
mod deadlines;
mod decode;
mod draw;
mod effect;
mod event;
mod exchange;
mod executor;
mod failure;
mod gauge;
mod group;
mod grpc;
mod headers;
mod heard;
mod http1;
mod http2;
mod jar;
mod judge;
mod origin;
mod outgoing;
mod own;
mod part;
mod pending;
mod pointed;
mod poll;
mod prepared;
pub mod priority;
mod recording;
mod redirect;
mod reflection;
mod reply;
mod route;
mod schedule;
mod seeds;
mod shared;
mod sse;
mod stream;
mod target;
mod tcp;
mod thread;
mod timer;
mod tls;
mod token;
mod trip;
mod unstarted;
mod user;
mod websocket;
mod who;
mod witness;
mod words;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::HeaderName;
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;

pub use clock::Clock;
pub use gauge::Gauge;
pub use origin::OriginError;
pub use own::{OwnSignals, Readings};
pub use timer::Pacing;
pub use witness::Kept;

use self::event::brokers::Brokers;
use self::prepared::Requests;
use self::shared::Shared;
use self::thread::Assignment;
use self::token::Renewals;
use crate::sample::Sink;
use crate::scenario::Scenario;
use crate::scenario::load::Load;

/// What is to be driven.
#[derive(Clone)]
pub struct LoadRun {
    /// The journeys and users.
    pub scenario: Arc<Scenario>,
    /// How much of them.
    pub load: Load,
    /// The target's base URL.
    pub base_url: String,
    /// Seed of all draws.
    pub seed: u64,
    /// What distinguishes its identifiers from those of other runs with its seed; none if none of those are left.
    pub salt: Option<u64>,
    /// Threads that make load.
    pub workers: u16,
    /// How they wait until something is due.
    pub pacing: Pacing,
    /// The run's clock; the load starts at its zero, which may lie ahead.
    pub clock: Clock,
    /// Which exchanges are kept.
    pub kept: Kept,
    /// Who hears what it tells of itself, if anybody does.
    pub own: Option<Arc<OwnSignals>>,
}

/// Why load could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The target, or a URL in the scenario, leads nowhere.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// A path cannot be sent.
    #[error("`{0}` is not a valid path")]
    Target(String),
    /// A header's value cannot be sent.
    #[error("the value of header `{0}` is not a valid one")]
    Header(HeaderName),
    /// A broker cannot be reached, or a stream not be subscribed to.
    #[error("{0}")]
    Broker(String),
    /// A gRPC method cannot be called: its descriptors are not to be had.
    #[error("cannot call `{path}`: {reason}")]
    Rpc {
        /// The method's path.
        path: String,
        /// Why.
        reason: String,
    },
    /// Credentials are not to be had.
    #[error("cannot get the credentials of `[auth.{name}]`: {reason}")]
    Credentials {
        /// Their name.
        name: String,
        /// Why.
        reason: String,
    },
    /// A message is not of the type that its method takes.
    #[error("{0}")]
    Message(String),
    /// A request cannot be sent.
    #[error("a `{0}` request has a header or method that is not a valid one")]
    Request(String),
    /// The system gives no thread, timer or event queue.
    #[error("cannot set up a worker: {0}")]
    Runtime(std::io::Error),
    /// A worker has panicked.
    #[error("worker {0} has panicked")]
    Panic(u16),
}

impl LoadError {
    /// Whether the scenario or the command line is to blame, not the machine.
    pub fn is_configuration(&self) -> bool {
        !matches!(self, Self::Runtime(_) | Self::Panic(_))
    }
}

/// Load that is under way.
pub struct Running {
    stop: watch::Sender<bool>,
    users_done: Vec<oneshot::Receiver<()>>,
    finished: Vec<oneshot::Receiver<Result<u64, LoadError>>>,
    gauges: Vec<Arc<Gauge>>,
    begun: JourneysBegun,
    /// Tokens are renewed until this is gone.
    _renewals: Renewals,
}

/// How many journeys a load has begun, as far as its parts count them.
#[derive(Clone)]
pub struct JourneysBegun(Arc<[AtomicU64]>);

impl JourneysBegun {
    /// Over all workers. Of shared journeys, users who find that none is left have counted, too.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|part| part.load(Ordering::Relaxed)).sum()
    }
}

/// Starts a load on threads of its own; its samples go to `sink`.
///
/// # Errors
/// If the target cannot be resolved, or a request cannot be sent by any means.
pub async fn start(run: LoadRun, sink: Sink) -> Result<Running, LoadError> {
    let (credentials, renewals) = token::obtain(&run.scenario).await?;
    let requests = Arc::new(Requests::prepare(&run.scenario, &run.base_url, &credentials).await?);
    // Each worker connects by itself; whether it can is better known before the load begins.
    let brokers = LocalSet::new().run_until(Brokers::connect(&run.scenario)).await;
    drop(brokers.map_err(LoadError::Broker)?);
    let given_out: Arc<[AtomicU64]> = run.load.parts.iter().map(|_| AtomicU64::new(0)).collect();
    let shared = Arc::new(Shared::new(&run.scenario));
    let (stop, stopped) = watch::channel(false);
    let mut running = Running {
        stop,
        users_done: Vec::new(),
        finished: Vec::new(),
        gauges: Vec::new(),
        begun: JourneysBegun(Arc::clone(&given_out)),
        _renewals: renewals,
    };
    let workers = run.workers.max(1);
    for number in 0..workers {
        let (users_done, told) = oneshot::channel();
        let (finish, finished) = oneshot::channel();
        let gauge = Arc::new(Gauge::default());
        running.users_done.push(told);
        running.finished.push(finished);
        running.gauges.push(Arc::clone(&gauge));
        let assignment = Assignment {
            number,
            workers,
            run: run.clone(),
            requests: Arc::clone(&requests),
            gauge,
            given_out: Arc::clone(&given_out),
            shared: Arc::clone(&shared),
            sink: Arc::clone(&sink),
            stop: stopped.clone(),
            users_done,
        };
        std::thread::Builder::new()
            .name(format!("load-{number}"))
            .spawn(move || {
                // Nobody may be waiting for the result any more; that is fine.
                let _ = finish.send(thread::work(assignment));
            })
            .map_err(LoadError::Runtime)?;
    }
    Ok(running)
}

impl Running {
    /// Ends when all users are done: the load has ended, though effects may still be awaited.
    pub fn users_done(&mut self) -> impl Future<Output = ()> + use<> {
        let told = std::mem::take(&mut self.users_done);
        async {
            for told in told {
                // A worker that is gone has no users any more.
                let _ = told.await;
            }
        }
    }

    /// Ends the load early when it is told to.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// How many journeys have begun.
    pub fn journeys_begun(&self) -> JourneysBegun {
        self.begun.clone()
    }

    /// What the workers show of themselves.
    pub fn gauges(&self) -> Vec<Arc<Gauge>> {
        self.gauges.clone()
    }

    /// Waits until everything has ended; how many samples were taken.
    ///
    /// # Errors
    /// If a worker could not be set up, or has panicked.
    pub async fn finish(self) -> Result<u64, LoadError> {
        let mut taken = 0;
        for (number, finished) in (0..).zip(self.finished) {
            taken += finished.await.unwrap_or(Err(LoadError::Panic(number)))?;
        }
        Ok(taken)
    }
}

/// Ends a load early.
#[derive(Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Users stop; requests under way get half a second, effects are awaited no longer.
    pub fn stop(&self) {
        let _ = self.0.send(true);
    }
}
