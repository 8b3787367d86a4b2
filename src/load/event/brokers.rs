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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::load::prepared::tests::scenario;

    /// No broker, and one subscription by the pointer `/id`, whose events the test makes itself.
    pub(in crate::load::event) fn subscribed() -> Brokers {
        Brokers {
            publishers: Vec::new(),
            waiting: vec![Rc::new(Waiting::new(vec!["/id".to_owned()]))],
            templates: Arc::clone(&scenario(r#"{ request = "GET /a" }"#).templates),
        }
    }

    #[test]
    fn a_broker_that_cannot_be_reached_is_named_without_its_password() {
        let broker = Broker {
            name: "bus".to_owned(),
            kind: BrokerKind::Nats,
            url: "nats://me:s3cret@127.0.0.1:4222".to_owned(),
        };
        assert_eq!(
            failure(&broker, "connection refused"),
            "broker `bus` at nats://127.0.0.1:4222: connection refused"
        );
    }
}
