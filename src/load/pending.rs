//! Samples that are being made: from the moment they are due to their end, whatever that is.

use std::time::Instant;

use super::exchange::Who;
use super::worker::Worker;
use crate::sample::{EndpointId, Key, Outcome, ReasonId, Sample};

/// What a request gets as its reason when its load ends before its answer comes.
const ABORTED: &str = "unanswered when the load's grace ended";

/// A sample that is being made. If its user is ended before it is, it is recorded as it stands:
/// no request that went out is ever forgotten.
pub(super) struct Pending<'a> {
    worker: &'a Worker,
    sample: Sample,
    ended: bool,
}

impl<'a> Pending<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        endpoint: EndpointId,
        who: Who,
        key: Key,
        intended: Instant,
    ) -> Self {
        let intended_us = worker.clock.us(intended);
        let sample = Sample {
            endpoint,
            user_class: who.user_class,
            user: who.user,
            journey: who.journey,
            phase: worker.schedule.phase(intended),
            outcome: Outcome::Error,
            status: 0,
            reason: ReasonId(0),
            intended_us,
            sent_us: intended_us,
            first_byte_us: 0,
            done_us: 0,
            key,
            race: who.race,
            bytes_in: 0,
            bytes_out: 0,
        };
        worker.gauge.request_started();
        Self { worker, sample, ended: false }
    }

    /// It has gone out.
    pub(super) fn sent(&mut self, at: Instant, bytes: usize) {
        self.sample.sent_us = self.worker.clock.us(at);
        self.sample.bytes_out = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// It was answered.
    pub(super) fn answered(&mut self, status: u16, first_byte: Instant, bytes: usize) {
        self.sample.status = status;
        self.sample.first_byte_us = self.worker.clock.us(first_byte);
        self.sample.bytes_in = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// It has ended.
    pub(super) fn end(&mut self, outcome: Outcome, reason: Option<&str>, done: Instant) {
        self.ended = true;
        self.sample.outcome = outcome;
        self.sample.done_us = self.worker.clock.us(done);
        if self.sample.status == 0 {
            self.sample.first_byte_us = self.sample.done_us;
        }
        if let Some(reason) = reason {
            self.sample.reason = self.worker.recorder.reason(reason);
        }
        self.worker.recorder.record(self.sample);
        self.worker.gauge.request_ended();
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
