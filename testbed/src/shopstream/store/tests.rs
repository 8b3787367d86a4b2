use rusqlite::Connection;
use serde_json::json;

use super::{Change, OutboxDepth, Store};
use crate::shopstream::{
    domain::{self, Aggregate},
    fields::Object,
    lanes,
    refusal::Refusal,
    streams::{Message, Streams},
};

fn customer() -> &'static Aggregate {
    domain::aggregate("customer").unwrap()
}

fn state(name: &str) -> Object {
    let state = json!({"first_name": name, "status": "Active", "created_at": "2026"});
    state.as_object().unwrap().clone()
}

fn record(store: &Store, version: i64, name: &str) {
    let write = store.write(|session| {
        session.record(&Change {
            aggregate: customer(),
            id: "c1",
            version,
            state: &state(name),
            event: "CustomerRegistered",
            priority: 0,
        })?;
        Ok(())
    });
    write.unwrap();
}

fn published(store: &Store) -> Vec<Message> {
    let mut messages = Vec::new();
    let publish = store.publish("identity", 50, |row, age| {
        messages.push(Message {
            stream: lanes::route(row.aggregate, row.priority, false),
            outbox_id: row.id,
            age,
            aggregate_id: row.aggregate_id,
            version: row.version,
            payload: row.payload,
        });
    });
    publish.unwrap();
    messages
}

fn identity(store: &Store) -> OutboxDepth {
    store.outbox_depths()[0].1
}

fn rows(folder: &tempfile::TempDir, table: &str) -> i64 {
    let connection = Connection::open(folder.path().join("shop.db")).unwrap();
    let sql = format!("SELECT count(*) FROM {table}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("shop.db")).unwrap();
    (folder, store)
}

#[test]
fn an_aggregate_and_its_event_are_kept_together_or_not_at_all() {
    let (folder, store) = open();
    let refused = store.write(|session| {
        session.claim("external_id", "E-1")?;
        session.record(&Change {
            aggregate: customer(),
            id: "c1",
            version: 1,
            state: &state("Ada"),
            event: "CustomerRegistered",
            priority: 0,
        })?;
        Err::<(), _>(Refusal::rule("status", "no"))
    });
    assert!(refused.is_err());
    assert_eq!(rows(&folder, "aggregates"), 0);
    assert_eq!(rows(&folder, "outbox"), 0);
    assert_eq!(rows(&folder, "unique_values"), 0);
    assert_eq!(identity(&store), OutboxDepth::default());

    record(&store, 1, "Ada");
    assert_eq!(rows(&folder, "aggregates"), 1);
    assert_eq!(rows(&folder, "outbox"), 1);
    assert_eq!(identity(&store), OutboxDepth { pending: 1, published: 0 });
}

#[test]
fn rows_are_published_once_and_in_order() {
    let (_folder, store) = open();
    for version in 1..=3 {
        record(&store, version, "Ada");
    }
    let versions: Vec<_> = published(&store).iter().map(|m| m.version).collect();
    assert_eq!(versions, [1, 2, 3]);
    assert!(published(&store).is_empty());
    assert_eq!(identity(&store), OutboxDepth { pending: 0, published: 3 });
}

#[test]
fn a_read_model_never_goes_back_to_an_older_version() {
    let (_folder, store) = open();
    record(&store, 1, "Ada");
    record(&store, 2, "Augusta");
    let messages = published(&store);
    for message in messages.iter().rev() {
        store.project(message).unwrap();
    }
    let view = store.view("customer", "c1").unwrap().unwrap();
    assert_eq!(view["first_name"], "Augusta");
    assert!(store.view("order", "c1").unwrap().is_none(), "another kind");
}

#[test]
fn an_event_from_before_a_reset_is_not_projected_after_it() {
    let (folder, store) = open();
    record(&store, 1, "Ada");
    let messages = published(&store);
    store.reset(&Streams::default()).unwrap();
    store.project(&messages[0]).unwrap();
    assert_eq!(rows(&folder, "read_models"), 0);
    assert_eq!(rows(&folder, "aggregates"), 0);
    assert_eq!(identity(&store), OutboxDepth::default());
}

#[test]
fn events_that_no_engine_had_handled_are_pending_again_after_a_restart() {
    let (folder, store) = open();
    record(&store, 1, "Ada");
    record(&store, 2, "Augusta");
    store.project(&published(&store)[0]).unwrap();
    drop(store);
    let store = Store::open(&folder.path().join("shop.db")).unwrap();
    assert_eq!(identity(&store), OutboxDepth { pending: 1, published: 1 });
}
