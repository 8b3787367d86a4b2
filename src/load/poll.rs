//! Waiting for a request's effect: asks until it is visible, and records how long that took.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::Client;
use super::effect::{Cause, Effect};
use super::exchange::{Due, Ended, exchange, make_ready};
use super::judge::Judge;
use super::timer::Timer;
use super::who::Who;
use crate::sample::{Outcome, status_text};
use crate::scenario::journey::Poll;
use crate::scenario::scope::Scope;

/// Who asks, and with what.
pub(super) struct Asker<'a> {
    pub(super) client: Client<'a>,
    pub(super) timer: &'a Timer,
    pub(super) scope: &'a Arc<Scope>,
    pub(super) who: Who,
}

/// Asks until the effect is visible, `poll.within` has passed or the run is stopped; whether it
/// was seen. `cause`: the request whose effect it is.
pub(super) async fn until_visible(asker: Asker<'_>, poll: &Poll, cause: Cause) -> bool {
    let since = cause.done;
    let recording = asker.client.recording;
    let deadline = since + poll.within;
    let effect = Effect { endpoint: poll.effect, who: asker.who, key: asker.scope.key(), cause };
    let effect = effect.awaited(recording);
    let mut due = since;
    let mut status = 0;
    loop {
        if !asker.timer.sleep_until(due).await {
            effect.end(status, Err((Outcome::Error, "not awaited: the run was stopped")));
            return false;
        }
        let asked = ask(&asker, poll, due).await;
        status = asked.status;
        if let Some(Some(outcome)) = asked.inspected {
            effect.end(status, Ok((outcome, asked.done)));
            return true;
        }
        due = asked.done + gap(asked.done.saturating_duration_since(since), poll.every, poll.precision);
        if due > deadline {
            let last =
                if status == 0 { "no answer".to_owned() } else { format!("status {}", status_text(status)) };
            let reason = format!("not visible within {:?}, the last question had {last}", poll.within);
            effect.end(status, Err((Outcome::Failed, &reason)));
            return false;
        }
    }
}

/// Asks once; the effect's outcome if the answer shows it.
async fn ask(asker: &Asker<'_>, poll: &Poll, intended: Instant) -> Ended<Option<Outcome>> {
    let ready = make_ready(asker.client, &poll.request, asker.scope).await;
    let keep_body = !(poll.until_checks.is_empty() && poll.reject_checks.is_empty());
    let due = Due { request: &poll.request, who: asker.who, scope: asker.scope, intended, keep_body };
    let judge = Judge { templates: &asker.client.requests.templates, scope: asker.scope };
    exchange(asker.client, due, ready, |answer| {
        let is_visible = poll.until.contains(&answer.status) && judge.holds(&poll.until_checks, answer);
        let is_rejected = !poll.reject_checks.is_empty() && judge.holds(&poll.reject_checks, answer);
        is_visible.then_some(if is_rejected { Outcome::Rejected } else { Outcome::Ok })
    })
    .await
}

/// The time from an answer to the next question. It grows with the wait so far, of which it is a share
/// of `precision`: that bounds the relative error.
fn gap(waited: Duration, every: Duration, precision: f64) -> Duration {
    every.max(waited.mul_f64(precision)).max(Duration::from_micros(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::gap;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn questions_come_at_least_every_so_often_and_then_grow_rarer_with_the_wait() {
        let gap_after = |waited_ms| gap(MS * waited_ms, MS * 10, 0.05);
        assert_eq!(gap_after(0), MS * 10);
        assert_eq!(gap_after(200), MS * 10, "5 % of 200 ms");
        assert_eq!(gap_after(400), MS * 20);
        assert_eq!(gap_after(60_000), MS * 3_000);
    }

    #[test]
    fn the_number_of_questions_grows_with_the_logarithm_of_the_wait() {
        let (every, precision) = (MS, 0.05);
        let (mut waited, mut questions) = (Duration::ZERO, 0);
        while waited < MS * 60_000 {
            waited += gap(waited, every, precision);
            questions += 1;
        }
        // 20 of them until gaps of 5 % are longer than 1 ms, then ln(60 000 / 20) / ln(1.05) = 164.
        assert!((180..190).contains(&questions), "{questions}");
    }

    #[test]
    fn there_is_time_between_questions_even_if_none_is_asked_for() {
        assert_eq!(gap(Duration::ZERO, Duration::ZERO, 0.0), Duration::from_micros(1));
    }
}
