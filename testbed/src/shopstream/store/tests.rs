use serde_json::{Value, json};

use super::{Change, Commit, OutboxDepth, Store};
use crate::shopstream::{
    domain::{self, Aggregate},
    fields::Object,
    lanes,
    refusal::Refusal,
    streams::Message,
};

fn aggregate(kind: &str) -> &'static Aggregate {
    domain::aggregate(kind).unwrap()
}

fn object(value: Value) -> Object {
    serde_json::from_value(value).unwrap()
}

fn state(name: &str) -> Object {
    object(json!({"first_name": name, "status": "Active", "created_at": "2026"}))
}

/// Writes a customer that was decided on this version.
fn write(store: &Store, on_version: i64, name: &str) -> Result<(), Refusal> {
    let state = state(name);
    let change = Change {
        aggregate: aggregate("customer"),
        id: "c1",
        on_version,
        before: None,
        state: &state,
        event: "CustomerRegistered",
    };
    let commit = Commit { changes: vec![change], unique: None, priority: 0, ignore_versions: false };
    store.context("identity").commit(&commit)
}

/// Reserves this many of an item with 10 units, as decided on a version when so many were left.
fn reserve(
    store: &Store,
    on_version: i64,
    left: i64,
    quantity: i64,
    ignore_versions: bool,
) -> Result<(), Refusal> {
    let before = object(json!({"available": left}));
    let state = object(json!({"available": left - quantity}));
    let change = Change {
        aggregate: aggregate("inventory_item"),
        id: "i1",
        on_version,
        before: (on_version > 0).then_some(&before),
        state: &state,
        event: domain::RESERVED,
    };
    let commit = Commit { changes: vec![change], unique: None, priority: 0, ignore_versions };
    store.context("inventory").commit(&commit)
}

fn available(store: &Store) -> (i64, i64) {
    let (state, version) =
        store.context("inventory").load(aggregate("inventory_item"), "i1").unwrap().unwrap();
    (state["available"].as_i64().unwrap(), version)
}

fn published(store: &Store) -> Vec<Message> {
    let mut messages = Vec::new();
    let age = *store.age();
    let publish = store.context("identity").publish(50, |rows| {
        messages.extend(rows.into_iter().map(|row| Message {
            stream: lanes::route(row.aggregate.kind, row.priority, false),
            outbox_id: row.id,
            age,
            event: row.event,
            aggregate_id: row.aggregate_id,
            version: row.version,
            payload: row.payload,
        }));
        Ok(())
    });
    publish.unwrap();
    messages
}

fn identity(store: &Store) -> OutboxDepth {
    store.outbox_depths()[0].1
}

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn what_was_decided_on_an_old_version_conflicts_and_changes_nothing() {
    let (_folder, store) = open();
    write(&store, 0, "Ada").unwrap();
    write(&store, 1, "Augusta").unwrap();
    for old in [0, 1] {
        let refused = write(&store, old, "Grace");
        assert!(matches!(refused, Err(Refusal::Conflict { kind: "Customer", .. })), "{refused:?}");
    }
    let (state, version) = store.context("identity").load(aggregate("customer"), "c1").unwrap().unwrap();
    assert_eq!((state["first_name"].as_str(), version), (Some("Augusta"), 2));
    assert_eq!(identity(&store), OutboxDepth { pending: 2, published: 0 });
}

#[test]
fn an_event_sourced_aggregate_is_what_its_events_add_up_to() {
    let (_folder, store) = open();
    reserve(&store, 0, 10, 0, false).unwrap();
    reserve(&store, 1, 10, 3, false).unwrap();
    assert!(matches!(reserve(&store, 1, 10, 9, false), Err(Refusal::Conflict { .. })));
    assert_eq!(available(&store), (7, 2));
}

#[test]
fn ignored_versions_oversell() {
    let (_folder, store) = open();
    reserve(&store, 0, 10, 0, true).unwrap();
    for _ in 0..2 {
        reserve(&store, 1, 10, 8, true).unwrap();
    }
    assert_eq!(available(&store), (-6, 3));
}

#[test]
fn a_value_that_is_taken_keeps_everything_out() {
    let (_folder, store) = open();
    let register = |id: &str| {
        let state = state("Ada");
        let change = Change {
            aggregate: aggregate("customer"),
            id,
            on_version: 0,
            before: None,
            state: &state,
            event: "CustomerRegistered",
        };
        let unique = Some(("external_id", "E-1"));
        let commit = Commit { changes: vec![change], unique, priority: 0, ignore_versions: false };
        store.context("identity").commit(&commit)
    };
    register("c1").unwrap();
    assert!(matches!(register("c2"), Err(Refusal::Rule { field: "external_id", .. })));
    assert!(store.context("identity").load(aggregate("customer"), "c2").unwrap().is_none());
    assert_eq!(identity(&store), OutboxDepth { pending: 1, published: 0 });
}

#[test]
fn rows_are_published_once_and_in_order() {
    let (_folder, store) = open();
    for version in 0..3 {
        write(&store, version, "Ada").unwrap();
    }
    let versions: Vec<_> = published(&store).iter().map(|m| m.version).collect();
    assert_eq!(versions, [1, 2, 3]);
    assert!(published(&store).is_empty());
    assert_eq!(identity(&store), OutboxDepth { pending: 0, published: 3 });
}

#[test]
fn rows_that_could_not_be_published_are_published_later() {
    let (_folder, store) = open();
    write(&store, 0, "Ada").unwrap();
    let failed = store.context("identity").publish(50, |_| Err("no broker".into()));
    assert!(failed.is_err());
    assert_eq!(published(&store).len(), 1);
}

#[test]
fn a_read_model_never_goes_back_to_an_older_version() {
    let (_folder, store) = open();
    write(&store, 0, "Ada").unwrap();
    write(&store, 1, "Augusta").unwrap();
    let context = store.context("identity");
    for message in published(&store).iter().rev() {
        context.project(message).unwrap();
    }
    let view = context.view("customer", "c1").unwrap().unwrap();
    assert_eq!(view["first_name"], "Augusta");
    assert!(context.view("order", "c1").unwrap().is_none(), "another kind");
}

#[test]
fn a_reset_leaves_nothing_and_a_new_age() {
    let (_folder, store) = open();
    write(&store, 0, "Ada").unwrap();
    reserve(&store, 0, 10, 0, false).unwrap();
    store.context("identity").project(&published(&store)[0]).unwrap();
    store.reset(|age| (age == 1).then_some(()).ok_or("it is the first".into())).unwrap();
    assert_eq!(*store.age(), 1);
    assert!(store.context("identity").view("customer", "c1").unwrap().is_none());
    assert!(store.context("inventory").load(aggregate("inventory_item"), "i1").unwrap().is_none());
    assert!(store.outbox_depths().iter().all(|(_, depth)| *depth == OutboxDepth::default()));
}

#[test]
fn events_that_no_engine_had_handled_are_pending_again_after_a_restart() {
    let (folder, store) = open();
    write(&store, 0, "Ada").unwrap();
    write(&store, 1, "Augusta").unwrap();
    store.context("identity").project(&published(&store)[0]).unwrap();
    drop(store);
    let mut store = Store::in_folder(folder.path()).unwrap();
    store.follow_up(None).unwrap();
    assert_eq!(identity(&store), OutboxDepth { pending: 1, published: 1 });
}
