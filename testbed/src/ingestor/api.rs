//! The HTTP API: takes messages in, and tells how things are.

use std::{sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;

use super::{Ingestor, board::Sight, dashboard, message::Posted, queue::Lengths};
use crate::{
    clock,
    metrics::{self, Kind, Page},
    neighbour::{Problem, broken, detail, off_the_runtime},
};

/// How long a reset waits for batches that are being committed.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);

pub(super) fn router(ingestor: Arc<Ingestor>) -> Router {
    Router::new()
        .route("/", get(async || Json(json!({"service": "ingestor"}))))
        .route("/messages", post(receive))
        .route("/messages/{id}", get(show))
        .route("/health", get(health))
        .route("/stats", get(stats))
        .route("/metrics", get(show_metrics))
        .route("/ws", get(dashboard::upgrade))
        .route("/admin/reset", post(reset))
        .with_state(ingestor)
}

async fn receive(State(ingestor): State<Arc<Ingestor>>, body: Bytes) -> Response {
    let received_at = clock::now_us();
    let posted = serde_json::from_slice::<Posted>(&body).map_err(|error| error.to_string());
    let message = match posted.and_then(|posted| posted.received(received_at)) {
        Ok(message) => message,
        Err(reason) => return ingestor.refuse(StatusCode::UNPROCESSABLE_ENTITY, &reason),
    };
    let Ok(_place) = ingestor.places.acquire().await else {
        return ingestor.refuse(StatusCode::SERVICE_UNAVAILABLE, "closing");
    };
    if !ingestor.config.receive_cost.is_zero() {
        tokio::time::sleep(ingestor.config.receive_cost).await;
    }
    if let Some(most) = ingestor.config.queue_limit {
        match ingestor.queue.lengths().await {
            Ok(lengths) if lengths.waiting < most => {}
            Ok(_) => return ingestor.refuse(StatusCode::SERVICE_UNAVAILABLE, "the queue is full"),
            Err(problem) => return ingestor.refuse(StatusCode::SERVICE_UNAVAILABLE, &problem.to_string()),
        }
    }
    let id = message.id.clone();
    match ingestor.queue.push(message).await {
        Ok(()) => {
            ingestor.accepted.fetch_add(1, Relaxed);
            (StatusCode::ACCEPTED, Json(json!({"status": "queued", "id": id}))).into_response()
        }
        Err(problem) => ingestor.refuse(StatusCode::SERVICE_UNAVAILABLE, &problem.to_string()),
    }
}

impl Ingestor {
    fn refuse(&self, status: StatusCode, reason: &str) -> Response {
        self.refused.fetch_add(1, Relaxed);
        detail(status, reason)
    }
}

/// A message, once it is committed.
async fn show(State(ingestor): State<Arc<Ingestor>>, Path(id): Path<String>) -> Response {
    match off_the_runtime(move || ingestor.database.find(&id)).await {
        Ok(Some(message)) => Json(message).into_response(),
        Ok(None) => detail(StatusCode::NOT_FOUND, "no such message in the database"),
        Err(problem) => broken(&problem),
    }
}

async fn health(State(ingestor): State<Arc<Ingestor>>) -> Response {
    let redis = |answers| match (&ingestor.config.redis, answers) {
        (None, _) => "embedded",
        (Some(_), true) => "connected",
        (Some(_), false) => "disconnected",
    };
    match ingestor.queue.lengths().await {
        Ok(Lengths { waiting, .. }) => {
            let shown = json!({"status": "healthy", "redis": redis(true), "queue_length": waiting});
            Json(shown).into_response()
        }
        Err(_) => {
            let shown = json!({"status": "unhealthy", "redis": redis(false), "queue_length": null});
            (StatusCode::SERVICE_UNAVAILABLE, Json(shown)).into_response()
        }
    }
}

async fn stats(State(ingestor): State<Arc<Ingestor>>) -> Response {
    match dashboard::shown(&ingestor).await {
        Ok(shown) => Json(shown).into_response(),
        Err(problem) => broken(&problem),
    }
}

async fn show_metrics(State(ingestor): State<Arc<Ingestor>>) -> Response {
    let looks = (ingestor.board.sight().await, ingestor.queue.lengths().await);
    let mut page = Page::default();
    let mut add = |name, kind, help, value: f64| {
        page.family(name, kind, help).sample("", &[], value);
    };
    let count = |number: &std::sync::atomic::AtomicU64| number.load(Relaxed) as f64;
    add("ingestor_accepted_total", Kind::Counter, "Messages accepted.", count(&ingestor.accepted));
    add("ingestor_refused_total", Kind::Counter, "Messages refused.", count(&ingestor.refused));
    add(
        "ingestor_worker_failures_total",
        Kind::Counter,
        "Attempts of workers that failed.",
        count(&ingestor.failures),
    );
    // What cannot be known is left out: a gap is no 0.
    if let Ok(Lengths { waiting, in_hand }) = looks.1 {
        add("ingestor_queue_length", Kind::Gauge, "Messages that wait.", waiting as f64);
        add("ingestor_in_hand", Kind::Gauge, "Messages taken and not yet committed.", in_hand as f64);
    }
    if let Ok(Sight { total_messages, total_batches, current_rps, latency }) = looks.0 {
        add("ingestor_messages_total", Kind::Counter, "Messages committed.", total_messages as f64);
        add("ingestor_batches_total", Kind::Counter, "Batches committed.", total_batches as f64);
        add("ingestor_current_rps", Kind::Gauge, "Messages per second, over 10 s.", current_rps);
        let latencies = [
            ("ingestor_avg_latency_ms", "Mean from receipt to commit, last 100 messages.", latency.mean),
            ("ingestor_p95_latency_ms", "95 % quantile of the same.", latency.p95),
            ("ingestor_p99_latency_ms", "99 % quantile of the same.", latency.p99),
        ];
        for (name, help, value) in latencies {
            add(name, Kind::Gauge, help, value);
        }
    }
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], page.text()).into_response()
}

/// Deletes everything, once nothing is being committed any more.
async fn reset(State(ingestor): State<Arc<Ingestor>>) -> Response {
    match tokio::time::timeout(PATIENCE, clear(&ingestor)).await {
        Ok(Ok(())) => Json(json!({"status": "ok"})).into_response(),
        Ok(Err(problem)) => broken(&problem),
        Err(_) => detail(StatusCode::SERVICE_UNAVAILABLE, "workers do not come to rest"),
    }
}

async fn clear(ingestor: &Arc<Ingestor>) -> Result<(), Problem> {
    ingestor.queue.clear().await?;
    while ingestor.queue.lengths().await? != Lengths::default() {
        tokio::time::sleep(LOOK).await;
    }
    let of = Arc::clone(ingestor);
    off_the_runtime(move || of.database.truncate()).await?;
    ingestor.board.reset().await?;
    for count in [&ingestor.accepted, &ingestor.refused, &ingestor.failures] {
        count.store(0, Relaxed);
    }
    Ok(())
}
