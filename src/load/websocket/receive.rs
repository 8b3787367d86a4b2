//! Waiting for a message as an effect of the step before.

use std::sync::Arc;
use std::time::Instant;

use minijinja::value::Value;

use super::inbox::Message;
use super::socket::Socket;
use crate::load::effect::{Awaiting, Cause};
use crate::load::event::text_of;
use crate::load::headers::Headers;
use crate::load::judge::{Answer, Judge};
use crate::load::timer::Timer;
use crate::sample::Outcome;
use crate::scenario::scope::Scope;
use crate::scenario::socket::Receive;
use crate::scenario::template::{RenderError, Templates};

/// What is waited with.
pub(in crate::load) struct Listener<'a> {
    pub(in crate::load) templates: &'a Templates,
    pub(in crate::load) scope: &'a Arc<Scope>,
    pub(in crate::load) timer: &'a Timer,
    /// What the message is the effect of.
    pub(in crate::load) cause: Cause,
}

/// Waits until a message has come, `within` has passed or the run is stopped, and records the effect: when the message
/// came and the variables taken from it, if it came and was as it should be.
pub(in crate::load) async fn received(
    socket: &Socket,
    receive: &Receive,
    listener: Listener<'_>,
    effect: Awaiting<'_>,
) -> Option<(Instant, Vec<(String, Value)>)> {
    let Listener { templates, scope, timer, cause } = listener;
    let values: Result<Vec<String>, RenderError> = receive
        .values
        .iter()
        .map(|value| Ok(String::from_utf8_lossy(&templates.render(value, scope)?).into_owned()))
        .collect();
    let values = match values {
        Ok(values) => values,
        Err(error) => {
            effect.end(0, Err((Outcome::Failed, &error.to_string())));
            return None;
        }
    };
    let arrival = socket.next(|message| is_wanted(receive, &values, cause, message));
    let message = tokio::select! {
        biased;
        arrived = arrival => match arrived {
            Ok(message) => message,
            Err(reason) => {
                effect.end(0, Err((Outcome::Error, &reason)));
                return None;
            }
        },
        is_time = timer.sleep_until(cause.done + receive.within) => {
            let reason = format!("not received within {:?}", receive.within);
            effect.end(0, Err(match (is_time, socket.has_forgotten_since(cause.intended)) {
                (true, false) => (Outcome::Failed, &reason),
                // It may have been among them.
                (true, true) => (Outcome::Error, "not received: unread messages were discarded because the buffer was full"),
                (false, _) => (Outcome::Error, "not awaited: the run was stopped"),
            }));
            return None;
        }
    };
    let (headers, size) = (&Headers::default(), message.body.len() as u64);
    let time = message.at.saturating_duration_since(cause.done);
    let answer = Answer { status: 0, headers, body: &message.body, size, time };
    match (Judge { templates, scope }).read(&receive.checks, &receive.extract, &answer) {
        Ok(variables) => {
            effect.end(0, Ok((Outcome::Ok, message.at)));
            Some((message.at, variables))
        }
        Err(reason) => {
            effect.end(0, Err((Outcome::Failed, &reason)));
            None
        }
    }
}

/// Whether a message is the one that is waited for. Without anything to tell it by, one that came before its cause was
/// due is not.
fn is_wanted(receive: &Receive, values: &[String], cause: Cause, message: &Message) -> bool {
    if receive.pointers.is_empty() {
        return message.at >= cause.intended;
    }
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(&message.body) else { return false };
    let mut wanted = receive.pointers.iter().zip(values);
    wanted.all(|(pointer, value)| json.pointer(pointer).is_some_and(|found| text_of(found) == *value))
}
