//! What arrives of an upload.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    fields::media_type,
    multipart::{self, Part},
    refusal::refusal,
    state::Site,
    whole::Whole,
};

/// `POST /upload`
pub(crate) async fn upload(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Response {
    if media_type(&headers) != "multipart/form-data" {
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Expected multipart/form-data.");
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match multipart::parse(content_type, &body) {
        Err(error) => refusal(StatusCode::BAD_REQUEST, format!("Multipart form parse error - {error}")),
        Ok(parts) => {
            site.counters.uploads.add();
            let parts: Vec<Value> = parts.iter().map(describe).collect();
            Json(json!({"bytes": body.len(), "parts": parts})).into_response()
        }
    }
}

fn describe(part: &Part<'_>) -> Value {
    json!({
        "name": part.name,
        "filename": part.filename,
        "content_type": part.content_type,
        "size": part.content.len(),
        "sha256": sha256(part.content),
    })
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
