//! Effects: from when what brings one about was due to its being seen, or given up.
//!
//! A system that answers before the work is done has not done it sooner, so an effect counts from the intended start of its
//! cause; from the cause's answer on, it is its service time.

use std::time::Instant;

use super::recording::Recording;
use super::who::Who;
use crate::sample::{EndpointId, Key, Outcome, Race, ReasonId, Sample};

/// An effect that is awaited.
#[derive(Clone, Copy)]
pub(super) struct Effect {
    /// Where its samples are counted.
    pub(super) endpoint: EndpointId,
    pub(super) who: Who,
    pub(super) key: Key,
    /// The request whose effect it is.
    pub(super) cause: Cause,
}

/// What brings an effect about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cause {
    /// When it should have been sent.
    pub(super) intended: Instant,
    /// When it was answered.
    pub(super) done: Instant,
}

/// What an effect gets as its reason when its load ends before it is seen or given up.
const CUT_OFF: &str = "not seen by the end of the grace period";

/// An effect that somebody is waiting for. If whoever waits is ended first, it is recorded as an error: no effect that a
/// request should have is ever forgotten.
pub(super) struct Awaiting<'a> {
    effect: Effect,
    recording: &'a Recording,
    is_recorded: bool,
}

impl Awaiting<'_> {
    /// Records how and when it was seen, or why it was not.
    pub(super) fn end(mut self, status: u16, seen: Result<(Outcome, Instant), (Outcome, &str)>) {
        self.is_recorded = true;
        self.effect.record(self.recording, status, seen);
    }
}

impl Awaiting<'_> {
    /// Leaves no sample: it turned out that there was nothing to wait for.
    pub(super) fn forget(mut self) {
        self.is_recorded = true;
    }
}

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        if !self.is_recorded {
            self.effect.record(self.recording, 0, Err((Outcome::Error, CUT_OFF)));
        }
    }
}

impl Effect {
    /// Begins to wait for it.
    pub(super) fn awaited(self, recording: &Recording) -> Awaiting<'_> {
        Awaiting { effect: self, recording, is_recorded: false }
    }

    fn record(&self, recording: &Recording, status: u16, seen: Result<(Outcome, Instant), (Outcome, &str)>) {
        let (outcome, reason, done) = match seen {
            // An effect may be seen before the request is answered that has brought it about.
            Ok((outcome, at)) => (outcome, ReasonId(0), at.max(self.cause.done)),
            Err((outcome, reason)) => (outcome, recording.reason(reason), Instant::now()),
        };
        let done_us = recording.clock.us(done);
        recording.recorder.record(Sample {
            outcome,
            status,
            reason,
            first_byte_us: done_us,
            done_us,
            race: Race::NONE,
            sent_us: recording.clock.us(self.cause.done),
            ..recording.due(self.endpoint, self.who, self.key, self.cause.intended)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::recording::tests::{WHO, ten_seconds_recorded};
    use crate::sample::Phase;

    /// An effect of a request that took 20 ms.
    fn effect(done: Instant) -> Effect {
        let who = Who { race: Race::new(1, 5), ..WHO };
        Effect {
            endpoint: EndpointId(2),
            who,
            key: Key::new(0, 9),
            cause: Cause { intended: done.checked_sub(Duration::from_millis(20)).unwrap(), done },
        }
    }

    #[test]
    fn an_effect_lasts_from_when_its_cause_was_due_to_its_being_seen_and_races_nobody() {
        let (recording, recorded) = ten_seconds_recorded();
        let since = recording.schedule.start + Duration::from_secs(4);
        effect(since).record(&recording, 200, Ok((Outcome::Ok, since + Duration::from_millis(30))));
        let (sample, reason) = recorded.only(&recording);
        assert_eq!((sample.intended_us, sample.sent_us), (3_980_000, 4_000_000));
        assert_eq!((sample.first_byte_us, sample.done_us), (4_030_000, 4_030_000));
        assert_eq!((sample.outcome, sample.status, reason.as_str()), (Outcome::Ok, 200, ""));
        assert_eq!((sample.race, sample.key, sample.phase), (Race::NONE, Key::new(0, 9), Phase::Steady));
    }

    #[test]
    fn an_effect_that_was_seen_before_the_answer_took_no_time_from_it() {
        let (recording, recorded) = ten_seconds_recorded();
        let since = recording.schedule.start + Duration::from_secs(4);
        effect(since).record(
            &recording,
            0,
            Ok((Outcome::Ok, since.checked_sub(Duration::from_millis(5)).unwrap())),
        );
        assert_eq!(recorded.only(&recording).0.done_us, 4_000_000);
    }

    #[test]
    fn an_effect_whose_wait_is_ended_is_recorded_once_as_an_error() {
        let (recording, recorded) = ten_seconds_recorded();
        drop(effect(recording.schedule.start).awaited(&recording));
        let (sample, reason) = recorded.only(&recording);
        assert_eq!((sample.outcome, sample.status, reason.as_str()), (Outcome::Error, 0, CUT_OFF));
        let (recording, recorded) = ten_seconds_recorded();
        let since = recording.schedule.start;
        effect(since).awaited(&recording).end(200, Ok((Outcome::Ok, since)));
        assert_eq!(recorded.only(&recording).0.outcome, Outcome::Ok);
    }

    #[test]
    fn an_effect_that_was_given_up_says_why() {
        let (recording, recorded) = ten_seconds_recorded();
        let reason = "not visible within 1s";
        effect(recording.schedule.start).record(&recording, 404, Err((Outcome::Failed, reason)));
        let (sample, recorded) = recorded.only(&recording);
        assert_eq!((sample.outcome, sample.status, recorded.as_str()), (Outcome::Failed, 404, reason));
    }
}
