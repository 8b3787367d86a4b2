//! An engine: handles one event after another, whatever context and stream they come from.

use std::thread;

use super::Shop;

/// Handles events until the streams close.
pub(super) fn run(shop: &Shop) {
    while let Some(message) = shop.streams.take() {
        // Stands for the work outside that handling an event costs, the same for every event.
        thread::sleep(shop.config.event_cost);
        match shop.store.project(&message) {
            Ok(()) => shop.streams.acknowledge(&message),
            // It stays pending, which the observatory shows.
            Err(error) => eprintln!("shopstream: cannot project event {}: {error}", message.outbox_id),
        }
    }
}
