//! The ingestor: what it accepts it commits, once, and tells of by every way that there is.

use crate::servers;
use crate::support;
use std::{net::TcpStream, num::NonZeroUsize, time::Duration};

use redis::Commands;
use serde_json::{Value, json};
use support::{Client, wait_for};
use testbed::ingestor::{self, Config, Running};

/// Batches of two, or of what comes within 20 ms, told of in a file.
fn quick(folder: &tempfile::TempDir) -> Config {
    Config {
        batch_size: NonZeroUsize::new(2).unwrap(),
        batch_timeout: Duration::from_millis(20),
        log: Some(folder.path().join("worker.log")),
        ..Config::default()
    }
}

fn client(ingestor: &Running) -> Client {
    Client::new(ingestor.address().unwrap())
}

fn message(n: u64) -> Value {
    json!({"user_id": n % 10_000 + 1, "channel_id": n % 100 + 1, "content": format!("message {n}")})
}

/// Posts messages, and waits until all of them are committed.
fn send(client: &mut Client, count: u64) -> Vec<String> {
    let ids = (0..count).map(|n| {
        let answer = client.post("/messages", &message(n));
        assert_eq!((answer.status, answer.field("status").as_str()), (202, "queued"));
        answer.field("id")
    });
    let ids: Vec<String> = ids.collect();
    wait_for("the messages in the database", || committed(client, &ids).then_some(()));
    ids
}

fn committed(client: &mut Client, ids: &[String]) -> bool {
    ids.iter().all(|id| client.get(&format!("/messages/{id}")).status == 200)
}

fn figure(client: &mut Client, name: &str) -> f64 {
    let text = client.get("/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[test]
fn what_is_accepted_is_committed_and_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let ingestor = ingestor::spawn(quick(&folder)).unwrap();
    let mut client = client(&ingestor);
    let health = client.get("/health").json();
    assert_eq!(health, json!({"status": "healthy", "redis": "embedded", "queue_length": 0}));

    let ids = send(&mut client, 5);
    let shown = client.get(&format!("/messages/{}", ids[4])).json();
    assert_eq!((&shown["channel_id"], &shown["content"]), (&json!(5), &json!("message 4")));
    assert!(shown["inserted_at"].as_i64() >= shown["created_at"].as_i64());
    assert_eq!(client.get("/messages/unknown").status, 404);
    wait_for("the last batch to be settled", || {
        (figure(&mut client, "ingestor_in_hand") == 0.0).then_some(())
    });

    for (name, value) in [("accepted", 5.0), ("messages", 5.0), ("refused", 0.0), ("worker_failures", 0.0)] {
        assert_eq!(figure(&mut client, &format!("ingestor_{name}_total")), value, "{name}");
    }
    let stats = client.get("/stats").json();
    assert_eq!(stats["total_messages"], 5);
    assert!(stats["p99_latency_ms"].as_f64() >= stats["avg_latency_ms"].as_f64());
    let log = std::fs::read_to_string(folder.path().join("worker.log")).unwrap();
    assert!(
        log.contains("✓ Batch #1 saved successfully: ") && log.contains(" | Total processed: 5\n"),
        "{log}"
    );

    assert_eq!(client.post("/admin/reset", &json!({})).status, 200);
    assert_eq!(client.get(&format!("/messages/{}", ids[0])).status, 404);
    assert_eq!(client.get("/stats").json()["total_messages"], 0);
}

#[test]
fn what_is_wrong_or_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing is committed: what is accepted waits.
    let config = Config { workers: 0, queue_limit: Some(2), ..quick(&folder) };
    let ingestor = ingestor::spawn(config).unwrap();
    let mut client = client(&ingestor);
    for wrong in [json!({"user_id": 0, "channel_id": 1, "content": "x"}), json!({"user_id": 1}), json!("x")] {
        assert_eq!(client.post("/messages", &wrong).status, 422, "{wrong}");
    }
    let statuses = [0, 1, 2].map(|n| client.post("/messages", &message(n)).status);
    assert_eq!(statuses, [202, 202, 503]);
    assert_eq!(client.get("/health").json()["queue_length"], 2);
    assert_eq!(figure(&mut client, "ingestor_refused_total"), 4.0);
}

