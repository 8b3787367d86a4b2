//! The storefront: both forms of a service give the same answers, by different mechanisms.

use crate::servers;
use crate::support;
use std::{num::NonZeroU32, num::NonZeroUsize, thread, time::Duration};

use serde_json::json;
use support::Client;
use testbed::storefront::{Form, Running, checkout, lookup, read, shopping};

const FORMS: [Form; 2] = [Form::Before, Form::After];

/// A figure of a service's metrics.
fn figure(client: &mut Client, name: &str) -> u64 {
    let text = client.get("/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[test]
fn product_lookup_gives_equal_answers_by_scanning_and_by_an_index() {
    let products = NonZeroU32::new(500).unwrap();
    let bodies = FORMS.map(|form| {
        let lookup = lookup::spawn(lookup::Config { form, products }).unwrap();
        let mut client = Client::new(lookup.address());
        let found = client.get("/lookup/p-250");
        assert_eq!((found.status, found.field("id").as_str()), (200, "p-250"));
        assert_eq!(client.get("/lookup/p-501").status, 404);
        let scanned = figure(&mut client, "lookup_rows_scanned_total");
        assert_eq!(scanned, if form == Form::Before { 250 + 500 } else { 0 });
        assert_eq!(figure(&mut client, "lookup_requests_total"), 2);
        client.post("/admin/reset", &json!({}));
        assert_eq!(figure(&mut client, "lookup_requests_total"), 0);
        found.body
    });
    assert_eq!(bodies[0], bodies[1]);
}

fn read(config: read::Config) -> (Running, Client) {
    let running = read::spawn(config).unwrap();
    let client = Client::new(running.address());
    (running, client)
}

/// All kinds of reads, once each.
const READS: [&str; 4] = [
    "/api/products/p-7",
    "/api/products",
    "/api/products?page=3&size=5",
    "/api/products/search?q=red%20shirt&limit=4",
];

#[test]
fn product_read_gives_equal_answers_with_and_without_a_cache() {
    let bodies = FORMS.map(|form| {
        let (_service, mut client) = read(read::Config::of(form));
        let bodies = READS.map(|path| client.get(path).body);
        // Asked again: from the cache, or from the database once more.
        assert_eq!(READS.map(|path| client.get(path).body), bodies);
        let after = form == Form::After;
        assert_eq!(figure(&mut client, "database_reads_total"), if after { 4 } else { 8 });
        assert_eq!(figure(&mut client, "cache_lookups_total"), if after { 8 } else { 0 });
        assert_eq!(figure(&mut client, "cache_hits_total"), if after { 4 } else { 0 });
        assert_eq!(client.get("/api/products/p-0").status, 404);
        assert_eq!(client.get("/api/products?size=0").status, 400);
        bodies
    });
    assert_eq!(bodies[0], bodies[1]);
    assert!(bodies[0][1].contains("\"id\":\"p-20\"") && bodies[0][2].starts_with("[{\"id\":\"p-11\""));
}

#[test]
fn a_cache_holds_what_fits_and_only_for_a_while() {
    let config = read::Config {
        cache_capacity: NonZeroUsize::new(2).unwrap(),
        cache_ttl: Duration::from_millis(300),
        ..read::Config::of(Form::After)
    };
    let (_service, mut client) = read(config);
    for id in [1, 2, 3, 3] {
        client.get(&format!("/api/products/p-{id}"));
    }
    assert_eq!(figure(&mut client, "cache_evictions_total"), 1);
    assert_eq!(figure(&mut client, "cache_entries"), 2);
    assert_eq!(figure(&mut client, "cache_hits_total"), 1);
    thread::sleep(Duration::from_millis(350));
    assert!(client.get("/api/products/p-3").head.contains("x-cache: miss"));
}

#[test]
fn product_read_works_with_a_real_redis_and_a_real_postgresql() {
    let (Some(redis), Some(postgres)) = (servers::redis(), servers::postgres()) else { return };
    let config = read::Config {
        products: NonZeroU32::new(300).unwrap(),
        redis: Some(format!("redis://127.0.0.1:{}", redis.port)),
        postgres: Some(format!("postgres://postgres@127.0.0.1:{}/postgres", postgres.port)),
        ..read::Config::of(Form::After)
    };
    let embedded = read::Config { redis: None, postgres: None, ..config.clone() };
    let [real, embedded] = [config, embedded].map(|config| {
        let (_service, mut client) = read(config);
        let bodies = READS.map(|path| client.get(path).body);
        assert_eq!(READS.map(|path| client.get(path).body), bodies);
        assert_eq!(figure(&mut client, "cache_hits_total"), 4);
        assert_eq!(figure(&mut client, "database_reads_total"), 4);
        client.post("/admin/reset", &json!({}));
        assert!(client.get(READS[0]).head.contains("x-cache: miss"));
        bodies
    });
    assert_eq!(real, embedded);
}

fn checkout_body() -> serde_json::Value {
    json!({"customer_id": "c", "items": [{"sku": "p-1", "quantity": 2}], "payment_method": "card"})
}

/// Many checkouts at once; returns the most workers seen blocked and the most checkouts in progress.
fn check_out(service: &Running, each: usize, callers: usize) -> (u64, u64) {
    let address = service.address();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..callers)
            .map(|_| {
                scope.spawn(move || {
                    let mut client = Client::new(address);
                    for _ in 0..each {
                        let id = client.post("/api/checkout", &checkout_body()).field("checkout_id");
                        while client.get(&format!("/api/checkout/{id}")).field("state") == "pending" {
                            thread::sleep(Duration::from_millis(2));
                        }
                    }
                })
            })
            .collect();
        let mut client = Client::new(address);
        let (mut blocked, mut in_progress) = (0, 0);
        while !calls.iter().all(thread::ScopedJoinHandle::is_finished) {
            blocked = figure(&mut client, "checkout_workers_blocked").max(blocked);
            in_progress = figure(&mut client, "checkout_in_progress").max(in_progress);
        }
        (blocked, in_progress)
    })
}

