//! An engine: handles one event after another, of the contexts that it serves.

use std::thread;

use super::{
    Shop, reaction,
    refusal::Refusal,
    streams::{Delivery, Message},
};
use crate::neighbour::Problem;

/// How often an event is tried before it is put aside.
const ATTEMPTS: u32 = 5;

/// Handles events until the streams close.
pub(super) fn run(shop: &Shop, domains: &[&'static str], name: &str) {
    let mut consumer = shop.streams.consumer(domains, name);
    while let Some(delivery) = consumer.take() {
        // Stands for the work outside that handling an event costs, the same for every event.
        thread::sleep(shop.config.event_cost);
        match handle(shop, &delivery) {
            Ok(()) => consumer.acknowledge(&delivery),
            Err(problem) => {
                let Message { event, outbox_id, .. } = &delivery.message;
                eprintln!("shopstream: cannot handle {event} of outbox row {outbox_id}: {problem}");
                consumer.bury(&delivery, &problem.to_string());
            }
        }
    }
}

/// Projects an event and reacts to it; what fails is tried again, both being done once at most.
fn handle(shop: &Shop, delivery: &Delivery) -> Result<(), Problem> {
    let message = &delivery.message;
    let mut attempt = 1;
    loop {
        let handled = project(shop, message).and_then(|()| match reaction::react(shop, message) {
            Ok(()) => Ok(()),
            Err(Refusal::Broken(problem)) => Err(problem.into()),
            Err(refusal) => Err(format!("{refusal:?}").into()),
        });
        match handled {
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

/// Brings the read model up to an event, unless the event is from before a reset.
fn project(shop: &Shop, message: &Message) -> Result<(), Problem> {
    let age = shop.store.age();
    if *age != message.age {
        return Ok(());
    }
    shop.store.context(message.stream.domain()).project(message)
}
