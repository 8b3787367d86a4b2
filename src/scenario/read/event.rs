//! Steps that publish events (`publish`) and wait for some (`await`).

use std::time::Duration;

use super::book::{Book, Flow};
use super::check::{check_pointer, checks};
use super::content::content;
use super::context::Context;
use crate::sample::Kind;
use crate::scenario::broker::{BrokerKind, Subscription};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::journey::{Await, Publish};
use crate::scenario::problem::Place;

/// `{ publish = "orders", broker = "bus", json = { … } }`
pub(super) fn publish(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Publish> {
    let stream = step.name("publish")?;
    let broker = broker(step, book);
    let name = step.name("name").map_or_else(|| format!("PUBLISH {}", stream.value), |l| l.value);
    let endpoint = book.endpoint(name, context, Kind::Request);
    let stream = book.text(&stream, flow);
    let key = step.text("key");
    if let (Some(key), Some(broker)) = (&key, broker)
        && book.brokers[broker].kind != BrokerKind::Kafka
    {
        step.problems.add(&key.place, "only Kafka's events have a key", "not for this broker");
    }
    let key = key.and_then(|key| book.text(&key, flow));
    let headers = super::defaults::named_texts(step);
    let headers: Vec<_> =
        headers.into_iter().filter_map(|(name, value)| Some((name, book.text(&value, flow)?))).collect();
    let body = content(step, book, flow).map(|(body, _)| body);
    let timeout = step.time("timeout").unwrap_or(book.defaults.timeout);
    let continue_on_failure = step.flag("continue_on_failure").unwrap_or(false);
    Some(Publish {
        endpoint,
        broker: broker?,
        stream: stream?,
        key,
        headers,
        body: body.flatten(),
        timeout,
        continue_on_failure,
    })
}

/// `{ await = "orders.done", match = { "/order_id" = "{{ order_id }}" }, effect = "order done" }`
pub(super) fn awaited(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Await> {
    let stream = step.name("await")?;
    let broker = broker(step, book);
    step.require("effect");
    let effect = step.name("effect");
    step.require("match");
    let matching = match_values(step, book, flow);
    let checks = checks(step, "check", book, flow);
    let within = step.time("within").unwrap_or(Duration::from_secs(60));
    let background = step.flag("background").unwrap_or(false);
    let continue_on_failure = step.flag("continue_on_failure").unwrap_or(false);
    let effect = book.endpoint(effect?.value, context, Kind::Effect);
    let (pointers, values) = matching?;
    let subscription = Subscription { broker: broker?, stream: stream.value, pointers };
    let subscription = book.subscription(subscription);
    Some(Await { effect, subscription, values, checks, within, background, continue_on_failure })
}

/// The broker that a step names; without a name the only one.
fn broker(step: &mut Fields<'_>, book: &Book<'_>) -> Option<usize> {
    let names: Vec<&str> = book.brokers.iter().map(|b| b.name.as_str()).collect();
    match step.text("broker") {
        Some(name) => {
            let found = names.iter().position(|known| *known == name.value);
            if found.is_none() {
                step.problems.add_unknown(&name.place, "broker", &name.value, &names);
            }
            found
        }
        None if names.len() == 1 => Some(0),
        None => {
            let label = if names.is_empty() {
                "write `[broker.NAME]` with its address".to_owned()
            } else {
                format!("say `broker`: {}", names.join(", "))
            };
            step.problems.add(&step.place, "which broker?", label);
            None
        }
    }
}

/// `match = { "/pointer" = "value" }`: pointers, and the texts of their values.
pub(super) fn match_values(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Option<(Vec<String>, Vec<crate::scenario::template::Text>)> {
    let table = step.table("match")?;
    let mut pairs = Vec::new();
    for (pointer, value) in table.entries() {
        check_pointer(&table, &pointer);
        let place = Place { file: table.file(), span: value.span() };
        let text = super::body::field_text(value.get_ref());
        let text = book.text(&Located { value: text, place }, flow)?;
        pairs.push((pointer.value, text));
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    if pairs.is_empty() {
        table.problems.add(&table.place, "every event would match", "needs at least one JSON pointer");
        return None;
    }
    Some(pairs.into_iter().unzip())
}
