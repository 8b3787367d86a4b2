//! Samples that are being made: from the moment they are due to their end, whatever that is.

use std::time::Instant;

use super::recording::Recording;
use super::trip::Tally;
use super::who::Who;
use crate::sample::{EndpointId, Key, Outcome, Sample};

/// What a request gets as its reason when its load ends before its answer comes.
const ABORTED: &str = "unanswered at the end of the grace period";

/// A sample that is being made. If its user is ended before it is, it is recorded as it stands:
/// no request that went out is ever forgotten.
pub(super) struct Pending<'a> {
    recording: &'a Recording,
    sample: Sample,
    ended: bool,
}

impl<'a> Pending<'a> {
    pub(super) fn new(
        recording: &'a Recording,
        endpoint: EndpointId,
        who: Who,
        key: Key,
        intended: Instant,
    ) -> Self {
        recording.gauge.request_started();
        Self { recording, sample: recording.due(endpoint, who, key, intended), ended: false }
    }

    /// It has gone out.
    pub(super) fn sent(&mut self, at: Instant, bytes: usize) {
        self.sample.sent_us = self.recording.clock.us(at);
        self.sample.bytes_out = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// Records redirects and repeats, whether it was answered or not.
    pub(super) fn went(&mut self, tally: &Tally) {
        self.sample.redirects = tally.redirects.get();
        self.sample.repeats = tally.repeats.get();
    }

    /// It was answered.
    pub(super) fn answered(&mut self, status: u16, first_byte: Instant, bytes: usize) {
        self.sample.status = status;
        self.sample.first_byte_us = self.recording.clock.us(first_byte);
        self.sample.bytes_in = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// A check of it has passed or not, which decides nothing.
    pub(super) fn soft_check(&mut self, check: u16, has_passed: bool) {
        let Sample { endpoint, phase, .. } = self.sample;
        self.recording.recorder.soft_check(check, endpoint, phase, has_passed);
    }

    /// It has ended.
    pub(super) fn end(&mut self, outcome: Outcome, reason: Option<&str>, done: Instant) {
        self.ended = true;
        self.sample.outcome = outcome;
        self.sample.done_us = self.recording.clock.us(done);
        if self.sample.status == 0 {
            self.sample.first_byte_us = self.sample.done_us;
        }
        if let Some(reason) = reason {
            self.sample.reason = self.recording.reason(reason);
        }
        self.recording.recorder.record(self.sample);
        self.recording.gauge.request_ended();
    }

    /// The sample as it stands.
    pub(super) fn sample(&self) -> &Sample {
        &self.sample
    }

    /// It has ended now, without an answer.
    pub(super) fn end_unanswered(&mut self, outcome: Outcome, reason: &str) -> (Outcome, Instant) {
        let done = Instant::now();
        self.end(outcome, Some(reason), done);
        (outcome, done)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(Outcome::Error, Some(ABORTED), Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::recording::tests::{WHO, ten_seconds_recorded};

    #[test]
    fn an_answered_request_is_recorded_once_with_all_its_times() {
        let (recording, recorded) = ten_seconds_recorded();
        let at = |ms| recording.schedule.start + Duration::from_millis(ms);
        let mut pending = Pending::new(&recording, EndpointId(4), WHO, Key::NONE, at(3_000));
        assert_eq!(recording.gauge.in_flight(), 1);
        pending.sent(at(3_001), 10);
        pending.answered(201, at(3_005), 20);
        pending.end(Outcome::Ok, None, at(3_006));
        drop(pending);
        assert_eq!(recording.gauge.in_flight(), 0);
        let (sample, reason) = recorded.only(&recording);
        assert_eq!(
            [sample.intended_us, sample.sent_us, sample.first_byte_us, sample.done_us],
            [3_000_000, 3_001_000, 3_005_000, 3_006_000]
        );
        assert_eq!((sample.outcome, sample.status, reason.as_str()), (Outcome::Ok, 201, ""));
        assert_eq!((sample.bytes_out, sample.bytes_in), (10, 20));
    }

    #[test]
    fn a_request_without_an_answer_has_its_first_byte_at_its_end() {
        let (recording, recorded) = ten_seconds_recorded();
        let at = |ms| recording.schedule.start + Duration::from_millis(ms);
        let mut pending = Pending::new(&recording, EndpointId(4), WHO, Key::NONE, at(1_000));
        pending.sent(at(1_000), 10);
        pending.end(Outcome::Error, Some("timeout after 2s"), at(3_000));
        drop(pending);
        let (sample, reason) = recorded.only(&recording);
        assert_eq!((sample.first_byte_us, sample.done_us), (3_000_000, 3_000_000));
        assert_eq!((sample.status, reason.as_str()), (0, "timeout after 2s"));
    }

    #[test]
    fn a_request_whose_user_is_ended_is_recorded_as_an_error() {
        let (recording, recorded) = ten_seconds_recorded();
        let start = recording.schedule.start;
        let mut pending = Pending::new(&recording, EndpointId(4), WHO, Key::NONE, start);
        pending.sent(start, 10);
        assert!(recorded.is_empty(&recording));
        drop(pending);
        let (sample, reason) = recorded.only(&recording);
        assert_eq!((sample.outcome, reason.as_str()), (Outcome::Error, ABORTED));
        assert_eq!(recording.gauge.in_flight(), 0);
    }
}
