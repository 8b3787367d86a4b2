//! Waiting for a request's effect: asks until it is visible, and records how long that took.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connections;
use super::effect::Effect;
use super::exchange::{Due, Ended, Who, exchange, make_ready};
use super::judge::holds;
use super::worker::Worker;
use crate::sample::Outcome;
use crate::scenario::journey::Poll;
use crate::scenario::scope::Scope;

/// Who asks, and over what.
pub(super) struct Context<'a> {
    pub(super) worker: &'a Worker,
    pub(super) connections: &'a Connections,
    pub(super) scope: &'a Arc<Scope>,
    pub(super) who: Who,
}

/// Asks while the user goes on: on connections of their own, with the user's variables as they
/// are now.
pub(super) fn in_background(worker: &Rc<Worker>, scope: &Scope, who: Who, poll: &Poll, since: Instant) {
    let scope = scope.fork(worker.seed([who.journey.into()]));
    let (poll, own) = (poll.clone(), Rc::clone(worker));
    worker.in_background(async move {
        let context = Context { worker: &own, connections: &own.probes, scope: &scope, who };
        until_visible(context, &poll, since).await;
    });
}

/// Asks until the effect is visible, `poll.within` has passed or the run is stopped; whether it
/// was seen. `since`: when the request whose effect it is was answered.
pub(super) async fn until_visible(context: Context<'_>, poll: &Poll, since: Instant) -> bool {
    let deadline = since + poll.within;
    let effect = Effect { endpoint: poll.effect, who: context.who, key: context.scope.key(), since };
    let mut due = since;
    let mut status = 0;
    loop {
        if !context.worker.timer.sleep_until(due).await {
            effect.record(context.worker, status, Err((Outcome::Error, "not awaited: the run was stopped")));
            return false;
        }
        let asked = ask(&context, poll, due).await;
        status = asked.status;
        if let Some(Some(outcome)) = asked.inspected {
            effect.record(context.worker, status, Ok((outcome, asked.done)));
            return true;
        }
        due = next_question(since, asked.done, poll);
        if due > deadline {
            let reason = format!("not visible within {:?}", poll.within);
            effect.record(context.worker, status, Err((Outcome::Failed, &reason)));
            return false;
        }
    }
}

/// Asks once; the effect's outcome if the answer shows it.
async fn ask(context: &Context<'_>, poll: &Poll, intended: Instant) -> Ended<Option<Outcome>> {
    let Context { worker, connections, scope, who } = context;
    let ready = make_ready(worker, connections, &poll.request, scope).await;
    let keep_body = !(poll.until_checks.is_empty() && poll.reject_checks.is_empty());
    let due = Due { request: &poll.request, who: *who, key: scope.key(), intended, keep_body };
    exchange(worker, connections, due, ready, |answer| {
        let is_visible = poll.until.contains(&answer.status) && holds(&poll.until_checks, answer);
        let is_rejected = !poll.reject_checks.is_empty() && holds(&poll.reject_checks, answer);
        is_visible.then_some(if is_rejected { Outcome::Rejected } else { Outcome::Ok })
    })
    .await
}

/// The longer the wait so far, the rarer the questions: their distance bounds the relative error.
fn next_question(since: Instant, now: Instant, poll: &Poll) -> Instant {
    let waited = now.saturating_duration_since(since);
    now + poll.every.max(waited.mul_f64(poll.precision)).max(Duration::from_micros(1))
}
