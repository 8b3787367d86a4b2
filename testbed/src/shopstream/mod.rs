//! A shop of four contexts, whose events reach their read models later than its answers.
//!
//! ```text
//! API ──► aggregate + outbox row ──► outbox processor ──► streams ──► engines ──► read models
//!         one transaction            every 10 ms          │  primary   one event       ▲
//!                                                         └─ backfill  at a time       │
//! GET ◄────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The switch is **lanes**: with them on, an event of negative priority is published to the
//! backfill stream of its aggregate, which engines read only while every primary stream is empty.
//! With them off everything waits in the primary streams, first in, first out. Nothing else
//! differs: one code path, and one cost of handling an event.
//!
//! Contexts: identity, catalogue, ordering, inventory, payments, each with a database, an outbox
//! and an outbox processor of its own. Orders, payments and stock are event-sourced. Databases are
//! SQLite files or PostgreSQL's, streams are queues in the process or Redis Streams. The observatory
//! tells, on a port of its own, how many messages wait where.

mod api;
mod domain;
mod engine;
mod fields;
mod handling;
mod lanes;
mod observatory;
mod outbox;
mod reaction;
mod refusal;
mod store;
mod streams;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
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

use self::{store::Store, streams::Streams};
use crate::{
    neighbour::Problem,
    server::{self, Background},
};

/// How to run the shop.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether events of negative priority get streams of their own.
    pub lanes: bool,
    /// Whether `X-Processing-Priority` is read at all. When it is not, every event has priority
    /// 0, and lanes have nothing to tell apart.
    pub honour_priority: bool,
    /// Threads that handle events.
    pub engines: Engines,
    /// What handling one event costs outside of the shop, whatever its stream.
    pub event_cost: Duration,
    /// What deciding a command costs outside of the shop. Two commands that are decided on the
    /// same version of an aggregate conflict: the longer it takes, the more often.
    pub command_cost: Duration,
    /// Folder of the databases; none stands for a temporary one that is removed at the end.
    pub data: Option<PathBuf>,
    /// URL of a PostgreSQL server to keep the databases on, in place of files. They are named
    /// `identity_local`, `catalogue_local`, …, and made if they are not there.
    pub postgres: Option<String>,
    /// URL of a Redis for the streams, in place of queues in the process.
    pub redis: Option<String>,
    /// A defect to have.
    pub bug: Option<Bug>,
}

/// The threads that handle events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engines {
    /// So many, each for all contexts.
    Shared(NonZeroUsize),
    /// So many for each context, in the order of [`CONTEXTS`].
    PerContext([usize; CONTEXTS.len()]),
}

/// The shop's contexts.
pub const CONTEXTS: [&str; 5] = domain::DOMAINS;

/// A defect that a load test should find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Reservations are appended without a look at the version that they were decided on.
    Oversell,
}

impl Default for Config {
    /// Lanes off and one engine, which handles about 66 events a second.
    fn default() -> Self {
        Config {
            lanes: false,
            honour_priority: true,
            engines: Engines::Shared(NonZeroUsize::MIN),
            event_cost: Duration::from_millis(15),
            command_cost: Duration::ZERO,
            data: None,
            postgres: None,
            redis: None,
            bug: None,
        }
    }
}

/// A shop that is open; it closes when dropped.
pub struct Running {
    address: SocketAddr,
    observatory: SocketAddr,
    // In the order in which they stop: no more requests, no more events, no more files.
    background: Option<Background>,
    shop: Arc<Shop>,
    workers: Vec<JoinHandle<()>>,
    _temporary: Option<TempDir>,
}

impl Running {
    /// The address of the API.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the observatory.
    pub fn observatory_address(&self) -> SocketAddr {
        self.observatory
    }

    /// The base URL of the API, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL of the observatory, without a slash at the end.
    pub fn observatory_url(&self) -> String {
        format!("http://{}", self.observatory)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.background = None;
        self.shop.closing.store(true, Relaxed);
        self.shop.streams.close();
        server::await_end(self.workers.drain(..));
    }
}

/// What requests, outbox processor and engines share.
struct Shop {
    store: Store,
    streams: Streams,
    config: Config,
    closing: AtomicBool,
}

/// Opens a shop on two free ports of the loopback address.
pub fn spawn(config: Config) -> io::Result<Running> {
    start(server::bind(0)?, server::bind(0)?, config)
}

/// Opens a shop on listeners from [`server::bind`], one for its API, one for its observatory.
pub fn start(api: TcpListener, observatory: TcpListener, config: Config) -> io::Result<Running> {
    let (address, observatory_address) = (api.local_addr()?, observatory.local_addr()?);
    let (store, temporary) = open_store(&config)?;
    let mut store = store.map_err(io::Error::other)?;
    let streams = Streams::open(config.redis.as_deref()).map_err(io::Error::other)?;
    let kept_age = streams.kept_age().map_err(io::Error::other)?;
    store.follow_up(kept_age).map_err(io::Error::other)?;
    let shop = Arc::new(Shop { store, streams, config, closing: AtomicBool::new(false) });
    let workers = start_workers(&shop)?;
    let background = {
        let shop = Arc::clone(&shop);
        Background::start(move |stop| async move {
            let shop_service = TowerToHyperService::new(api::router(Arc::clone(&shop)));
            let observatory_service = TowerToHyperService::new(observatory::router(shop));
            tokio::join!(
                server::serve(api, shop_service, stop.clone()),
                server::serve(observatory, observatory_service, stop),
            );
        })?
    };
    Ok(Running {
        address,
        observatory: observatory_address,
        background: Some(background),
        shop,
        workers,
        _temporary: temporary,
    })
}

/// The databases and, where they are in a temporary folder, what removes it in the end.
fn open_store(config: &Config) -> io::Result<(Result<Store, Problem>, Option<TempDir>)> {
    if let Some(url) = &config.postgres {
        return Ok((Store::on_server(url), None));
    }
    if let Some(folder) = &config.data {
        std::fs::create_dir_all(folder)?;
        return Ok((Store::in_folder(folder), None));
    }
    let temporary = tempfile::Builder::new().prefix("shopstream-").tempdir()?;
    Ok((Store::in_folder(temporary.path()), Some(temporary)))
}

/// What a thread of the shop does; it is told its name.
type Work = Box<dyn FnOnce(&Shop, &str) + Send>;

fn start_workers(shop: &Arc<Shop>) -> io::Result<Vec<JoinHandle<()>>> {
    let mut workers = Vec::new();
    let mut start = |name: String, work: Work| {
        let shop = Arc::clone(shop);
        let thread = thread::Builder::new().name(name.clone());
        workers.push(thread.spawn(move || work(&shop, &name))?);
        io::Result::Ok(())
    };
    for domain in CONTEXTS {
        start(format!("outbox-{domain}"), Box::new(move |shop, _| outbox::run(shop, domain)))?;
    }
    let mut start_engines = |count: usize, domains: &'static [&'static str], of: &str| {
        (1..=count).try_for_each(|n| {
            start(format!("engine{of}-{n}"), Box::new(move |shop, name| engine::run(shop, domains, name)))
        })
    };
    match &shop.config.engines {
        Engines::Shared(count) => start_engines(count.get(), &CONTEXTS, "")?,
        Engines::PerContext(counts) => {
            for (count, domain) in counts.iter().zip(CONTEXTS.chunks(1)) {
                start_engines(*count, domain, &format!("-{}", domain[0]))?;
            }
        }
    }
    Ok(workers)
}
