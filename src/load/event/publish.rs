//! Publishing as a request: an event, its acknowledgement and the sample of both.

use std::sync::Arc;
use std::time::Instant;

use super::brokers::Brokers;
use super::outgoing::Outgoing;
use crate::load::pending::Pending;
use crate::load::recording::Recording;
use crate::load::who::Who;
use crate::sample::Outcome;
use crate::scenario::journey::Publish;
use crate::scenario::scope::Scope;

/// Publishes an event and records the sample: from its due time to the broker's acknowledgement.
pub(in crate::load) async fn publish(
    brokers: &Brokers,
    recording: &Recording,
    publish: &Publish,
    scope: &Arc<Scope>,
    who: Who,
    due: Instant,
) -> (Outcome, Instant) {
    let mut pending = Pending::new(recording, publish.endpoint, who, scope.key(), due);
    let event = match Outgoing::render(publish, &brokers.templates, scope) {
        Ok(event) => event,
        Err(error) => return pending.end_unanswered(Outcome::Failed, &error.to_string()),
    };
    let sent = Instant::now();
    pending.sent(sent, event.body.len());
    let acknowledged = brokers.publish(publish.broker, event);
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