#[test]
fn what_waits_when_it_stops_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        batch_size: NonZeroUsize::new(1000).unwrap(),
        batch_timeout: Duration::from_hours(1),
        data: Some(folder.path().to_owned()),
        ..quick(&folder)
    };
    let first = ingestor::spawn(config.clone()).unwrap();
    let id = client(&first).post("/messages", &message(1)).field("id");
    drop(first);
    let second = ingestor::spawn(config).unwrap();
    assert_eq!(client(&second).get(&format!("/messages/{id}")).status, 200);
}

#[test]
fn the_dashboard_is_streamed_over_a_websocket() {
    let folder = tempfile::tempdir().unwrap();
    let ingestor = ingestor::spawn(quick(&folder)).unwrap();
    send(&mut client(&ingestor), 3);
    let address = ingestor.address().unwrap();
    let connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut viewer, _) = tungstenite::client(format!("ws://{address}/ws"), connection).unwrap();
    viewer.send(tungstenite::Message::Ping("are you there".into())).unwrap();
    let (mut shown, mut answered) = (Value::Null, false);
    while !answered || shown["total_messages"] != 3 {
        match viewer.read().unwrap() {
            tungstenite::Message::Text(text) => shown = serde_json::from_str(&text).unwrap(),
            tungstenite::Message::Pong(payload) => answered = payload == "are you there".as_bytes(),
            other => panic!("{other:?}"),
        }
    }
    assert!(shown["avg_latency_ms"].as_f64().unwrap() > 0.0 && shown["queue_length"] == 0, "{shown}");
    viewer.close(None).unwrap();
    assert!(std::iter::from_fn(|| viewer.read().ok()).count() <= 3, "the other end closes, too");
}

#[test]
fn api_and_workers_of_two_processes_share_a_real_redis_and_a_real_postgresql() {
    let (Some(redis), Some(postgres)) = (servers::redis(), servers::postgres()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let config = Config {
        redis: Some(url.clone()),
        postgres: Some(format!("postgres://postgres@127.0.0.1:{}/postgres", postgres.port)),
        ..quick(&folder)
    };
    let mut keys = redis::Client::open(url).unwrap().get_connection().unwrap();
    let api = ingestor::spawn(Config { workers: 0, ..config.clone() }).unwrap();
    let mut client = client(&api);
    let ids: Vec<String> = (0..4).map(|n| client.post("/messages", &message(n)).field("id")).collect();
    assert_eq!(client.get("/health").json()["queue_length"], 4);
    assert_eq!(client.get("/health").json()["redis"], "connected");
    // What a worker had in hand when it was killed waits in its list.
    let _: String = keys
        .lmove(
            "pending_messages",
            "processing_messages:worker-1",
            redis::Direction::Left,
            redis::Direction::Right,
        )
        .unwrap();

    let worker = ingestor::start(None, config).unwrap();
    assert_eq!(worker.address(), None);
    wait_for("the messages in the database", || committed(&mut client, &ids).then_some(()));
    wait_for("the keys of dashboards", || {
        let (total, rate): (u64, f64) = keys.mget(&["total_messages", "current_rps"]).unwrap();
        (total == 4 && rate > 0.0).then_some(())
    });
    let stats = client.get("/stats").json();
    assert_eq!((&stats["total_messages"], &stats["in_hand"]), (&json!(4), &json!(0)));
    assert!(stats["p95_latency_ms"].as_f64().unwrap() > 0.0);

    assert_eq!(client.post("/admin/reset", &json!({})).status, 200);
    assert!(!committed(&mut client, &ids));
    assert_eq!(client.get("/stats").json()["total_messages"], 0);
    send(&mut client, 3);
}
