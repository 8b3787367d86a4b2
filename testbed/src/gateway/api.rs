//! The HTTP API: messages in, events of the replica out.

use std::{sync::Arc, time::Duration, time::Instant};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Gateway,
    counters::PATH,
    event::{Event, Posted},
};
use crate::{
    metrics,
    neighbour::{Problem, broken, detail, off_the_runtime},
};

/// How long a reset waits for what is on its way.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);

pub(super) fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route(PATH, post(receive))
        .route("/v1/admin/memory/{event_id}", get(show))
        .route("/v1/admin/dlq", get(dead))
        .route("/v1/health", get(health))
        .route("/health", get(health))
        .route("/metrics", get(show_metrics))
        .route("/admin/reset", post(reset))
        .with_state(gateway)
}

async fn receive(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: Bytes) -> Response {
    let begun = Instant::now();
    let response = match accept(&gateway, &headers, &body).await {
        Ok(answer) => Json(answer).into_response(),
        Err((status, reason)) => detail(status, &reason),
    };
    let class = usize::from(response.status().as_u16() / 100);
    // 2xx, 4xx, 5xx.
    gateway.counters.requests[class.saturating_sub(2).saturating_sub(usize::from(class > 2))].add(1);
    gateway.counters.request_seconds.observe(begun.elapsed().as_secs_f64());
    response
}

type Refusal = (StatusCode, String);

async fn accept(gateway: &Arc<Gateway>, headers: &HeaderMap, body: &Bytes) -> Result<Value, Refusal> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let claims = gateway.verifier.as_ref().map(|verifier| verifier.claims(authorization)).transpose();
    let claims = claims.map_err(|reason| (StatusCode::UNAUTHORIZED, reason.to_owned()))?;
    let tenant = claims.and_then(|claims| claims["tenant"].as_str().map(str::to_owned));
    let posted = serde_json::from_slice::<Posted>(body).map_err(|error| error.to_string());
    let event = posted.and_then(|posted| posted.received(tenant));
    let mut event = event.map_err(|reason| (StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    let way = if gateway.config.write_through && written_through(gateway, &mut event).await {
        "write-through"
    } else {
        let (of, queued) = (Arc::clone(gateway), event.clone());
        let enqueued = off_the_runtime(move || of.replica.enqueue(&queued)).await;
        enqueued.map_err(|problem| (StatusCode::SERVICE_UNAVAILABLE, problem.to_string()))?;
        "outbox"
    };
    Ok(json!({"session_id": event.session_id, "event_id": event.id, "way": way}))
}

/// Writes an event to memory and log; false if it has to take the outbox.
async fn written_through(gateway: &Gateway, event: &mut Event) -> bool {
    let counters = &gateway.counters;
    counters.attempts.add(1);
    tokio::time::sleep(gateway.memory.cost()).await;
    if !gateway.memory.succeeds() {
        counters.written.error.add(1);
        return false;
    }
    counters.written.ok.add(1);
    match gateway.wal.append(event) {
        Ok(()) => {
            counters.logged.ok.add(1);
            true
        }
        Err(problem) => {
            counters.logged.error.add(1);
            eprintln!("gateway: WAL: {problem}");
            false
        }
    }
}

async fn show(State(gateway): State<Arc<Gateway>>, Path(event_id): Path<String>) -> Response {
    match off_the_runtime(move || gateway.replica.find(&event_id)).await {
        Ok(Some(event)) => Json(event).into_response(),
        Ok(None) => detail(StatusCode::NOT_FOUND, "no such event in the replica"),
        Err(problem) => broken(&problem),
    }
}

async fn dead(State(gateway): State<Arc<Gateway>>) -> Response {
    let entry = |(event_id, reason)| json!({"event_id": event_id, "reason": reason});
    match off_the_runtime(move || gateway.replica.dead()).await {
        Ok(dead) => Json(dead.into_iter().map(entry).collect::<Vec<Value>>()).into_response(),
        Err(problem) => broken(&problem),
    }
}

async fn health(State(gateway): State<Arc<Gateway>>) -> Response {
    match off_the_runtime(move || gateway.replica.depths()).await {
        Ok((outbox, dead)) => {
            Json(json!({"status": "healthy", "outbox": outbox, "dlq": dead})).into_response()
        }
        Err(problem) => broken(&problem),
    }
}

async fn show_metrics(State(gateway): State<Arc<Gateway>>) -> Response {
    let of = Arc::clone(&gateway);
    let depths = off_the_runtime(move || of.replica.depths()).await.ok();
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], gateway.counters.page(depths)).into_response()
}

/// Deletes everything, once nothing is on its way.
async fn reset(State(gateway): State<Arc<Gateway>>) -> Response {
    let begun = Instant::now();
    loop {
        let of = Arc::clone(&gateway);
        match off_the_runtime(move || clear(&of)).await {
            Ok(true) => return Json(json!({"status": "ok"})).into_response(),
            Ok(false) if begun.elapsed() < PATIENCE => tokio::time::sleep(LOOK).await,
            Ok(false) => return detail(StatusCode::SERVICE_UNAVAILABLE, "events are on their way"),
            Err(problem) => return broken(&problem),
        }
    }
}

/// Deletes everything between two moves of events; false while the log is not applied.
fn clear(gateway: &Gateway) -> Result<bool, Problem> {
    let _rest = gateway.counters.rest();
    if gateway.replica.position()? < gateway.wal.length() {
        return Ok(false);
    }
    gateway.wal.clear()?;
    gateway.replica.truncate()?;
    gateway.counters.reset();
    Ok(true)
}
