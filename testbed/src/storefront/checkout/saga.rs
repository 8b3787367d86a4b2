//! After: a saga. Each event brings on the next call; who is called takes his time, and nothing
//! waits for him.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Shop,
    event::{Event, Happened},
    register::CheckoutId,
    streams::Stream,
};

/// The stream of all sagas, and what handles its events.
pub(super) struct Saga {
    stream: Arc<Stream>,
    events: Arc<AtomicU64>,
}

impl Saga {
    /// Starts handling events; must be called on the runtime on which that is to happen.
    pub(super) async fn start(redis: Option<&str>, shop: &Arc<Shop>) -> io::Result<Self> {
        let (stream, mut reader) = Stream::open(redis).await?;
        let saga = Self { stream: Arc::new(stream), events: Arc::new(AtomicU64::new(0)) };
        let (stream, events, shop) = (Arc::clone(&saga.stream), Arc::clone(&saga.events), Arc::clone(shop));
        tokio::spawn(async move {
            while let Some(delivery) = reader.next().await {
                let (stream, events, shop) = (Arc::clone(&stream), Arc::clone(&events), Arc::clone(&shop));
                tokio::spawn(async move {
                    let next = handle(&shop, delivery.event).await;
                    let published = match next {
                        Some(event) => stream.publish(event).await,
                        None => Ok(()),
                    };
                    // Acknowledged last: a saga that breaks in between is told again by its stream.
                    match published {
                        Ok(()) => stream.acknowledge(&delivery).await,
                        Err(error) => {
                            eprintln!("testbed: checkout: {error}");
                            shop.register.fail(CheckoutId(delivery.event.checkout));
                        }
                    }
                    events.fetch_add(1, Relaxed);
                });
            }
        });
        Ok(saga)
    }

    /// Starts the saga of a checkout. While the broker is away it waits, and whoever asked does not.
    pub(super) fn begin(&self, id: CheckoutId, shop: &Arc<Shop>) {
        let started = Event { happened: Happened::CheckoutStarted, checkout: id.0 };
        let (stream, shop) = (Arc::clone(&self.stream), Arc::clone(shop));
        tokio::spawn(async move {
            if let Err(error) = stream.publish(started).await {
                eprintln!("testbed: checkout: {error}");
                shop.register.fail(id);
            }
        });
    }

    /// Events handled so far.
    pub(super) fn events(&self) -> u64 {
        self.events.load(Relaxed)
    }

    pub(super) fn reset(&self) {
        self.events.store(0, Relaxed);
    }
}

/// Does what an event asks for; what has happened then.
async fn handle(shop: &Shop, event: Event) -> Option<Event> {
    let id = CheckoutId(event.checkout);
    // One from before a reset ends here, and so does one that a broker tells again.
    let units = shop.register.begin(id, event.happened)?;
    let parties = &shop.parties;
    let happened = match event.happened {
        Happened::CheckoutStarted => {
            parties.reserve(id, units).await;
            Happened::StockReserved
        }
        Happened::StockReserved if parties.charge(id).await => Happened::PaymentCharged,
        Happened::StockReserved => Happened::PaymentDeclined,
        Happened::PaymentCharged => {
            parties.confirm(id).await;
            Happened::OrderConfirmed
        }
        Happened::PaymentDeclined => {
            parties.release(id).await;
            Happened::StockReleased
        }
        Happened::OrderConfirmed => {
            shop.register.complete(id);
            return None;
        }
        Happened::StockReleased => {
            shop.register.compensate(id);
            return None;
        }
    };
    Some(Event { happened, checkout: event.checkout })
}
