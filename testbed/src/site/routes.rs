//! Which path is answered by what.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{
        Method, StatusCode, Version,
        header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, USER_AGENT},
    },
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use serde_json::json;

use super::{
    access, api, bodies, coding, connections, login, pages, redirects, refusal::refusal, state::Site, upload,
};
use crate::metrics;

/// All paths of the shop.
pub(crate) fn router(site: Arc<Site>) -> Router {
    let limit = DefaultBodyLimit::max(site.config.body_limit);
    Router::new()
        .route("/", get(login::home))
        .route("/login", get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/items", get(pages::items))
        .route("/items/{id}", get(pages::item))
        .route("/api/items", get(api::items))
        .route("/api/items/{id}", get(api::item))
        .route("/api/orders", post(api::place_order))
        .route("/api/orders/{id}", get(api::order))
        .route("/api/me", get(access::me))
        .route("/oauth/token", post(access::token))
        .route("/upload", post(upload::upload))
        .route("/image.png", get(bodies::image))
        .route("/echo", any(bodies::echo))
        .route(connections::FLAKY, any(bodies::echo))
        .route("/redirect/{left}", any(redirects::chain))
        .route("/redirect/other-host", any(redirects::to_other_host))
        .route("/redirect-loop", any(redirects::to_itself))
        .route("/encoded/{coding}", get(bodies::encoded))
        .route("/bomb", get(bodies::bomb))
        .route("/many-headers", get(bodies::many_headers))
        .route("/endless", get(bodies::endless))
        .route("/dav", any(bodies::dav))
        .layer(from_fn_with_state(Arc::clone(&site), insist))
        .route("/health", get(async || Json(json!({"status": "healthy"}))))
        .route("/metrics", get(show_metrics))
        .route("/admin/reset", post(reset))
        .fallback(pages::fallback)
        .layer(from_fn(coding::compress))
        .layer(limit)
        .with_state(site)
}

/// Refuses what strict servers refuse, if it is one.
async fn insist(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if site.config.strict {
        if !headers.contains_key(USER_AGENT) {
            return refusal(StatusCode::FORBIDDEN, "the header User-Agent is missing");
        }
        let has_body = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
        let has_length = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
        // In HTTP/2, frames say where a body ends.
        if has_body && !has_length && request.version() < Version::HTTP_2 {
            return refusal(StatusCode::LENGTH_REQUIRED, "the header Content-Length is missing");
        }
    }
    next.run(request).await
}

async fn show_metrics(State(site): State<Arc<Site>>) -> Response {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::text(&site.counters.figures())).into_response()
}

async fn reset(State(site): State<Arc<Site>>) -> Json<serde_json::Value> {
    site.reset();
    Json(json!({"status": "ok"}))
}
