//! NATS: publish and subscribe. Publishing has no acknowledgement of its own: a word to oneself, sent
//! after the event on the same connection, comes back when the server has taken both.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions, Event, HeaderMap};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::oneshot;

use super::away::Away;
use super::outgoing::Outgoing;
use super::waiting::Waiting;

/// Those who wait for their word to come back, by its number.
type Echoes = Rc<RefCell<HashMap<u64, oneshot::Sender<()>>>>;

/// How long a server may take to confirm a subscription.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Publisher {
    client: Client,
    inbox: String,
    echoes: Echoes,
    words: Cell<u64>,
}

impl Publisher {
    pub(super) async fn connect(url: &str) -> Result<Self, String> {
        let client = connected(url, Away::default()).await?;
        let inbox = client.new_inbox();
        let mut words = client.subscribe(inbox.clone()).await.map_err(|e| format!("NATS: {e}"))?;
        let echoes = Echoes::default();
        let own = Rc::clone(&echoes);
        tokio::task::spawn_local(async move {
            while let Some(word) = words.next().await {
                let number = word.payload.as_ref().try_into().map(u64::from_be_bytes);
                if let Some(waiter) = number.ok().and_then(|n| own.borrow_mut().remove(&n)) {
                    // Who has given up does not care.
                    let _ = waiter.send(());
                }
            }
        });
        Ok(Self { client, inbox, echoes, words: Cell::new(0) })
    }

    /// Publishes an event and waits until the server has taken it.
    pub(super) async fn publish(&self, event: Outgoing) -> Result<(), String> {
        let failed = |e: async_nats::PublishError| format!("NATS: {e}");
        let Outgoing { stream, headers, body, .. } = event;
        if headers.is_empty() {
            self.client.publish(stream, body).await.map_err(failed)?;
        } else {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(name.as_str(), value.as_str());
            }
            self.client.publish_with_headers(stream, map, body).await.map_err(failed)?;
        }
        let (sender, echo) = oneshot::channel();
        let number = self.words.replace(self.words.get() + 1);
        self.echoes.borrow_mut().insert(number, sender);
        let word = Bytes::copy_from_slice(&number.to_be_bytes());
        self.client.publish(self.inbox.clone(), word).await.map_err(failed)?;
        echo.await.map_err(|_| "NATS: the connection has ended".to_owned())
    }
}

/// Hands every message that is published from now on to `waiting`.
pub(super) async fn subscribe(url: &str, subject: &str, waiting: Rc<Waiting>) -> Result<(), String> {
    let client = connected(url, waiting.away.clone()).await?;
    let mut messages = client.subscribe(subject.to_owned()).await.map_err(|e| format!("NATS: {e}"))?;
    confirm(&client).await?;
    tokio::task::spawn_local(async move {
        // Kept: its last handle would end the subscription.
        let _client = client;
        while let Some(message) = messages.next().await {
            waiting.arrived(Instant::now(), message.payload);
        }
        waiting.broke("NATS: the subscription has ended");
    });
    Ok(())
}

/// Waits until the server knows all subscriptions so far. A flush only sends them: a message that is published meanwhile
/// on another connection would be lost. A message to an inbox of its own comes back behind them.
async fn confirm(client: &Client) -> Result<(), String> {
    let inbox = client.new_inbox();
    let mut back = client.subscribe(inbox.clone()).await.map_err(|e| format!("NATS: {e}"))?;
    client.publish(inbox, Bytes::new()).await.map_err(|e| format!("NATS: {e}"))?;
    match tokio::time::timeout(CONFIRMED_WITHIN, back.next()).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("NATS: the connection has ended".to_owned()),
        Err(_) => Err(format!("NATS: the server has not answered for {} s", CONFIRMED_WITHIN.as_secs())),
    }
}

/// A client that connects again by itself; what is published to its subscriptions meanwhile is lost.
async fn connected(url: &str, away: Away) -> Result<Client, String> {
    let options = ConnectOptions::new().name("loadproof").event_callback(move |event| {
        match event {
            Event::Disconnected => away.lost(),
            Event::Connected => away.back(),
            _ => {}
        }
        std::future::ready(())
    });
    options.connect(url).await.map_err(|e| format!("NATS: {}", e.kind()))
}
