//! Waiting for an event as an effect of a request.

use std::sync::Arc;
use std::time::Instant;

use super::brokers::Brokers;
use super::waiting::Event;
use crate::load::effect::Effect;
use crate::load::judge::{self, Answer};
use crate::load::recording::Recording;
use crate::load::timer::Timer;
use crate::load::who::Who;
use crate::sample::Outcome;
use crate::scenario::journey::Await;
use crate::scenario::scope::Scope;
use crate::scenario::template::RenderError;

/// Who waits, with what, and since when.
pub(in crate::load) struct Waiter<'a> {
    pub(in crate::load) brokers: &'a Brokers,
    pub(in crate::load) recording: &'a Recording,
    pub(in crate::load) timer: &'a Timer,
    pub(in crate::load) scope: &'a Arc<Scope>,
    pub(in crate::load) who: Who,
    pub(in crate::load) since: Instant,
}

/// Waits until the event has come, `within` has passed or the run is stopped; whether it came and was
/// as it should be.
pub(in crate::load) async fn until_seen(waiter: Waiter<'_>, awaited: &Await) -> bool {
    let Waiter { brokers, recording, timer, scope, who, since } = waiter;
    let effect = Effect { endpoint: awaited.effect, who, key: scope.key(), since };
    let values: Result<Vec<String>, RenderError> = awaited
        .values
        .iter()
        .map(|value| {
            let bytes = brokers.templates.render(value, scope)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect();
    let values = match values {
        Ok(values) => values,
        Err(error) => {
            effect.record(recording, 0, Err((Outcome::Failed, &error.to_string())));
            return false;
        }
    };
    let arrival = brokers.waiting[awaited.subscription].next(&values);
    tokio::select! {
        biased;
        arrived = arrival => match arrived {
            Ok(event) => seen(recording, effect, awaited, &event),
            Err(reason) => {
                effect.record(recording, 0, Err((Outcome::Error, &reason)));
                false
            }
        },
        is_time = timer.sleep_until(since + awaited.within) => {
            let reason = format!("not seen within {:?}", awaited.within);
            let stopped = (Outcome::Error, "not awaited: the run was stopped");
            effect.record(recording, 0, Err(if is_time { (Outcome::Failed, &reason) } else { stopped }));
            false
        }
    }
}

/// Judges an event that has come.
fn seen(recording: &Recording, effect: Effect, awaited: &Await, event: &Event) -> bool {
    let answer = Answer { status: 0, headers: &hyper::HeaderMap::new(), body: &event.body };
    match judge::first_broken(&awaited.checks, &answer) {
        None => {
            effect.record(recording, 0, Ok((Outcome::Ok, event.at)));
            true
        }
        Some(reason) => {
            effect.record(recording, 0, Err((Outcome::Failed, &reason)));
            false
        }
    }
}
