//! Events as load: published to real brokers, handled by somebody else, and awaited.

use crate::support;
use crate::support::servers;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use loadproof::sample::{Kind, Outcome};
use loadproof::scenario::{self, Scenario};
use support::{Drive, Files, Taken, drive, fails};

/// How long the handler of orders takes.
const HANDLING: Duration = Duration::from_millis(30);

/// A scenario whose user publishes an order and waits until it is done.
fn text(broker: &str, steps: &str) -> String {
    format!(
        r#"
name = "events"
base_url = "http://127.0.0.1:1"
[broker.bus]
{broker}
[[journey]]
name = "Order"
steps = [
{steps}
]
[[user_class]]
name = "User"
journeys = {{ Order = 1 }}
[load.test]
iterations = 20
concurrency = 4
"#
    )
}

const STEPS: &str = r#"
  { let = { id = "{{ uuid() }}" }, steps = [
    { publish = "orders", json = { order_id = "{{ id }}", amount = 5 } },
    { await = "orders.done", match = { "/order_id" = "{{ id }}" }, check = { json = { "/state" = "completed" } }, effect = "order done", within = "5s" },
  ] },"#;

fn compiled(text: &str) -> Result<Arc<Scenario>, String> {
    let files = Files(&[("scenario.toml", text)]);
    scenario::compile(Path::new("scenario.toml"), &files).map(Arc::new).map_err(|e| e.to_string())
}

fn run(broker: &str, steps: &str) -> Taken {
    // No request goes there: a port that nobody answers will do.
    drive(
        &compiled(&text(broker, steps)).unwrap(),
        "http://127.0.0.1:1",
        Drive { workers: 2, ..Drive::default() },
    )
}

/// `(outcomes of publications, outcomes of effects)`, and the effects' latencies in µs.
fn seen(taken: &Taken) -> ([usize; 5], [usize; 5], Vec<i64>) {
    let of = |kind| {
        let samples = taken.samples().filter(move |s| taken.subject(s).kind == kind);
        let samples: Vec<_> = samples.collect();
        (Outcome::ALL.map(|o| samples.iter().filter(|s| s.outcome == o).count()), samples)
    };
    let ((published, _), (effects, samples)) = (of(Kind::Request), of(Kind::Effect));
    (published, effects, samples.iter().map(|s| s.done_us - s.intended_us).collect())
}

/// Every order was published, and seen to be done after it was handled.
fn all_were_done(taken: &Taken) {
    let (published, effects, latencies) = seen(taken);
    assert_eq!((published[0], effects[0]), (20, 20), "{:?}", taken.reasons());
    assert!(latencies.iter().all(|us| *us >= 15_000), "handling takes {HANDLING:?}: {latencies:?}");
    let names: Vec<&str> = taken.scenario.endpoints.iter().map(|e| e.endpoint.as_str()).collect();
    assert_eq!(names, ["PUBLISH orders", "order done"]);
}

/// What the handler of orders answers; none for orders that it loses.
fn handled(order: &str, loses: bool) -> Option<String> {
    let order: serde_json::Value = serde_json::from_str(order).unwrap();
    let id = order["order_id"].as_str().unwrap();
    (!loses).then(|| serde_json::json!({"order_id": id, "state": "completed"}).to_string())
}

/// Runs a handler of orders on a thread of its own while `work` is done.
fn beside<T>(handler: impl Future<Output = ()> + Send + 'static, work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (ready, is_ready) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        ready.send(()).unwrap();
        handler.await;
    });
    is_ready.recv().unwrap();
    // The handler subscribes before the first order comes: loads begin a little later.
    let done = work();
    runtime.shutdown_background();
    done
}

async fn handle_redis(url: String, loses: bool) {
    use redis::AsyncCommands;
    use redis::streams::{StreamReadOptions, StreamReadReply};
    let client = redis::Client::open(url).unwrap();
    let mut answers = client.get_multiplexed_async_connection().await.unwrap();
    let patient = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let mut orders = client.get_multiplexed_async_connection_with_config(&patient).await.unwrap();
    let mut last = "0-0".to_owned();
    loop {
        let options = StreamReadOptions::default().block(500);
        let Ok(reply): Result<Option<StreamReadReply>, _> =
            orders.xread_options(&["orders"], &[&last], &options).await
        else {
            return;
        };
        for entry in reply.into_iter().flat_map(|r| r.keys).flat_map(|k| k.ids) {
            let order: String = entry.get("payload").unwrap();
            last = entry.id;
            let mut answers = answers.clone();
            tokio::spawn(async move {
                tokio::time::sleep(HANDLING).await;
                if let Some(answer) = handled(&order, loses) {
                    let _: Result<String, _> = answers.xadd("orders.done", "*", &[("payload", answer)]).await;
                }
            });
        }
        let _: Result<String, _> = redis::cmd("PING").query_async(&mut answers).await;
    }
}

async fn handle_nats(url: String) {
    use futures_util::StreamExt;
    let client = async_nats::connect(url).await.unwrap();
    let mut orders = client.subscribe("orders").await.unwrap();
    while let Some(order) = orders.next().await {
        let client = client.clone();
        tokio::spawn(async move {
            tokio::time::sleep(HANDLING).await;
            let answer = handled(std::str::from_utf8(&order.payload).unwrap(), false).unwrap();
            client.publish("orders.done", answer.into()).await.unwrap();
        });
    }
}

#[test]
fn orders_over_redis_streams_are_published_and_seen_to_be_done() {
    let Some(redis) = servers::redis() else { return };
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let taken = beside(handle_redis(url.clone(), false), || run(&format!("redis = '{url}'"), STEPS));
    all_were_done(&taken);
}

