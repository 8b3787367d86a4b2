//! The brokers of a scenario and its subscriptions to them.

use std::rc::Rc;
use std::sync::Arc;

#[cfg(feature = "kafka")]
use super::kafka;
use super::outgoing::Outgoing;
use super::waiting::Waiting;
use super::{nats, redis};
use crate::scenario::Scenario;
use crate::scenario::broker::{Broker, BrokerKind, Subscription, shown};
use crate::scenario::template::Templates;

/// The brokers of a scenario, as one worker is connected to them.
pub(in crate::load) struct Brokers {
    publishers: Vec<Publisher>,
    /// By subscription.
    pub(super) waiting: Vec<Rc<Waiting>>,
    pub(super) templates: Arc<Templates>,
}

/// A connection that takes events.
enum Publisher {
    Redis(redis::Publisher),
    Nats(nats::Publisher),
    #[cfg(feature = "kafka")]
    Kafka(kafka::Publisher),
}

impl Brokers {
    /// Connects to all brokers and subscribes to all streams; must be called on a worker's runtime.
    ///
    /// # Errors
    /// In words, without credentials.
    pub(in crate::load) async fn connect(scenario: &Scenario) -> Result<Self, String> {
        let templates = Arc::clone(&scenario.templates);
        let mut brokers = Self { publishers: Vec::new(), waiting: Vec::new(), templates };
        for broker in &scenario.brokers {
            let opened = open(broker).await.map_err(|reason| failure(broker, &reason))?;
            brokers.publishers.push(opened);
        }
        for subscription in &scenario.subscriptions {
            let broker = &scenario.brokers[subscription.broker];
            let waiting = Rc::new(Waiting::new(subscription.pointers.clone()));
            subscribe(broker, subscription, Rc::clone(&waiting))
                .await
                .map_err(|reason| failure(broker, &reason))?;
            brokers.waiting.push(waiting);
        }
        Ok(brokers)
    }

    /// Publishes an event to a broker; ends when that has acknowledged it.
    pub(super) async fn publish(&self, broker: usize, event: Outgoing) -> Result<(), String> {
        match &self.publishers[broker] {
            Publisher::Redis(publisher) => publisher.publish(event).await,
            Publisher::Nats(publisher) => publisher.publish(event).await,
            #[cfg(feature = "kafka")]
            Publisher::Kafka(publisher) => publisher.publish(event).await,
        }
    }
}

fn failure(broker: &Broker, reason: &str) -> String {
    format!("broker `{}` at {}: {reason}", broker.name, shown(&broker.url))
}

async fn open(broker: &Broker) -> Result<Publisher, String> {
    match broker.kind {
        BrokerKind::Redis => redis::Publisher::connect(&broker.url).await.map(Publisher::Redis),
        BrokerKind::Nats => nats::Publisher::connect(&broker.url).await.map(Publisher::Nats),
        #[cfg(feature = "kafka")]
        BrokerKind::Kafka => kafka::Publisher::connect(&broker.url).map(Publisher::Kafka),
        #[cfg(not(feature = "kafka"))]
        BrokerKind::Kafka => Err("built without Kafka".to_owned()),
    }
}

async fn subscribe(broker: &Broker, subscription: &Subscription, waiting: Rc<Waiting>) -> Result<(), String> {
    match broker.kind {
        BrokerKind::Redis => redis::subscribe(&broker.url, &subscription.stream, waiting).await,
        BrokerKind::Nats => nats::subscribe(&broker.url, &subscription.stream, waiting).await,
        #[cfg(feature = "kafka")]
        BrokerKind::Kafka => kafka::subscribe(&broker.url, &subscription.stream, waiting),
        #[cfg(not(feature = "kafka"))]
        BrokerKind::Kafka => Err("built without Kafka".to_owned()),
    }
}
