//! product-read: products, pages of products and searches, out of a database.
//!
//! Before: every read goes to the database. After: cache-aside. A read looks into the cache first,
//! and what the database has given is kept there for a while.

mod cache;
mod database;

use std::{
    io,
    net::TcpListener,
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderName, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use self::{cache::Cache, database::Database};
use super::{Form, Running, figures, health, refusal, serve_once};
use crate::{
    metrics::{Figure, Kind},
    server,
};

const CACHE: HeaderName = HeaderName::from_static("x-cache");

/// How to run product-read.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its form.
    pub form: Form,
    /// How many products there are.
    pub products: NonZeroU32,
    /// The way to the database and back, for every read of it, whatever the form.
    pub database_round_trip: Duration,
    /// Connections to the database: most reads of it at a time.
    pub database_connections: NonZeroUsize,
    /// How long something stays in the cache.
    pub cache_ttl: Duration,
    /// Most entries of the embedded cache. Redis has its own limit (`maxmemory`).
    pub cache_capacity: NonZeroUsize,
    /// URL of a Redis to be the cache; none for one in the process.
    pub redis: Option<String>,
    /// URL of a PostgreSQL to be the database; none for SQLite in memory.
    pub postgres: Option<String>,
}

impl Config {
    /// A form of product-read with everything else as the command line has it by default.
    pub fn of(form: Form) -> Self {
        Config {
            form,
            products: NonZeroU32::MIN.saturating_add(9_999),
            database_round_trip: Duration::from_millis(2),
            database_connections: NonZeroUsize::MIN.saturating_add(15),
            cache_ttl: Duration::from_mins(1),
            cache_capacity: NonZeroUsize::MIN.saturating_add(1_999),
            redis: None,
            postgres: None,
        }
    }
}

/// A read that can be answered: from the database, or from what it has answered before.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Read {
    Product(String),
    Page { page: u32, size: u32 },
    Search { text: String, limit: u32 },
}

impl Read {
    /// Its name in the cache.
    fn key(&self) -> String {
        match self {
            Self::Product(id) => format!("product:{id}"),
            Self::Page { page, size } => format!("page:{page}:{size}"),
            Self::Search { text, limit } => format!("search:{limit}:{text}"),
        }
    }
}

struct Reader {
    database: Database,
    /// Only after.
    cache: Option<Cache>,
    requests: AtomicU64,
}

/// Starts a product-read on a free port.
pub fn spawn(config: Config) -> io::Result<Running> {
    start(server::bind(0)?, config)
}

/// Starts a product-read on a listener from [`server::bind`].
pub fn start(listener: TcpListener, config: Config) -> io::Result<Running> {
    serve_once(listener, async move {
        let reader = Reader {
            database: Database::open(&config)?,
            cache: (config.form == Form::After).then(|| Cache::open(&config)).transpose()?,
            requests: AtomicU64::new(0),
        };
        reader.database.connect().await?;
        Ok(router(Arc::new(reader)))
    })
}

fn router(reader: Arc<Reader>) -> Router {
    Router::new()
        .route("/api/products", get(page))
        .route("/api/products/search", get(search))
        .route("/api/products/{id}", get(product))
        .route("/metrics", get(show_metrics))
        .route("/admin/reset", post(reset))
        .with_state(reader)
        .merge(health())
}

async fn product(State(reader): State<Arc<Reader>>, Path(id): Path<String>) -> Response {
    reader.answer(Read::Product(id)).await
}

#[derive(Deserialize)]
struct PageQuery {
    #[serde(default = "first_page")]
    page: u32,
    #[serde(default = "page_size")]
    size: u32,
}

fn first_page() -> u32 {
    1
}

fn page_size() -> u32 {
    20
}

async fn page(State(reader): State<Arc<Reader>>, Query(query): Query<PageQuery>) -> Response {
    if query.page == 0 || !(1..=100).contains(&query.size) {
        return refusal(StatusCode::BAD_REQUEST, "pages count from 1 and hold 1 to 100 products");
    }
    reader.answer(Read::Page { page: query.page, size: query.size }).await
}

#[derive(Deserialize)]
struct SearchQuery {
    q: String,
    #[serde(default = "page_size")]
    limit: u32,
}

async fn search(State(reader): State<Arc<Reader>>, Query(query): Query<SearchQuery>) -> Response {
    reader.answer(Read::Search { text: query.q, limit: query.limit.min(100) }).await
}

impl Reader {
    /// The one way of both forms: a cache, where there is one, and the database behind it.
    async fn answer(&self, read: Read) -> Response {
        self.requests.fetch_add(1, Relaxed);
        let key = read.key();
        if let Some(cache) = &self.cache {
            match cache.get(&key).await {
                Ok(Some(found)) => return found_json(found, "hit"),
                Ok(None) => {}
                Err(error) => return refusal(StatusCode::SERVICE_UNAVAILABLE, format!("cache: {error}")),
            }
        }
        let found = match self.database.read(read).await {
            Ok(Some(found)) => found,
            Ok(None) => return refusal(StatusCode::NOT_FOUND, "no such product"),
            Err(error) => return refusal(StatusCode::SERVICE_UNAVAILABLE, format!("database: {error}")),
        };
        let Some(cache) = &self.cache else { return found_json(found, "none") };
        match cache.put(key, &found).await {
            Ok(()) => found_json(found, "miss"),
            Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, format!("cache: {error}")),
        }
    }
}

fn found_json(json: String, cache: &'static str) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE, cache)], json).into_response()
}

async fn show_metrics(State(reader): State<Arc<Reader>>) -> Response {
    let cache = reader.cache.as_ref().map(Cache::counts).unwrap_or_default();
    let counter = |name, help, value| Figure { name, kind: Kind::Counter, help, value };
    figures(&[
        counter("read_requests_total", "Reads asked for.", reader.requests.load(Relaxed)),
        counter("cache_lookups_total", "Looks into the cache.", cache.lookups),
        counter("cache_hits_total", "Looks that found something.", cache.hits),
        counter("cache_evictions_total", "Entries that made room for others.", cache.evictions),
        counter("database_reads_total", "Reads of the database.", reader.database.reads()),
        Figure { name: "cache_entries", kind: Kind::Gauge, help: "Entries now.", value: cache.entries },
    ])
}

async fn reset(State(reader): State<Arc<Reader>>) -> Response {
    reader.requests.store(0, Relaxed);
    reader.database.reset();
    if let Some(cache) = &reader.cache
        && let Err(error) = cache.reset().await
    {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, format!("cache: {error}"));
    }
    Json(json!({"status": "ok"})).into_response()
}
