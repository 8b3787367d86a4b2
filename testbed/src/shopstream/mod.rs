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
//! Contexts: identity, catalogue, ordering, payments. The observatory tells, on a port of its
//! own, how many messages wait where.

mod api;
mod clock;
mod domain;
mod engine;
mod fields;
mod lanes;
mod observatory;
mod outbox;
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
use crate::server::{self, Background};

/// The file of the data folder that holds everything.
const DATABASE: &str = "shopstream.db";

/// How to run the shop.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether events of negative priority get streams of their own.
    pub lanes: bool,
    /// Whether `X-Processing-Priority` is read at all. When it is not, every event has priority
    /// 0, and lanes have nothing to tell apart.
    pub honour_priority: bool,
    /// Threads that handle events, shared by all contexts.
    pub engines: NonZeroUsize,
    /// What handling one event costs outside of the shop, whatever its stream.
    pub event_cost: Duration,
    /// Folder of the database; none stands for a temporary one that is removed at the end.
    pub data: Option<PathBuf>,
}

impl Default for Config {
    /// Lanes off and one engine, which handles about 66 events a second.
    fn default() -> Self {
        Config {
            lanes: false,
            honour_priority: true,
            engines: NonZeroUsize::MIN,
            event_cost: Duration::from_millis(15),
            data: None,
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
        for worker in self.workers.drain(..) {
            // A panic there has been printed already; there is nothing to add.
            let _ = worker.join();
        }
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
    let (folder, temporary) = data_folder(&config)?;
    let shop = Arc::new(Shop {
        store: Store::open(&folder.join(DATABASE)).map_err(io::Error::other)?,
        streams: Streams::default(),
        config,
        closing: AtomicBool::new(false),
    });
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

/// The folder for the database and, where it is a temporary one, what removes it in the end.
fn data_folder(config: &Config) -> io::Result<(PathBuf, Option<TempDir>)> {
    if let Some(folder) = &config.data {
        std::fs::create_dir_all(folder)?;
        return Ok((folder.clone(), None));
    }
    let temporary = tempfile::Builder::new().prefix("shopstream-").tempdir()?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

fn start_workers(shop: &Arc<Shop>) -> io::Result<Vec<JoinHandle<()>>> {
    let start = |name: String, work: fn(&Shop)| {
        let shop = Arc::clone(shop);
        thread::Builder::new().name(name).spawn(move || work(&shop))
    };
    let mut workers = vec![start("outbox".to_owned(), outbox::run)?];
    for n in 1..=shop.config.engines.get() {
        workers.push(start(format!("engine-{n}"), engine::run)?);
    }
    Ok(workers)
}
