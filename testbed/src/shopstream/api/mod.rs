//! The shop's HTTP API: commands and reads, each endpoint a row of a table.

mod commands;
mod lists;
mod views;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use super::{Shop, handling::new_id, refusal::Refusal};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All endpoints.
pub(super) fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .merge(commands::router())
        .merge(views::router())
        .merge(lists::router())
        .route("/health", get(async || Json(json!({"status": "healthy"}))))
        .route("/admin/reset", post(reset))
        .fallback(async || detail(StatusCode::NOT_FOUND, "Not Found"))
        .method_not_allowed_fallback(async || detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"))
        .layer(middleware::from_fn(name_request))
        .with_state(shop)
}

async fn reset(State(shop): State<Arc<Shop>>) -> Result<Response, Refusal> {
    off_the_runtime(move || {
        shop.store.reset(|age| shop.streams.reset(age))?;
        Ok(Json(json!({"status": "ok"})).into_response())
    })
    .await
}

/// Gives every answer the id of its request: the client's own, or a new one.
async fn name_request(request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).cloned();
    let mut response = next.run(request).await;
    let id = id.unwrap_or_else(|| {
        HeaderValue::from_str(&new_id()).expect("an id has hexadecimal digits and hyphens only")
    });
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn detail(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "detail": text }))).into_response()
}

/// Does work that waits for the database, where waiting keeps nobody else.
async fn off_the_runtime(
    work: impl FnOnce() -> Result<Response, Refusal> + Send + 'static,
) -> Result<Response, Refusal> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(Refusal::Broken(panic.to_string())))
}
