//! The outbox processor: moves committed events from the outbox to the streams.

use std::{sync::atomic::Ordering::Relaxed, thread, time::Duration};

use super::{Shop, domain, lanes, streams::Message};

/// Pause between two looks at the outbox.
const TICK: Duration = Duration::from_millis(10);

/// Messages moved per look and context.
const MESSAGES_PER_TICK: i64 = 50;

/// Publishes until the shop closes.
pub(super) fn run(shop: &Shop) {
    while !shop.closing.load(Relaxed) {
        for domain in domain::DOMAINS {
            publish(shop, domain);
        }
        thread::sleep(TICK);
    }
}

fn publish(shop: &Shop, domain: &'static str) {
    let published = shop.store.publish(domain, MESSAGES_PER_TICK, |row, age| {
        shop.streams.publish(Message {
            stream: lanes::route(row.aggregate, row.priority, shop.config.lanes),
            outbox_id: row.id,
            age,
            aggregate_id: row.aggregate_id,
            version: row.version,
            payload: row.payload,
        });
    });
    if let Err(error) = published {
        eprintln!("shopstream: cannot publish the outbox of {domain}: {error}");
    }
}
