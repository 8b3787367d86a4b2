//! Shopping by a sentence: intent-parser, plan-generator and plan-executor.
//!
//! The first two have one form: they only turn texts into values. The executor calls parties that
//! now and then do not answer. Before: it gives up at the first call without an answer. After: it
//! calls again, under an idempotency key and behind circuit breakers.

mod executor;
mod intent;
mod parties;
mod plan;

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use self::{
    executor::{Executor, number},
    intent::{Intent, parse},
    parties::Parties,
    plan::Plan,
};
use super::{Form, Running, figures, health, refusal, serve};
use crate::{
    metrics::{Figure, Kind},
    server,
};

/// How to run the plan-executor.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Its form.
    pub form: Form,
    /// How long a party takes to answer, whatever the form.
    pub call_time: Duration,
    /// Share of the calls that get no answer, whatever the form; half of these have had their effect.
    pub failure: f64,
    /// Most calls for one step, of the form after.
    pub attempts: u32,
}

impl Config {
    /// A form of the executor with everything else as the command line has it by default.
    pub fn of(form: Form) -> Self {
        Config { form, call_time: Duration::from_millis(2), failure: 0.05, attempts: 5 }
    }
}

/// Starts an intent-parser on a listener from [`server::bind`].
pub fn start_intent_parser(listener: TcpListener) -> io::Result<Running> {
    serve(listener, Router::new().merge(health()).route("/parse-intent", post(parse_intent)))
}

/// Starts a plan-generator on a listener from [`server::bind`].
pub fn start_plan_generator(listener: TcpListener) -> io::Result<Running> {
    serve(listener, Router::new().merge(health()).route("/generate-plan", post(generate_plan)))
}

/// Starts a plan-executor on a free port.
pub fn spawn_plan_executor(config: Config) -> io::Result<Running> {
    start_plan_executor(server::bind(0)?, config)
}

/// Starts a plan-executor on a listener from [`server::bind`].
pub fn start_plan_executor(listener: TcpListener, config: Config) -> io::Result<Running> {
    let parties = Parties::new(config.call_time, config.failure);
    let executor = Arc::new(Executor::new(config.form, config.attempts, parties));
    let router = Router::new()
        .route("/execute-plan", post(execute_plan))
        .route("/orders/{id}", get(show_order))
        .route("/metrics", get(show_metrics))
        .route("/admin/reset", post(reset))
        .with_state(executor);
    serve(listener, router.merge(health()))
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
}

async fn parse_intent(sentence: Result<Json<Sentence>, JsonRejection>) -> Response {
    match sentence {
        Ok(Json(Sentence { text })) => match parse(&text) {
            Some(intent) => Json(json!({"intent": intent})).into_response(),
            None => refusal(StatusCode::UNPROCESSABLE_ENTITY, "the sentence names no product"),
        },
        Err(rejection) => refusal(StatusCode::BAD_REQUEST, rejection.body_text()),
    }
}

#[derive(Deserialize)]
struct Wish {
    intent: Intent,
}

async fn generate_plan(wish: Result<Json<Wish>, JsonRejection>) -> Response {
    match wish {
        Ok(Json(Wish { intent })) => Json(json!({"plan": Plan::of(&intent)})).into_response(),
        Err(rejection) => refusal(StatusCode::BAD_REQUEST, rejection.body_text()),
    }
}

#[derive(Deserialize)]
struct Task {
    plan: Plan,
}

async fn execute_plan(
    State(executor): State<Arc<Executor>>,
    task: Result<Json<Task>, JsonRejection>,
) -> Response {
    match task {
        Ok(Json(Task { plan })) => {
            let number = executor.execute(plan).await;
            match executor.order(number) {
                Some(order) => {
                    Json(json!({"order_id": order.order_id, "state": order.state})).into_response()
                }
                None => refusal(StatusCode::SERVICE_UNAVAILABLE, "reset meanwhile"),
            }
        }
        Err(rejection) => refusal(StatusCode::BAD_REQUEST, rejection.body_text()),
    }
}

async fn show_order(State(executor): State<Arc<Executor>>, Path(id): Path<String>) -> Response {
    match number(&id).and_then(|number| executor.order(number)) {
        Some(order) => Json(order).into_response(),
        None => refusal(StatusCode::NOT_FOUND, format!("no order `{id}`")),
    }
}

async fn show_metrics(State(executor): State<Arc<Executor>>) -> Response {
    let counts = executor.counts();
    let counter = |name, help, value| Figure { name, kind: Kind::Counter, help, value };
    figures(&[
        counter("executor_plans_total", "Plans begun.", counts.plans),
        counter("executor_completed_total", "Plans carried out whole.", counts.completed),
        counter("executor_abandoned_total", "Plans given up.", counts.abandoned),
        counter("executor_calls_total", "Calls of parties.", counts.calls),
        counter("executor_failures_injected_total", "Calls that got no answer.", counts.failures),
        counter("executor_retries_total", "Calls made again.", counts.retries),
        counter("executor_breaker_opened_total", "Times that a circuit breaker opened.", counts.opened),
        counter("executor_duplicate_effects_total", "Effects beyond the first of a step.", counts.duplicates),
        counter("executor_orphaned_effects_total", "Effects left of plans given up.", counts.orphaned),
    ])
}

async fn reset(State(executor): State<Arc<Executor>>) -> Json<serde_json::Value> {
    executor.reset();
    Json(json!({"status": "ok"}))
}