fn checkout_is_consistent(config: checkout::Config) {
    let form = config.form;
    let config = checkout::Config { outside: checkout::Outside { decline: 0.2, ..config.outside }, ..config };
    let service = checkout::spawn(config).unwrap();
    let (blocked, in_progress) = check_out(&service, 5, 20);
    let mut client = Client::new(service.address());
    let mut total = |name| figure(&mut client, name);
    assert_eq!(total("checkout_accepted_total"), 100);
    let (completed, compensated) = (total("checkout_completed_total"), total("checkout_compensated_total"));
    assert_eq!(completed + compensated, 100, "{form:?}");
    assert!((5..50).contains(&compensated), "{form:?}: {compensated} of 100 at 20 %");
    assert_eq!(total("checkout_failed_total") + total("checkout_inconsistent_total"), 0);
    assert_eq!(total("payment_charges_total"), completed);
    assert_eq!(total("orders_confirmed_total"), completed);
    assert_eq!(total("inventory_reserved_units"), 2 * completed);
    let events = total("checkout_saga_events_total");
    match form {
        Form::Before => assert!((1..=8).contains(&blocked) && events == 0, "{blocked} blocked, {events}"),
        Form::After => {
            assert_eq!((blocked, events), (0, 4 * 100));
            assert!(in_progress > 8, "{in_progress} at once");
        }
    }
    assert_eq!(client.post("/api/checkout", &json!({"customer_id": "c", "items": []})).status, 400);
    assert_eq!(client.get("/api/checkout/c-1000").status, 404);
}

#[test]
fn every_checkout_ends_once_and_the_books_agree() {
    for form in FORMS {
        checkout_is_consistent(checkout::Config::of(form));
    }
}

/// Breaks all connections of a Redis.
fn disconnect_all(port: u16) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"CLIENT KILL TYPE normal SKIPME yes\r\n").unwrap();
    let mut answer = [0; 64];
    assert!(stream.read(&mut answer).unwrap() > 0 && answer[0] == b':', "so many were broken");
}

