//! A storefront of small services, each in two forms: before and after a rewrite.
//!
//! The two forms of a service have one contract and do one job. What differs is the mechanism, and
//! nothing else: costs that lie outside of a service (a database's round trip, a payment
//! provider) are parameters that both forms share.

mod breaker;
mod catalogue;
pub mod checkout;

pub mod lookup;
pub mod read;
pub mod shopping;

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use axum::{
    Json, Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::service::TowerToHyperService;
use serde_json::json;

use crate::{
    metrics::{self, Figure},
    server::{self, Background},
};

/// Which of its two forms a service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it was.
    Before,
    /// As it became.
    After,
}

/// A service that is up; it stops when dropped.
pub struct Running {
    address: SocketAddr,
    _background: Background,
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

/// Serves a router on a listener from [`server::bind`].
fn serve(listener: TcpListener, router: Router) -> io::Result<Running> {
    serve_once(listener, async { Ok(router) })
}

/// Serves a router on a listener from [`server::bind`], as soon as it is there.
fn serve_once(
    listener: TcpListener,
    router: impl Future<Output = io::Result<Router>> + Send + 'static,
) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let background = Background::start(move |stop| async move {
        match router.await {
            Ok(router) => server::serve(listener, TowerToHyperService::new(router), stop).await,
            Err(error) => eprintln!("testbed: cannot serve on {address}: {error}"),
        }
    })?;
    Ok(Running { address, _background: background })
}

/// What every service answers besides: whether it is up.
fn health<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/health", get(async || Json(json!({"status": "healthy"}))))
}

/// Figures as an answer.
fn figures(figures: &[Figure]) -> Response {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::text(figures)).into_response()
}

/// A refusal with a reason.
fn refusal(status: StatusCode, reason: impl Into<String>) -> Response {
    (status, Json(json!({"error": reason.into()}))).into_response()
}
