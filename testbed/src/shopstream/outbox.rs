//! An outbox processor: moves a context's committed events from its outbox to the streams.

use std::{sync::atomic::Ordering::Relaxed, thread, time::Duration};

use super::{Shop, lanes, streams::Message};

/// Pause between two looks at the outbox.
const TICK: Duration = Duration::from_millis(10);

/// Messages moved per look.
const MESSAGES_PER_TICK: i64 = 50;

/// Publishes the events of a context until the shop closes.
pub(super) fn run(shop: &Shop, domain: &str) {
    let mut publisher = shop.streams.publisher();
    let context = shop.store.context(domain);
    while !shop.closing.load(Relaxed) {
        let age = shop.store.age();
        let published = context.publish(MESSAGES_PER_TICK, |rows| {
            let messages = rows.into_iter().map(|row| Message {
                stream: lanes::route(row.aggregate.kind, row.priority, shop.config.lanes),
                outbox_id: row.id,
                age: *age,
                event: row.event,
                aggregate_id: row.aggregate_id,
                version: row.version,
                payload: row.payload,
            });
            publisher.publish(messages.collect())
        });
        drop(age);
        if let Err(error) = published {
            eprintln!("shopstream: cannot publish the outbox of {domain}: {error}");
        }
        thread::sleep(TICK);
    }
}
