//! Events as load: published to a broker, and awaited from one.
//!
//! Each worker has its own connections. Subscriptions begin before the load does, and keep what
//! arrives for a while: an event may come before its publication is acknowledged.

#[cfg(feature = "kafka")]
mod kafka;
mod nats;
mod redis;
mod waiting;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use minijinja::value::Value;

use self::waiting::{Event, Waiting};
use super::effect::Effect;
use super::exchange::Who;
use super::judge::{self, Answer};
use super::pending::Pending;
use super::worker::Worker;
use crate::sample::Outcome;
use crate::scenario::Scenario;
use crate::scenario::broker::{Broker, BrokerKind, Subscription, shown};
use crate::scenario::journey::{Await, Publish};
use crate::scenario::scope::Scope;
use crate::scenario::template::{RenderError, Templates};

/// The brokers of a scenario, as one worker is connected to them.
#[derive(Default)]
pub(super) struct Brokers {
    publishers: Vec<Publisher>,
    waiting: Vec<Rc<Waiting>>,
}

/// A connection that takes events.
enum Publisher {
    Redis(redis::Publisher),
    Nats(nats::Publisher),
    #[cfg(feature = "kafka")]
    Kafka(kafka::Publisher),
}

/// An event on its way out.
struct Outgoing {
    stream: String,
    #[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "only Kafka has keys"))]
    key: Option<Bytes>,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Brokers {
    /// Connects to all brokers and subscribes to all streams; must be called on a worker's runtime.
    ///
    /// # Errors
    /// In words, without credentials.
    pub(super) async fn connect(scenario: &Scenario) -> Result<Self, String> {
        let mut brokers = Self::default();
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

    async fn publish(&self, broker: usize, event: Outgoing) -> Result<(), String> {
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

/// Publishes an event and records the sample: from its due time to the broker's acknowledgement.
pub(super) async fn publish(
    worker: &Worker,
    publish: &Publish,
    scope: &Arc<Scope>,
    who: Who,
    due: Instant,
) -> (Outcome, Instant) {
    let mut pending = Pending::new(worker, publish.endpoint, who, scope.key(), due);
    let event = match outgoing(publish, &worker.scenario.templates, scope) {
        Ok(event) => event,
        Err(error) => return pending.end_unanswered(Outcome::Failed, &error.to_string()),
    };
    let sent = Instant::now();
    pending.sent(sent, event.body.len());
    let acknowledged = worker.brokers.publish(publish.broker, event);
    match tokio::time::timeout_at((sent + publish.timeout).into(), acknowledged).await {
        Ok(Ok(())) => {
            let done = Instant::now();
            pending.end(Outcome::Ok, None, done);
            (Outcome::Ok, done)
        }
        Ok(Err(reason)) => pending.end_unanswered(Outcome::Error, &reason),
        Err(_) => pending.end_unanswered(Outcome::Error, &format!("timeout after {:?}", publish.timeout)),
    }
}

fn outgoing(publish: &Publish, templates: &Templates, scope: &Arc<Scope>) -> Result<Outgoing, RenderError> {
    let text = |text| templates.render(text, scope).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Outgoing {
        stream: text(&publish.stream)?,
        key: publish.key.as_ref().map(|key| templates.render(key, scope)).transpose()?,
        headers: publish
            .headers
            .iter()
            .map(|(name, value)| Ok((name.clone(), text(value)?)))
            .collect::<Result<_, RenderError>>()?,
        body: publish.body.as_ref().map_or(Ok(Bytes::new()), |body| templates.render(body, scope))?,
    })
}

/// Who waits, and since when.
pub(super) struct Waiter<'a> {
    pub(super) worker: &'a Worker,
    pub(super) scope: &'a Arc<Scope>,
    pub(super) who: Who,
    pub(super) since: Instant,
}

/// Waits while the user goes on, with the user's variables as they are now.
pub(super) fn in_background(worker: &Rc<Worker>, scope: &Scope, who: Who, awaited: &Await, since: Instant) {
    let scope = scope.fork(worker.seed([who.journey.into()]));
    let (awaited, own) = (awaited.clone(), Rc::clone(worker));
    worker.in_background(async move {
        until_seen(Waiter { worker: &own, scope: &scope, who, since }, &awaited).await;
    });
}

/// Waits until the event has come, `within` has passed or the run is stopped; whether it came and was
/// as it should be.
pub(super) async fn until_seen(waiter: Waiter<'_>, awaited: &Await) -> bool {
    let Waiter { worker, scope, who, since } = waiter;
    let effect = Effect { endpoint: awaited.effect, who, key: scope.key(), since };
    let values: Result<Vec<String>, RenderError> = awaited
        .values
        .iter()
        .map(|value| {
            let bytes = worker.scenario.templates.render(value, scope)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect();
    let values = match values {
        Ok(values) => values,
        Err(error) => {
            effect.record(worker, 0, Err((Outcome::Failed, &error.to_string())));
            return false;
        }
    };
    let arrival = worker.brokers.waiting[awaited.subscription].next(&values);
    tokio::select! {
        biased;
        arrived = arrival => match arrived {
            Ok(event) => seen(worker, effect, awaited, &event),
            Err(reason) => {
                effect.record(worker, 0, Err((Outcome::Error, &reason)));
                false
            }
        },
        is_time = worker.timer.sleep_until(since + awaited.within) => {
            let reason = format!("not seen within {:?}", awaited.within);
            let stopped = (Outcome::Error, "not awaited: the run was stopped");
            effect.record(worker, 0, Err(if is_time { (Outcome::Failed, &reason) } else { stopped }));
            false
        }
    }
}

/// Judges an event that has come.
fn seen(worker: &Worker, effect: Effect, awaited: &Await, event: &Event) -> bool {
    let answer = Answer { status: 0, headers: &hyper::HeaderMap::new(), body: &event.body };
    match judge::first_broken(&awaited.checks, &answer) {
        None => {
            effect.record(worker, 0, Ok((Outcome::Ok, event.at)));
            true
        }
        Some(reason) => {
            effect.record(worker, 0, Err((Outcome::Failed, &reason)));
            false
        }
    }
}

/// A JSON value as the text by which events are told apart.
fn text_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => Value::from(minijinja::value::Serde(other.clone())).to_string(),
    }
}
