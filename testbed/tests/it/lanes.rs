//! The switch and its effect: who waits for whom, and what the observatory shows of it.

use crate::support;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, wait_for};
use testbed::shopstream::{self, Config};

/// Events that wait when the production event comes.
const BACKLOG: u64 = 30;

struct Shop {
    running: shopstream::Running,
    production: Client,
    migration: Client,
    observatory: Client,
}

fn open(config: Config) -> Shop {
    let running = shopstream::spawn(config).unwrap();
    let client = || Client::new(running.address());
    Shop {
        production: client(),
        migration: client().with("x-processing-priority", "low"),
        observatory: Client::new(running.observatory_address()),
        running,
    }
}

fn slow(lanes: bool) -> Config {
    Config { lanes, event_cost: Duration::from_millis(20), ..Config::default() }
}

fn register(client: &mut Client, external_id: &str) -> String {
    let customer = json!({
        "external_id": external_id, "email": "ada@example.com",
        "first_name": "Ada", "last_name": "Byron",
    });
    client.post("/customers", &customer).field("customer_id")
}

impl Shop {
    /// Registers customers of the migration until `BACKLOG` of them wait for their events.
    fn fill(&mut self) -> String {
        let ids: Vec<String> =
            (0..BACKLOG).map(|n| register(&mut self.migration, &format!("M-{n}"))).collect();
        wait_for("the outbox to be published", || {
            let depth = self.depth();
            (depth["outbox"]["identity"]["PENDING"] == 0).then_some(())
        });
        ids.last().unwrap().clone()
    }

    fn depth(&mut self) -> Value {
        self.observatory.get("/api/queue-depth").json()
    }

    fn processed(&mut self, stream: &str) -> u64 {
        self.depth()["streams"][stream]["processed"].as_u64().unwrap()
    }

    fn is_visible(&mut self, id: &str) -> bool {
        self.production.get(&format!("/customers/{id}")).status == 200
    }
}

#[test]
fn with_lanes_a_production_event_overtakes_the_backlog() {
    let mut shop = open(slow(true));
    let last_of_backlog = shop.fill();
    let before = shop.processed("customer:backfill");
    let id = register(&mut shop.production, "P-1");
    wait_for("the production customer", || shop.is_visible(&id).then_some(()));
    let overtaken = shop.processed("customer:backfill");
    // One event was in hand, and a tick of the outbox lets another go ahead; on a busy machine, some.
    assert!(overtaken - before <= BACKLOG / 2, "{before} to {overtaken} processed before it");
    assert!(!shop.is_visible(&last_of_backlog));
    wait_for("the backlog", || shop.is_visible(&last_of_backlog).then_some(()));
}

#[test]
fn without_lanes_a_production_event_waits_its_turn() {
    let mut shop = open(slow(false));
    let last_of_backlog = shop.fill();
    let id = register(&mut shop.production, "P-1");
    wait_for("the production customer", || shop.is_visible(&id).then_some(()));
    assert!(shop.is_visible(&last_of_backlog));
    assert_eq!(shop.processed("customer:backfill"), 0);
    assert!(shop.processed("customer") > BACKLOG - 1);
}

#[test]
fn streams_of_all_contexts_share_one_order_without_lanes() {
    let mut shop = open(slow(false));
    shop.fill();
    let category = shop.production.post("/categories", &json!({"name": "Root"}));
    assert_eq!(category.status, 201);
    wait_for("the category", || (shop.processed("category") == 1).then_some(()));
    assert_eq!(shop.processed("customer"), BACKLOG);
}

#[test]
fn an_ignored_header_leaves_the_backfill_stream_empty() {
    let mut shop = open(Config { honour_priority: false, ..slow(true) });
    shop.fill();
    let streams = shop.depth()["streams"].clone();
    assert_eq!(streams["customer:backfill"]["length"], 0);
    assert!(streams["customer"]["length"].as_u64() > Some(0));
}

#[test]
fn the_observatory_shows_every_stream_and_the_backlog() {
    let mut shop = open(slow(true));
    shop.fill();
    let metrics = shop.observatory.get("/metrics");
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4"));
    let value = |series: &str| -> Option<u64> {
        let line = metrics.body.lines().find_map(|line| line.strip_prefix(series));
        line.map(|value| value.trim().parse().unwrap())
    };
    for stream in ["customer", "product", "category", "order", "shopping_cart", "payment"] {
        for lane in ["", ":backfill"] {
            let series = format!("protean_stream_messages{{stream=\"{stream}{lane}\"}}");
            assert!(value(&series).is_some(), "{series}");
        }
    }
    let length = value("protean_stream_messages{stream=\"customer:backfill\"}");
    let processed = value("protean_stream_processed_total{stream=\"customer:backfill\"}");
    assert_eq!(length.unwrap() + processed.unwrap(), BACKLOG);
    assert!(length > Some(0));
    assert_eq!(value("protean_stream_messages{stream=\"customer\"}"), Some(0));
    let published = "protean_outbox_messages{domain=\"identity\",status=\"PUBLISHED\"}";
    assert_eq!(value(published), Some(BACKLOG));
    assert_eq!(value("protean_broker_up"), Some(1));
}

#[test]
fn more_engines_handle_more_events_at_a_time() {
    let mut shop = open(Config {
        engines: shopstream::Engines::Shared(4.try_into().unwrap()),
        event_cost: Duration::from_millis(40),
        ..Config::default()
    });
    let start = Instant::now();
    let last = shop.fill();
    wait_for("the last customer", || shop.is_visible(&last).then_some(()));
    let one_engine = Duration::from_millis(40) * u32::try_from(BACKLOG).unwrap();
    assert!(start.elapsed() < one_engine, "{:?}", start.elapsed());
}

#[test]
fn a_shop_closes_with_its_backlog_unprocessed() {
    let mut shop = open(Config { event_cost: Duration::from_millis(100), ..slow(true) });
    shop.fill();
    let start = Instant::now();
    drop(shop.running);
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
}
