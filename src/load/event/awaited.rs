//! Pacing for an event as an effect of a request.

use std::sync::Arc;

use super::brokers::Brokers;
use super::waiting::Event;
use crate::load::effect::{Awaiting, Cause, Effect};
use crate::load::headers::Headers;
use crate::load::judge::{Answer, Judge};
use crate::load::recording::Recording;
use crate::load::timer::Timer;
use crate::load::who::Who;
use crate::sample::Outcome;
use crate::scenario::journey::Await;
use crate::scenario::scope::Scope;
use crate::scenario::template::RenderError;

/// Who waits, with what, and for whose effect.
pub(in crate::load) struct Waiter<'a> {
    pub(in crate::load) brokers: &'a Brokers,
    pub(in crate::load) recording: &'a Recording,
    pub(in crate::load) timer: &'a Timer,
    pub(in crate::load) scope: &'a Arc<Scope>,
    pub(in crate::load) who: Who,
    pub(in crate::load) cause: Cause,
}

/// Waits until the event has come, `within` has passed or the run is stopped; whether it came and was
/// as it should be.
pub(in crate::load) async fn until_seen(waiter: Waiter<'_>, awaited: &Await) -> bool {
    let Waiter { brokers, recording, timer, scope, who, cause } = waiter;
    let effect = Effect { endpoint: awaited.effect, who, key: scope.key(), cause };
    let effect = effect.awaited(recording);
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
            effect.end(0, Err((Outcome::Failed, &error.to_string())));
            return false;
        }
    };
    let arrival = brokers.waiting[awaited.subscription].next(&values);
    tokio::select! {
        biased;
        arrived = arrival => match arrived {
            Ok(event) => {
                let judge = Judge { templates: &brokers.templates, scope };
                seen(effect, cause, awaited, &event, judge)
            }
            Err(reason) => {
                effect.end(0, Err((Outcome::Error, &reason)));
                false
            }
        },
        is_time = timer.sleep_until(cause.done + awaited.within) => {
            let reason = format!("not seen within {:?}", awaited.within);
            let is_unknown = brokers.waiting[awaited.subscription].away.meanwhile(cause.done);
            effect.end(0, Err(match (is_time, is_unknown) {
                (true, false) => (Outcome::Failed, &reason),
                // It may have come, and nobody was there.
                (true, true) => (Outcome::Error, "not seen: the connection to the broker was lost"),
                (false, _) => (Outcome::Error, "not awaited: the run was stopped"),
            }));
            false
        }
    }
}

/// Judges an event that has come.
fn seen(effect: Awaiting<'_>, cause: Cause, awaited: &Await, event: &Event, judge: Judge<'_>) -> bool {
    let (headers, size) = (&Headers::default(), event.body.len() as u64);
    let time = event.at.saturating_duration_since(cause.done);
    let answer = Answer { status: 0, headers, body: &event.body, size, time };
    match judge.first_broken(&awaited.checks, &answer) {
        None => {
            effect.end(0, Ok((Outcome::Ok, event.at)));
            true
        }
        Some(reason) => {
            effect.end(0, Err((Outcome::Failed, &reason)));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::load::Pacing;
    use std::time::Duration;

    use super::super::brokers::tests::subscribed;
    use super::*;
    use crate::load::recording::tests::{Recorded, WHO, ten_seconds_recorded};
    use crate::sample::{EndpointId, Sample};
    use crate::scenario::check::{Check, JsonPlace, Test, Wanted};
    use crate::scenario::json::Json;
    use crate::scenario::template::Text;

    /// Waits for an event about 7 whose state is `done`, after `body` has arrived; a timer that is cancelled
    /// stands for a run that is stopped.
    async fn awaited(body: Option<&'static str>, is_stopped: bool) -> (bool, Sample, String) {
        let awaited = Await {
            effect: EndpointId(3),
            subscription: 0,
            values: vec![Text::Fixed("7".into())],
            checks: vec![Check::Json {
                at: JsonPlace::Pointer("/state".to_owned()),
                test: Test::Equals(Wanted::Fixed(Json::Text("done".into()))),
            }],
            within: Duration::from_millis(1),
            background: false,
            continue_on_failure: false,
        };
        let brokers = subscribed();
        let (recording, recorded): (Recording, Recorded) = ten_seconds_recorded();
        let (timer, scope, since) =
            (Timer::new(Pacing::Sleep).unwrap(), Scope::new(1, || 0), recording.schedule.start);
        if is_stopped {
            timer.cancel();
        }
        if let Some(body) = body {
            brokers.waiting[0].arrived(since + Duration::from_millis(5), body.into());
        }
        let (brokers, recording, timer, scope) = (&brokers, &recording, &timer, &scope);
        let waiter = Waiter {
            brokers,
            recording,
            timer,
            scope,
            who: WHO,
            cause: Cause { intended: since, done: since },
        };
        let seen = tokio::select! {
            seen = until_seen(waiter, &awaited) => seen,
            _ = timer.drive() => unreachable!("the timer never ends"),
        };
        let (sample, reason) = recorded.only(recording);
        (seen, sample, reason)
    }

    #[tokio::test]
    async fn an_event_as_it_should_be_is_an_effect_that_ends_when_it_came() {
        let (seen, sample, reason) = awaited(Some(r#"{"id": 7, "state": "done"}"#), false).await;
        assert!(seen);
        assert_eq!((sample.outcome, sample.endpoint, reason.as_str()), (Outcome::Ok, EndpointId(3), ""));
        assert_eq!((sample.intended_us, sample.done_us), (0, 5_000));
    }

    #[tokio::test]
    async fn an_event_that_breaks_a_check_fails() {
        let (seen, sample, reason) = awaited(Some(r#"{"id": 7, "state": "lost"}"#), false).await;
        assert!(!seen);
        assert_eq!((sample.outcome, reason.as_str()), (Outcome::Failed, "`/state` is not \"done\""));
    }

    #[tokio::test]
    async fn an_event_about_something_else_does_not_count() {
        let (seen, sample, reason) = awaited(Some(r#"{"id": 8, "state": "done"}"#), false).await;
        assert!(!seen);
        assert_eq!((sample.outcome, reason.as_str()), (Outcome::Failed, "not seen within 1ms"));
    }

    #[tokio::test]
    async fn a_stopped_run_waits_no_longer_and_blames_nobody() {
        let (seen, sample, reason) = awaited(None, true).await;
        assert!(!seen);
        assert_eq!((sample.outcome, reason.as_str()), (Outcome::Error, "not awaited: the run was stopped"));
    }
}
