//! The gateway: what it accepts reaches the replica, once, by a write-through or by the outbox; what cannot be applied is put
//! aside, and every number is told under its name.

use crate::servers;
use crate::support;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};
use support::{Client, wait_for};
use testbed::gateway::{self, Config, Running};

const PATH: &str = "/v1/session/message";

fn quick() -> Config {
    Config { memory_cost: Duration::ZERO, ..Config::default() }
}

fn up(config: Config) -> (Running, Client) {
    let gateway = gateway::spawn(config).unwrap();
    let client = Client::new(gateway.address());
    (gateway, client)
}

fn message(text: &str) -> Value {
    json!({"message": text, "metadata": {"tenant": "acme", "persona_id": "p-1"}})
}

/// A sample of the metrics page, by name and labels as they stand there.
fn figure(client: &mut Client, name: &str) -> f64 {
    let text = client.get("/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// Waits until a sample has a value: counts follow what they count.
fn wait_for_figure(client: &mut Client, name: &str, value: f64) {
    wait_for(name, || (figure(client, name) == value).then_some(()));
}

/// Sends messages, and waits until the replica has them.
fn send(client: &mut Client, count: usize) -> Vec<String> {
    let ids: Vec<String> = (0..count)
        .map(|n| {
            let answer = client.post(PATH, &message(&format!("ping {n}")));
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.field("event_id")
        })
        .collect();
    let replicated = |client: &mut Client| {
        ids.iter().all(|id| client.get(&format!("/v1/admin/memory/{id}")).status == 200)
    };
    wait_for("the events in the replica", || replicated(client).then_some(()));
    ids
}

#[test]
fn with_write_through_every_step_is_counted() {
    let (_gateway, mut client) = up(quick());
    let ids = send(&mut client, 5);
    let event = client.get(&format!("/v1/admin/memory/{}", ids[0])).json();
    assert!(event["replicated_at"].as_i64() >= event["wal_timestamp"].as_i64(), "{event}");
    for (name, value) in [
        ("gateway_write_through_attempts_total{path=\"/v1/session/message\"}", 5.0),
        ("gateway_write_through_results_total{path=\"/v1/session/message\",result=\"ok\"}", 5.0),
        ("gateway_write_through_results_total{path=\"/v1/session/message\",result=\"server_error\"}", 0.0),
        ("gateway_write_through_wal_results_total{path=\"/v1/session/message\",result=\"ok\"}", 5.0),
        ("gateway_dlq_depth{topic=\"memory.wal\"}", 0.0),
        ("outbox_sync_backlog", 0.0),
        ("gateway_requests_total{path=\"/v1/session/message\",status=\"2xx\"}", 5.0),
    ] {
        assert_eq!(figure(&mut client, name), value, "{name}");
    }
    wait_for_figure(&mut client, "memory_replicator_lag_seconds", 0.0);
    assert_eq!(figure(&mut client, "memory_replicator_events_total{result=\"ok\"}"), 5.0);

    assert_eq!(client.post("/admin/reset", &json!({})).status, 200);
    assert_eq!(client.get(&format!("/v1/admin/memory/{}", ids[0])).status, 404);
    assert_eq!(
        figure(&mut client, "gateway_write_through_attempts_total{path=\"/v1/session/message\"}"),
        0.0
    );
    send(&mut client, 2);
}

#[test]
fn without_write_through_the_outbox_brings_the_same_to_the_replica() {
    let (_gateway, mut client) = up(Config { write_through: false, ..quick() });
    send(&mut client, 5);
    assert_eq!(
        figure(&mut client, "gateway_write_through_attempts_total{path=\"/v1/session/message\"}"),
        0.0
    );
    wait_for_figure(&mut client, "outbox_sync_publish_total{result=\"success\"}", 5.0);
}

#[test]
fn a_memory_that_fails_loses_nothing() {
    let (_gateway, mut client) = up(Config { memory_failures: 0.5, ..quick() });
    send(&mut client, 20);
    let failed = "gateway_write_through_results_total{path=\"/v1/session/message\",result=\"server_error\"}";
    assert!(figure(&mut client, failed) > 0.0);
    wait_for_figure(&mut client, "memory_replicator_lag_seconds", 0.0);
    wait_for_figure(&mut client, "memory_replicator_events_total{result=\"ok\"}", 20.0);
}

#[test]
fn what_the_replica_refuses_is_put_aside_and_holds_up_nobody() {
    let (_gateway, mut client) = up(quick());
    let id = client.post(PATH, &message(&"x".repeat(5000))).field("event_id");
    send(&mut client, 3);
    assert_eq!(figure(&mut client, "gateway_dlq_depth{topic=\"memory.wal\"}"), 1.0);
    let dead = client.get("/v1/admin/dlq").json();
    assert_eq!(dead[0]["event_id"], id.as_str());
    for wrong in [json!({"message": ""}), json!({"message": "x".repeat(20_000)}), json!({})] {
        assert_eq!(client.post(PATH, &wrong).status, 422);
    }
}

#[test]
fn where_a_token_is_required_only_a_valid_one_is_let_in() {
    let (gateway, mut client) = up(Config { require_auth: true, jwt_secret: "secret".to_owned(), ..quick() });
    assert_eq!(client.post(PATH, &message("ping")).status, 401);
    let signed =
        [r#"{"alg":"HS256"}"#, r#"{"tenant":"acme"}"#].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), signed.as_bytes());
    let token = format!("Bearer {signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    let mut client = Client::new(gateway.address()).with("authorization", &token);
    send(&mut client, 1);
    assert_eq!(
        figure(&mut client, "gateway_requests_total{path=\"/v1/session/message\",status=\"4xx\"}"),
        1.0
    );
}

#[test]
fn what_is_in_the_log_is_applied_after_a_restart_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { data: Some(folder.path().to_owned()), ..quick() };
    let (first, mut client) = up(config.clone());
    let ids = send(&mut client, 3);
    drop(first);
    let (_second, mut client) = up(config);
    send(&mut client, 1);
    assert_eq!(client.get(&format!("/v1/admin/memory/{}", ids[0])).status, 200);
    wait_for_figure(&mut client, "memory_replicator_lag_seconds", 0.0);
    wait_for_figure(&mut client, "memory_replicator_events_total{result=\"ok\"}", 1.0);
}

#[test]
fn the_replica_may_be_a_real_postgresql() {
    let Some(postgres) = servers::postgres() else { return };
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", postgres.port);
    let (_gateway, mut client) = up(Config { postgres: Some(url), ..quick() });
    client.post(PATH, &message(&"x".repeat(5000)));
    send(&mut client, 5);
    assert_eq!(figure(&mut client, "gateway_dlq_depth{topic=\"memory.wal\"}"), 1.0);
    assert_eq!(client.post("/admin/reset", &json!({})).status, 200);
    send(&mut client, 2);
}
