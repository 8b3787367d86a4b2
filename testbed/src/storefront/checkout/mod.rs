//! checkout-orchestrator: reserves stock, charges a payment, confirms an order.
//!
//! Before: a pool of workers; one takes a checkout, calls the three parties in turn and is blocked
//! until each has answered. After: a saga. A request only starts it; each event of its stream
//! brings on the next call, and nothing is held while a party takes its time. A declined payment
//! gives the stock back in both forms.

mod blocking;
mod broker;
mod event;
mod parties;
mod payment;
mod register;
mod saga;
mod streams;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

pub use self::payment::start_payment;
use self::{blocking::Workers, parties::Parties, register::Register, saga::Saga};
use super::{Form, Running, figures, health, refusal, serve_once};
use crate::{
    metrics::{Figure, Kind},
    server,
};

/// How to run the orchestrator.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its form.
    pub form: Form,
    /// Workers of the form before.
    pub workers: NonZeroUsize,
    /// What the parties take and refuse, whatever the form.
    pub outside: Outside,
    /// URL of a Redis for the saga's stream; none for one in the process.
    pub redis: Option<String>,
}

/// The parties that a checkout calls: not a part of the service, and the same for both forms.
#[derive(Clone, Copy, Debug)]
pub struct Outside {
    /// How long the inventory takes for a reservation or a release.
    pub inventory_time: Duration,
    /// How long the payment provider takes for a charge.
    pub payment_time: Duration,
    /// How long confirming an order takes.
    pub order_time: Duration,
    /// Charges that the payment provider works on at a time.
    pub payment_slots: NonZeroUsize,
    /// Share of the charges that it declines.
    pub decline: f64,
    /// Where it is, if it is not in this process.
    pub payment: Option<SocketAddr>,
}

impl Config {
    /// A form of the orchestrator with everything else as the command line has it by default.
    pub fn of(form: Form) -> Self {
        Config {
            form,
            workers: NonZeroUsize::MIN.saturating_add(7),
            outside: Outside {
                inventory_time: Duration::from_millis(5),
                payment_time: Duration::from_millis(30),
                order_time: Duration::from_millis(5),
                payment_slots: NonZeroUsize::MIN.saturating_add(15),
                decline: 0.02,
                payment: None,
            },
            redis: None,
        }
    }
}

/// What both forms work on.
struct Shop {
    register: Register,
    parties: Parties,
}

/// How checkouts are carried out.
enum Engine {
    Blocking(Workers),
    Saga(Saga),
}

struct Orchestrator {
    shop: Arc<Shop>,
    engine: Engine,
}

/// Starts an orchestrator on a free port.
pub fn spawn(config: Config) -> io::Result<Running> {
    start(server::bind(0)?, config)
}

/// Starts an orchestrator on a listener from [`server::bind`].
pub fn start(listener: TcpListener, config: Config) -> io::Result<Running> {
    let shop =
        Arc::new(Shop { register: Register::default(), parties: Parties::new(config.outside, config.form) });
    serve_once(listener, async move {
        let engine = match config.form {
            Form::Before => Engine::Blocking(Workers::start(config.workers, &shop)?),
            Form::After => Engine::Saga(Saga::start(config.redis.as_deref(), &shop).await?),
        };
        Ok(router(Arc::new(Orchestrator { shop, engine })))
    })
}

fn router(orchestrator: Arc<Orchestrator>) -> Router {
    Router::new()
        .merge(health())
        .route("/api/checkout", post(check_out))
        .route("/api/checkout/{id}", get(look_up))
        .route("/metrics", get(show_metrics))
        .route("/admin/reset", post(reset))
        .with_state(orchestrator)
}

#[derive(Deserialize)]
struct Checkout {
    customer_id: String,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    sku: String,
    quantity: u32,
}

async fn check_out(State(orchestrator): State<Arc<Orchestrator>>, body: Bytes) -> Response {
    let checkout: Checkout = match serde_json::from_slice(&body) {
        Ok(checkout) => checkout,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let is_item = |item: &Item| !item.sku.is_empty() && item.quantity > 0;
    if checkout.customer_id.is_empty() || checkout.items.is_empty() || !checkout.items.iter().all(is_item) {
        return refusal(StatusCode::BAD_REQUEST, "a checkout has a customer and items");
    }
    let units = checkout.items.iter().map(|item| item.quantity).sum();
    let shop = &orchestrator.shop;
    let id = shop.register.accept(units);
    let carried = match &orchestrator.engine {
        Engine::Blocking(workers) => workers.carry_out(id).await,
        Engine::Saga(saga) => {
            saga.begin(id, shop);
            Ok(())
        }
    };
    if let Err(reason) = carried {
        shop.register.fail(id);
        return refusal(StatusCode::SERVICE_UNAVAILABLE, reason);
    }
    let state = shop.register.state(id);
    (StatusCode::ACCEPTED, Json(json!({"checkout_id": id.text(), "state": state}))).into_response()
}

async fn look_up(State(orchestrator): State<Arc<Orchestrator>>, Path(id): Path<String>) -> Response {
    let state = register::CheckoutId::of(&id).and_then(|id| orchestrator.shop.register.state(id));
    match state {
        Some(state) => Json(json!({"checkout_id": id, "state": state})).into_response(),
        None => refusal(StatusCode::NOT_FOUND, format!("no checkout `{id}`")),
    }
}

async fn show_metrics(State(orchestrator): State<Arc<Orchestrator>>) -> Response {
    let Shop { register, parties } = &*orchestrator.shop;
    let counts = register.counts();
    let books = parties.totals();
    let (blocked, events) = match &orchestrator.engine {
        Engine::Blocking(workers) => (workers.blocked(), 0),
        Engine::Saga(saga) => (0, saga.events()),
    };
    let counter = |name, help, value| Figure { name, kind: Kind::Counter, help, value };
    let gauge = |name, help, value| Figure { name, kind: Kind::Gauge, help, value };
    figures(&[
        counter("checkout_accepted_total", "Checkouts begun.", counts.accepted),
        counter("checkout_completed_total", "Checkouts with an order.", counts.completed),
        counter("checkout_compensated_total", "Checkouts whose stock was given back.", counts.compensated),
        counter("checkout_failed_total", "Checkouts that broke.", counts.failed),
        gauge("checkout_in_progress", "Checkouts not yet ended.", counts.in_progress()),
        counter(
            "checkout_inconsistent_total",
            "Ended checkouts that the parties' books contradict.",
            register.ended(|id, state, units| parties.contradicts(id, state, units)),
        ),
        gauge("checkout_workers_blocked", "Workers that wait for a party.", blocked),
        gauge(
            "checkout_payment_breaker_open",
            "Whether the payment provider is being left alone.",
            u64::from(parties.leaves_payment_alone()),
        ),
        counter("checkout_saga_events_total", "Events of sagas handled.", events),
        gauge("inventory_reserved_units", "Units reserved.", books.reserved),
        counter("payment_charges_total", "Payments charged.", books.charges),
        counter("orders_confirmed_total", "Orders confirmed.", books.orders),
    ])
}

async fn reset(State(orchestrator): State<Arc<Orchestrator>>) -> Json<serde_json::Value> {
    orchestrator.shop.register.reset();
    orchestrator.shop.parties.reset();
    if let Engine::Saga(saga) = &orchestrator.engine {
        saga.reset();
    }
    Json(json!({"status": "ok"}))
}