#[test]
fn a_saga_outlives_its_brokers_connections() {
    let Some(redis) = servers::redis() else { return };
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let service =
        checkout::spawn(checkout::Config { redis: Some(url), ..checkout::Config::of(Form::After) }).unwrap();
    let mut client = Client::new(service.address());
    for n in 0..200 {
        if n % 40 == 20 {
            disconnect_all(redis.port);
        }
        let order = json!({"customer_id": "c", "items": [{"sku": "p-1", "quantity": 2}]});
        assert_eq!(client.post("/api/checkout", &order).status, 202);
    }
    support::wait_for("all checkouts have ended", || {
        (figure(&mut client, "checkout_in_progress") == 0).then_some(())
    });
    let mut total = |name| figure(&mut client, name);
    assert_eq!((total("checkout_accepted_total"), total("checkout_failed_total")), (200, 0));
    assert_eq!(
        total("checkout_inconsistent_total"),
        0,
        "nobody was charged twice, and nothing stays reserved"
    );
    assert_eq!(total("payment_charges_total"), total("checkout_completed_total"));
}

#[test]
fn a_saga_over_a_real_redis_is_as_consistent() {
    let Some(redis) = servers::redis() else { return };
    let url = format!("redis://127.0.0.1:{}", redis.port);
    checkout_is_consistent(checkout::Config { redis: Some(url), ..checkout::Config::of(Form::After) });
}

#[test]
fn a_sentence_becomes_an_intent_and_a_plan() {
    let parser = shopping::start_intent_parser(testbed::server::bind(0).unwrap()).unwrap();
    let generator = shopping::start_plan_generator(testbed::server::bind(0).unwrap()).unwrap();
    let mut client = Client::new(parser.address());
    let sentence = json!({"text": "Add 5 red shirts to cart and check out"});
    let intent = client.post_json("/parse-intent", &sentence).json();
    assert_eq!(intent["intent"]["items"][0]["quantity"], 5);
    assert_eq!(client.post_json("/parse-intent", &json!({"text": "Good morning"})).status, 422);
    let plan = Client::new(generator.address()).post_json("/generate-plan", &intent).json();
    let actions: Vec<&str> =
        plan["plan"]["steps"].as_array().unwrap().iter().map(|s| s["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["add_to_cart", "reserve_stock", "charge_payment", "confirm_order"]);
}

/// Carries out plans of four steps, in a form and with a share of failures; how many orders say that
/// they are completed.
fn carry_out(plans: u64, form: Form, failure: f64) -> (u64, Client, Running) {
    let config = shopping::Config { failure, call_time: Duration::ZERO, ..shopping::Config::of(form) };
    let service = shopping::spawn_plan_executor(config).unwrap();
    let mut client = Client::new(service.address());
    let item = json!({"action": "add_to_cart", "quantity": 1, "colour": "red", "product": "shirt"});
    let others = ["reserve_stock", "charge_payment", "confirm_order"].map(|action| json!({"action": action}));
    let plan = json!({"plan": {"steps": [item, others[0], others[1], others[2]]}});
    let completed = (0..plans).filter(|_| {
        let id = client.post_json("/execute-plan", &plan).field("order_id");
        let order = client.get(&format!("/orders/{id}")).json();
        let completed = order["state"] == "completed";
        assert!(!completed || order["confirmed"] == true && order["charged"] == true, "{order}");
        completed
    });
    (completed.count() as u64, client, service)
}

#[test]
fn plans_are_given_up_before_and_carried_out_after() {
    // Four calls of which each may fail: 0.95 to the power of 4 is 81 %.
    let (completed, mut client, _service) = carry_out(300, Form::Before, 0.05);
    assert!((215..270).contains(&completed), "{completed} of 300");
    assert_eq!(figure(&mut client, "executor_retries_total"), 0);
    assert!(figure(&mut client, "executor_orphaned_effects_total") > 0);

    let (completed, mut client, _service) = carry_out(300, Form::After, 0.05);
    assert_eq!(completed, 300);
    assert!(figure(&mut client, "executor_retries_total") > 20);
    assert_eq!(figure(&mut client, "executor_duplicate_effects_total"), 0);
    assert_eq!(figure(&mut client, "executor_orphaned_effects_total"), 0);
}

#[test]
fn a_party_that_never_answers_opens_its_breaker() {
    let (completed, mut client, _service) = carry_out(3, Form::After, 1.0);
    assert_eq!(completed, 0);
    assert!(figure(&mut client, "executor_breaker_opened_total") >= 1);
    assert_eq!(figure(&mut client, "executor_abandoned_total"), 3);
}