#[test]
fn orders_over_nats_are_published_and_seen_to_be_done() {
    let Some(nats) = servers::nats() else { return };
    let url = format!("nats://127.0.0.1:{}", nats.port);
    let taken = beside(handle_nats(url.clone()), || run(&format!("nats = '{url}'"), STEPS));
    all_were_done(&taken);
}

#[test]
fn effects_are_awaited_beside_the_user_and_may_fail() {
    let Some(redis) = servers::redis() else { return };
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let broker = format!("redis = '{url}'");
    let beside_the_user = STEPS.replace("within =", "background = true, within =");
    let taken = beside(handle_redis(url.clone(), false), || run(&broker, &beside_the_user));
    all_were_done(&taken);
    let other = STEPS.replace("\"completed\"", "\"shipped\"");
    let taken = beside(handle_redis(url.clone(), false), || run(&broker, &other));
    assert_eq!(seen(&taken).1, [0, 0, 20, 0, 0]);
    assert_eq!(taken.reasons().first(), Some(&r#"`/state` is not "shipped""#));
    let lost = STEPS.replace("\"5s\"", "\"0.2s\"");
    let taken = beside(handle_redis(url, true), || run(&broker, &lost));
    assert_eq!((seen(&taken).0[0], seen(&taken).1), (20, [0, 0, 20, 0, 0]));
    assert_eq!(taken.reasons().first(), Some(&"not seen within 200ms"));
}

#[test]
fn an_event_that_comes_before_anybody_waits_is_not_lost() {
    let Some(nats) = servers::nats() else { return };
    let url = format!("nats://127.0.0.1:{}", nats.port);
    // Published by the user to the very stream that is awaited, and long before it is.
    let steps = r#"
  { let = { id = "{{ uuid() }}" }, steps = [
    { publish = "done", json = { id = "{{ id }}" } }, { pause = "0.4s" },
    { await = "done", match = { "/id" = "{{ id }}" }, effect = "seen", within = "1s" },
  ] },"#;
    let taken = run(&format!("nats = '{url}'"), steps);
    let (published, effects, latencies) = seen(&taken);
    assert_eq!((published[0], effects[0]), (20, 20), "{:?}", taken.reasons());
    assert!(latencies.iter().all(|us| *us < 350_000), "seen when it came, not when it was waited for");
}

#[test]
fn a_broker_that_is_not_there_is_named_without_its_password() {
    let steps = r#"{ publish = "orders", json = {} },"#;
    let scenario = compiled(&text("redis = 'redis://me:secret@127.0.0.1:1'", steps)).unwrap();
    let reason = fails(&scenario, "http://127.0.0.1:1");
    assert!(reason.contains("broker `bus` at redis://127.0.0.1:1") && !reason.contains("secret"), "{reason}");
}

#[test]
fn mistakes_in_events_are_shown_where_they_are() {
    let steps = r#"
  { publish = "orders", broker = "bos", json = {} },
  { publish = "orders", key = "k", json = {}, text = "two" },
  { await = "orders.done", effect = "done" },
  { await = "orders.done", match = {}, effect = "done" },
  { await = "orders.done", match = { "order_id" = "{{ unknown }}" }, effect = "done" },"#;
    insta::assert_snapshot!(compiled(&text("nats = 'nats://127.0.0.1:1'", steps)).unwrap_err());
    let both = "nats = 'nats://127.0.0.1:1'\nredis = 'redis://127.0.0.1:1'";
    insta::assert_snapshot!(compiled(&text(both, "{ pause = 1 }")).unwrap_err());
    #[cfg(not(feature = "kafka"))]
    insta::assert_snapshot!(compiled(&text("kafka = '127.0.0.1:9092'", "{ pause = 1 }")).unwrap_err());
}

/// Against the mock cluster that librdkafka brings: it speaks the protocol, and is no Kafka.
#[cfg(feature = "kafka")]
#[test]
fn orders_over_kafka_are_published_and_seen_to_be_done() {
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{Consumer, StreamConsumer};
    use rdkafka::message::Message;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{FutureProducer, FutureRecord};

    let cluster = MockCluster::new(1).unwrap();
    for topic in ["orders", "orders.done"] {
        cluster.create_topic(topic, 2, 1).unwrap();
    }
    let hosts = cluster.bootstrap_servers();
    let handler = {
        let hosts = hosts.clone();
        async move {
            let config = |key: &str, value: &str| {
                let mut config = ClientConfig::new();
                config.set("bootstrap.servers", &hosts).set(key, value);
                config
            };
            let producer: FutureProducer = config("linger.ms", "0").create().unwrap();
            let mut consuming = config("group.id", "handler");
            consuming.set("auto.offset.reset", "earliest");
            let consumer: StreamConsumer = consuming.create().unwrap();
            consumer.subscribe(&["orders"]).unwrap();
            while let Ok(order) = consumer.recv().await {
                let order = String::from_utf8(order.payload().unwrap().to_vec()).unwrap();
                let producer = producer.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(HANDLING).await;
                    let answer = handled(&order, false).unwrap();
                    let record: FutureRecord<'_, str, str> = FutureRecord::to("orders.done").payload(&answer);
                    producer.send(record, Duration::from_secs(5)).await.unwrap();
                });
            }
        }
    };
    let steps = STEPS.replace("publish = \"orders\",", "publish = \"orders\", key = \"{{ id }}\",");
    let taken = beside(handler, || run(&format!("kafka = '{hosts}'"), &steps.replace("\"5s\"", "\"20s\"")));
    all_were_done(&taken);
}
