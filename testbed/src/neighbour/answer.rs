//! Answers of HTTP APIs over work that waits for a database.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::Problem;

/// An answer that says why there is no other.
pub(crate) fn detail(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({"detail": reason}))).into_response()
}

/// The answer when a neighbour does not do its part.
pub(crate) fn broken(problem: &Problem) -> Response {
    detail(StatusCode::SERVICE_UNAVAILABLE, &problem.to_string())
}

/// Does blocking work on a thread of its own, so that other requests go on meanwhile.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await?
}
