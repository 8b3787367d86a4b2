//! Refusals of the API: a status and `{"detail": …}`.

use std::fmt::Display;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A refusal with its reason.
pub(crate) fn refusal(status: StatusCode, detail: impl Display) -> Response {
    (status, Json(json!({"detail": detail.to_string()}))).into_response()
}

/// 401, with what would be accepted.
pub(crate) fn unauthorized(challenge: &'static str, detail: impl Display) -> Response {
    let mut answer = refusal(StatusCode::UNAUTHORIZED, detail);
    answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    answer
}
