//! The observatory: how many messages are in the outbox and in each stream.
//!
//! Embedded figures are kept in memory, so a look costs the same however many messages wait; a
//! Redis is asked for its own.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    sync::Arc,
};

use axum::{
    Json, Router,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    Shop,
    store::OutboxDepth,
    streams::{BrokerState, Depth},
};

/// The observatory's endpoints.
pub(super) fn router(shop: Arc<Shop>) -> Router {
    Router::new()
        .route("/health", get(async || Json(json!({"status": "healthy"}))))
        .route("/metrics", get(show_metrics))
        .route("/api/queue-depth", get(show_queue_depth))
        .with_state(shop)
}

async fn show_metrics(State(shop): State<Arc<Shop>>) -> Response {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, content_type)], metrics(&look(shop).await)).into_response()
}

async fn show_queue_depth(State(shop): State<Arc<Shop>>) -> Json<Value> {
    Json(queue_depth(&look(shop).await))
}

/// All figures at one moment.
struct Sight {
    outbox: Vec<(&'static str, OutboxDepth)>,
    streams: Vec<(String, Depth)>,
    /// None while the broker does not answer.
    broker: Option<BrokerState>,
}

async fn look(shop: Arc<Shop>) -> Sight {
    let look = tokio::task::spawn_blocking(move || see(&shop));
    look.await.expect("looking at figures does not panic")
}

fn see(shop: &Shop) -> Sight {
    let streams = shop.streams.depths().unwrap_or_default().into_iter();
    Sight {
        outbox: shop.store.outbox_depths(),
        streams: streams.map(|(name, depth)| (name.to_string(), depth)).collect(),
        broker: shop.streams.broker().ok(),
    }
}

/// The figures in Prometheus text format 0.0.4.
fn metrics(sight: &Sight) -> String {
    let mut text = String::new();
    family(&mut text, "protean_broker_up", "gauge", "Whether the broker answers.");
    sample(&mut text, "protean_broker_up", format_args!(""), u64::from(sight.broker.is_some()));
    for (name, help, figure) in BROKER_FAMILIES {
        if let Some(broker) = sight.broker {
            family(&mut text, name, "gauge", help);
            sample(&mut text, name, format_args!(""), figure(broker));
        }
    }
    family(&mut text, "protean_outbox_messages", "gauge", "Messages in the outbox.");
    for (domain, depth) in &sight.outbox {
        for (status, count) in depth.by_status() {
            let labels = format_args!("{{domain=\"{domain}\",status=\"{status}\"}}");
            sample(&mut text, "protean_outbox_messages", labels, count);
        }
    }
    for (name, kind, help, figure) in STREAM_FAMILIES {
        family(&mut text, name, kind, help);
        for (stream, depth) in &sight.streams {
            let labels = format_args!("{{stream=\"{stream}\"}}");
            sample(&mut text, name, labels, figure(*depth));
        }
    }
    text
}

type BrokerFamily = (&'static str, &'static str, fn(BrokerState) -> u64);

const BROKER_FAMILIES: [BrokerFamily; 3] = [
    ("protean_broker_ops_per_sec", "Operations in the last second.", |broker| broker.operations_per_second),
    ("protean_broker_memory_bytes", "Memory in use.", |broker| broker.memory_bytes),
    ("protean_broker_connected_clients", "Connections from clients.", |broker| broker.connected_clients),
];

type StreamFamily = (&'static str, &'static str, &'static str, fn(Depth) -> u64);

const STREAM_FAMILIES: [StreamFamily; 5] = [
    ("protean_stream_messages", "gauge", "Messages not yet processed.", Depth::length),
    ("protean_stream_lag", "gauge", "Messages not yet delivered to an engine.", |depth| depth.lag),
    ("protean_stream_pending", "gauge", "Messages delivered and not yet acknowledged.", |depth| {
        depth.pending
    }),
    ("protean_stream_processed_total", "counter", "Messages processed.", |depth| depth.processed),
    ("protean_stream_dlq_depth", "gauge", "Messages that could not be processed.", |depth| depth.dead),
];

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(text: &mut String, name: &str, labels: fmt::Arguments<'_>, value: u64) {
    let _ = writeln!(text, "{name}{labels} {value}");
}

/// The figures as JSON.
fn queue_depth(sight: &Sight) -> Value {
    let outbox: BTreeMap<_, BTreeMap<_, _>> = sight
        .outbox
        .iter()
        .map(|(domain, depth)| (domain, depth.by_status().into_iter().collect()))
        .collect();
    let streams: BTreeMap<_, _> =
        sight.streams.iter().map(|(name, depth)| (name, stream_depth(*depth))).collect();
    let sum =
        |figure: fn(Depth) -> u64| -> u64 { sight.streams.iter().map(|(_, depth)| figure(*depth)).sum() };
    json!({
        "outbox": outbox,
        "streams": streams,
        "totals": {
            "outbox_pending": sight.outbox.iter().map(|(_, depth)| depth.pending).sum::<u64>(),
            "stream_messages": sum(Depth::length),
            "stream_lag": sum(|depth| depth.lag),
            "stream_pending": sum(|depth| depth.pending),
            "processed": sum(|depth| depth.processed),
            "dead": sum(|depth| depth.dead),
        },
    })
}

fn stream_depth(depth: Depth) -> Value {
    json!({
        "length": depth.length(),
        "lag": depth.lag,
        "pending": depth.pending,
        "processed": depth.processed,
        "dead": depth.dead,
    })
}

#[cfg(test)]
mod tests {
    use super::{BrokerState, Depth, OutboxDepth, Sight, metrics, queue_depth};

    fn sight() -> Sight {
        let outbox = OutboxDepth { pending: 2, published: 40 };
        let stream = Depth { lag: 3, pending: 1, processed: 36, dead: 2 };
        Sight {
            outbox: vec![("identity", outbox)],
            streams: vec![("customer:backfill".to_owned(), stream)],
            broker: Some(BrokerState { operations_per_second: 90, ..BrokerState::default() }),
        }
    }

    #[test]
    fn metrics_name_every_figure_with_its_labels() {
        let text = metrics(&sight());
        for line in [
            "# TYPE protean_stream_processed_total counter",
            "protean_broker_up 1",
            "protean_broker_ops_per_sec 90",
            "protean_stream_dlq_depth{stream=\"customer:backfill\"} 2",
            "protean_outbox_messages{domain=\"identity\",status=\"PENDING\"} 2",
            "protean_outbox_messages{domain=\"identity\",status=\"PUBLISHED\"} 40",
            "protean_stream_messages{stream=\"customer:backfill\"} 4",
            "protean_stream_lag{stream=\"customer:backfill\"} 3",
            "protean_stream_pending{stream=\"customer:backfill\"} 1",
            "protean_stream_processed_total{stream=\"customer:backfill\"} 36",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn queue_depth_has_the_same_figures_and_their_totals() {
        let depth = queue_depth(&sight());
        assert_eq!(depth["outbox"]["identity"]["PENDING"], 2);
        assert_eq!(depth["streams"]["customer:backfill"]["length"], 4);
        assert_eq!(depth["totals"]["stream_messages"], 4);
        assert_eq!(depth["totals"]["outbox_pending"], 2);
    }
}
