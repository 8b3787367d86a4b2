//! A message ingestor: an API that takes messages in, a queue, workers that batch them into a database.
//!
//! ```text
//! POST /messages ──► queue ──► worker: BATCH_SIZE messages, or BATCH_TIMEOUT after the first ──► database
//!        │           pending_messages                │                                            messages
//!        └─ 202, before anything is committed        └─ totals, rate, latency ──► GET /stats, /ws, Redis keys
//! ```
//!
//! The switches are the size and the timeout of batches and the number of workers: a large batch
//! shares its commit among many messages, a small one lets none wait. The queue is in the process or
//! a list of a Redis, the database is a SQLite file or PostgreSQL's `messages_db`.
//!
//! | path | answer |
//! |---|---|
//! | `POST /messages` | 202 and the id of a message that is queued; 422 for a wrong one, 503 when it cannot be queued |
//! | `GET /messages/{id}` | a message that is committed, 404 before |
//! | `GET /health` | `status`, `redis`, `queue_length` |
//! | `GET /stats`, `/ws` | totals, rate and latency: once, or twice a second over a WebSocket |
//! | `GET /metrics` | the same and more, for Prometheus |
//! | `POST /admin/reset` | deletes everything, once nothing is in hand |
//!
//! The latency of a message is from its receipt by the API until its batch is committed; the view
//! `message_latencies` of the database has that of each.

mod api;
mod board;
mod dashboard;
mod database;
mod message;
mod queue;
mod worker;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use hyper_util::service::TowerToHyperService;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use self::{
    board::Board,
    database::Database,
    queue::{Batching, Queue},
    worker::Log,
};
use crate::{
    neighbour::Problem,
    server::{self, Background},
};

/// How to run the ingestor.
#[derive(Clone, Debug)]
pub struct Config {
    /// Most messages of a batch.
    pub batch_size: NonZeroUsize,
    /// How long the first message of a batch waits for others at most.
    pub batch_timeout: Duration,
    /// Workers of this process; with none, it only takes messages in.
    pub workers: usize,
    /// The name that the workers' names begin with. Processes that share a queue need different ones.
    pub name: String,
    /// What a commit costs outside of the ingestor, whatever the size of the batch.
    pub commit_cost: Duration,
    /// What taking a message in costs outside of the ingestor.
    pub receive_cost: Duration,
    /// How many messages are taken in at a time.
    pub receivers: NonZeroUsize,
    /// Length of the queue from which messages are refused; none for no limit.
    pub queue_limit: Option<u64>,
    /// Folder of the database; none stands for a temporary one that is removed at the end.
    pub data: Option<PathBuf>,
    /// URL of a PostgreSQL server to keep the database on, in place of a file.
    pub postgres: Option<String>,
    /// URL of a Redis for the queue, in place of one in the process.
    pub redis: Option<String>,
    /// File that workers append a line per batch to; none stands for the standard output.
    pub log: Option<PathBuf>,
}

impl Default for Config {
    /// One worker with batches of 50 messages, or of what comes within 2 s.
    fn default() -> Self {
        Config {
            batch_size: NonZeroUsize::MIN.saturating_add(49),
            batch_timeout: Duration::from_secs(2),
            workers: 1,
            name: "worker".to_owned(),
            commit_cost: Duration::ZERO,
            receive_cost: Duration::ZERO,
            receivers: NonZeroUsize::MIN.saturating_add(999),
            queue_limit: None,
            data: None,
            postgres: None,
            redis: None,
            log: None,
        }
    }
}

/// An ingestor that is up; it stops when dropped, after what waits in a queue of the process is committed.
pub struct Running {
    address: Option<SocketAddr>,
    // In the order in which they stop: no more messages, no more batches, no more files.
    background: Option<Background>,
    ingestor: Arc<Ingestor>,
    threads: Vec<JoinHandle<()>>,
    _temporary: Option<TempDir>,
}

impl Running {
    /// The address of the API, where this process has one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The base URL of the API, without a slash at the end; empty where this process has none.
    pub fn url(&self) -> String {
        self.address.map_or_else(String::new, |address| format!("http://{address}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.background = None;
        self.ingestor.is_closing.store(true, Relaxed);
        self.ingestor.queue.close();
        server::await_end(self.threads.drain(..));
    }
}

/// What requests and workers share.
struct Ingestor {
    queue: Queue,
    database: Database,
    board: Board,
    log: Log,
    config: Config,
    /// One for each message that is taken in at the time.
    places: Semaphore,
    accepted: AtomicU64,
    refused: AtomicU64,
    /// Attempts of workers that have failed.
    failures: AtomicU64,
    is_closing: AtomicBool,
}

/// Starts an ingestor on a free port of the loopback address.
pub fn spawn(config: Config) -> io::Result<Running> {
    start(Some(server::bind(0)?), config)
}

/// Starts an ingestor on a listener from [`server::bind`]; without one, it only has workers.
pub fn start(api: Option<TcpListener>, config: Config) -> io::Result<Running> {
    let address = api.as_ref().map(TcpListener::local_addr).transpose()?;
    let (ingestor, temporary) = open(config).map_err(io::Error::other)?;
    let ingestor = Arc::new(ingestor);
    let mut threads = Vec::new();
    for n in 1..=ingestor.config.workers {
        let (of, name) = (Arc::clone(&ingestor), format!("{}-{n}", ingestor.config.name));
        let thread = thread::Builder::new().name(name.clone());
        threads.push(thread.spawn(move || worker::run(&of, &name))?);
    }
    if ingestor.config.workers > 0 {
        let of = Arc::clone(&ingestor);
        threads.push(thread::Builder::new().name("dashboard".to_owned()).spawn(move || worker::tick(&of))?);
    }
    let serve = |listener| {
        let router = TowerToHyperService::new(api::router(Arc::clone(&ingestor)));
        Background::start(move |stop| server::serve_with_upgrades(listener, router, stop))
    };
    let background = api.map(serve).transpose()?;
    Ok(Running { address, background, ingestor, threads, _temporary: temporary })
}

fn open(config: Config) -> Result<(Ingestor, Option<TempDir>), Problem> {
    if let Some(folder) = &config.data {
        std::fs::create_dir_all(folder)?;
    }
    let (database, temporary) = match (&config.postgres, &config.data) {
        (Some(url), _) => (Database::on_server(url)?, None),
        (None, Some(folder)) => (Database::in_folder(folder)?, None),
        (None, None) => {
            let folder = tempfile::Builder::new().prefix("ingestor-").tempdir()?;
            (Database::in_folder(folder.path())?, Some(folder))
        }
    };
    let redis = config.redis.as_deref();
    let batching = Batching { size: config.batch_size.get(), timeout: config.batch_timeout };
    let ingestor = Ingestor {
        queue: Queue::open(redis, batching)?,
        database,
        board: Board::open(redis)?,
        log: Log::open(config.log.as_deref())?,
        places: Semaphore::new(config.receivers.get()),
        accepted: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        failures: AtomicU64::new(0),
        is_closing: AtomicBool::new(false),
        config,
    };
    Ok((ingestor, temporary))
}
