//! product-lookup: finds a product by its id, over HTTP and gRPC.
//!
//! Before: one worker, as an interpreter with a global lock has one. It handles a request at a time
//! and finds a product by reading the catalogue's rows of JSON, one after another. After: requests
//! are handled as they come, from an index in memory.

mod finder;
mod grpc;

use std::{io, net::SocketAddr, net::TcpListener, num::NonZeroU32, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hyper_util::service::TowerToHyperService;
use serde_json::json;

use self::finder::Finder;
use super::{Form, figures, health, refusal};
use crate::{
    metrics::{Figure, Kind},
    server::{self, Background},
};

/// How to run the product lookup.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Its form.
    pub form: Form,
    /// How many products there are.
    pub products: NonZeroU32,
}

/// A product lookup that is up; it stops when dropped.
pub struct Running {
    address: SocketAddr,
    grpc: SocketAddr,
    // In the order in which they stop: no more requests, then no worker.
    _background: Background,
    _finder: Arc<Finder>,
}

impl Running {
    /// The base URL of its HTTP API, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of its HTTP API.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of its gRPC service, without a slash at the end.
    pub fn grpc_url(&self) -> String {
        format!("http://{}", self.grpc)
    }
}

/// Starts a product lookup on free ports.
pub fn spawn(config: Config) -> io::Result<Running> {
    start(server::bind(0)?, server::bind(0)?, config)
}

/// Starts a product lookup on listeners from [`server::bind`], one for HTTP, one for gRPC.
pub fn start(http: TcpListener, grpc: TcpListener, config: Config) -> io::Result<Running> {
    let (address, grpc_address) = (http.local_addr()?, grpc.local_addr()?);
    let finder = Arc::new(Finder::new(config.form, config.products.get())?);
    let shared = Arc::clone(&finder);
    let background = Background::start(move |stop| async move {
        let service = TowerToHyperService::new(router(Arc::clone(&shared)));
        tokio::join!(server::serve(http, service, stop.clone()), grpc::serve(grpc, shared, stop));
    })?;
    Ok(Running { address, grpc: grpc_address, _background: background, _finder: finder })
}

fn router(finder: Arc<Finder>) -> Router {
    Router::new()
        .merge(health())
        .route("/lookup/{id}", get(look_up))
        .route("/metrics", get(show_metrics))
        .route("/admin/reset", post(reset))
        .with_state(finder)
}

async fn look_up(State(finder): State<Arc<Finder>>, Path(id): Path<String>) -> Response {
    match finder.product(&id).await {
        Some(product) => Json(&*product).into_response(),
        None => refusal(StatusCode::NOT_FOUND, format!("no product `{id}`")),
    }
}

async fn show_metrics(State(finder): State<Arc<Finder>>) -> Response {
    let counts = finder.counts();
    let figure = |name, kind, help, value| Figure { name, kind, help, value };
    figures(&[
        figure("lookup_requests_total", Kind::Counter, "Lookups answered.", counts.requests),
        figure(
            "lookup_rows_scanned_total",
            Kind::Counter,
            "Rows read to find products.",
            counts.rows_scanned,
        ),
        figure("lookup_queue_depth", Kind::Gauge, "Lookups that wait for the worker.", counts.waiting),
    ])
}

async fn reset(State(finder): State<Arc<Finder>>) -> Json<serde_json::Value> {
    finder.reset();
    Json(json!({"status": "ok"}))
}
