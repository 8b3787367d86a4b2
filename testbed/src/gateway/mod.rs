//! A gateway for messages of sessions: with a write-through into memory and its log, or an outbox.
//!
//! ```text
//! POST /v1/session/message ─┬─ write-through ──► memory ──► WAL ──► replicator ──► replica
//!                           │                      ▲                     └─ what cannot be applied ──► DLQ
//!                           └─ off, or it fails ──► outbox ──► sync
//! ```
//!
//! The switch is **write-through**: with it on, a request writes to the memory service and to the
//! log (WAL) before it is answered; with it off it only writes to the outbox, which a thread works
//! off later, by the same way. Either way every accepted message reaches the replica, once.
//!
//! | path | answer |
//! |---|---|
//! | `POST /v1/session/message` | 200 with `session_id` and `event_id`; 401 without a valid token where one is required, 422 for a wrong message |
//! | `GET /v1/admin/memory/{event_id}` | an event that the replica has, 404 before |
//! | `GET /v1/admin/dlq` | the events that could not be applied |
//! | `GET /v1/health`, `/health`, `/metrics` | for those who watch it |
//! | `POST /admin/reset` | deletes everything, once nothing is on its way |
//!
//! The WAL is a file of JSON lines. The replica is a SQLite file or `gateway_db` of a PostgreSQL; how
//! far the WAL is applied stands in the replica, so that no event is applied twice. A replica holds
//! messages of up to 4096 characters and the gateway accepts 16 384: what is longer ends in the DLQ.

mod api;
mod counters;
mod event;
mod memory;
mod outbox;
mod replica;
mod replicator;
mod token;
mod wal;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use hyper_util::service::TowerToHyperService;
use tempfile::TempDir;

use self::{counters::Counters, memory::Memory, replica::Replica, token::Verifier, wal::Wal};
use crate::{
    neighbour::Problem,
    server::{self, Background},
};

/// How to run the gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether requests write to memory and WAL themselves.
    pub write_through: bool,
    /// Whether requests need a token.
    pub require_auth: bool,
    /// The secret that tokens are signed with (HS256).
    pub jwt_secret: String,
    /// How long the memory service takes for a write.
    pub memory_cost: Duration,
    /// Share of the writes that the memory service fails.
    pub memory_failures: f64,
    /// What applying a batch of the WAL costs outside of the gateway.
    pub apply_cost: Duration,
    /// Folder of WAL and replica; none stands for a temporary one that is removed at the end.
    pub data: Option<PathBuf>,
    /// URL of a PostgreSQL server to keep the replica on, in place of a file.
    pub postgres: Option<String>,
}

impl Default for Config {
    /// Write-through into a memory that takes 2 ms, without tokens.
    fn default() -> Self {
        Config {
            write_through: true,
            require_auth: false,
            jwt_secret: DEV_SECRET.to_owned(),
            memory_cost: Duration::from_millis(2),
            memory_failures: 0.0,
            apply_cost: Duration::ZERO,
            data: None,
            postgres: None,
        }
    }
}

/// The secret of tokens if none is given: for trying out.
pub const DEV_SECRET: &str = "gateway-dev-secret";

/// A gateway that is up; it stops when dropped.
pub struct Running {
    address: SocketAddr,
    // In the order in which they stop: no more messages, no more events, no more files.
    background: Option<Background>,
    gateway: Arc<Gateway>,
    threads: Vec<JoinHandle<()>>,
    _temporary: Option<TempDir>,
}

impl Running {
    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.background = None;
        self.gateway.is_closing.store(true, Relaxed);
        server::await_end(self.threads.drain(..));
    }
}

/// What requests, sync and replicator share.
struct Gateway {
    memory: Memory,
    wal: Wal,
    replica: Replica,
    verifier: Option<Verifier>,
    counters: Counters,
    config: Config,
    is_closing: AtomicBool,
}

/// Starts a gateway on a free port of the loopback address.
pub fn spawn(config: Config) -> io::Result<Running> {
    start(server::bind(0)?, config)
}

/// Starts a gateway on a listener from [`server::bind`].
pub fn start(listener: TcpListener, config: Config) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let (gateway, temporary) = open(config).map_err(io::Error::other)?;
    let gateway = Arc::new(gateway);
    let mut threads = Vec::new();
    let mut spawn = |name: &str, work: fn(&Gateway)| {
        let gateway = Arc::clone(&gateway);
        threads.push(thread::Builder::new().name(name.to_owned()).spawn(move || work(&gateway))?);
        io::Result::Ok(())
    };
    spawn("replicator", replicator::run)?;
    spawn("outbox-sync", outbox::run)?;
    let router = TowerToHyperService::new(api::router(Arc::clone(&gateway)));
    let background = Background::start(move |stop| server::serve(listener, router, stop))?;
    Ok(Running { address, background: Some(background), gateway, threads, _temporary: temporary })
}

fn open(config: Config) -> Result<(Gateway, Option<TempDir>), Problem> {
    let temporary = match &config.data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("gateway-").tempdir()?),
    };
    let folder =
        temporary.as_ref().map(TempDir::path).or(config.data.as_deref()).ok_or("a folder is needed")?;
    std::fs::create_dir_all(folder)?;
    let replica = match &config.postgres {
        Some(url) => Replica::on_server(url)?,
        None => Replica::in_folder(folder)?,
    };
    let gateway = Gateway {
        memory: Memory::new(config.memory_cost, config.memory_failures),
        wal: Wal::open(&folder.join("memory.wal"))?,
        replica,
        verifier: config.require_auth.then(|| Verifier::new(&config.jwt_secret)),
        counters: Counters::default(),
        is_closing: AtomicBool::new(false),
        config,
    };
    Ok((gateway, temporary))
}
