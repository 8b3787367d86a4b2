//! Effects: from the end of what brings one about to its being seen, or given up.

use std::time::Instant;

use super::exchange::Who;
use super::worker::Worker;
use crate::sample::{EndpointId, Key, Outcome, Race, ReasonId, Sample};

/// An effect that is awaited.
#[derive(Clone, Copy)]
pub(super) struct Effect {
    /// Where its samples are counted.
    pub(super) endpoint: EndpointId,
    pub(super) who: Who,
    pub(super) key: Key,
    /// The end of the request whose effect it is.
    pub(super) since: Instant,
}

impl Effect {
    /// Records how and when it was seen, or why it was not.
    pub(super) fn record(
        &self,
        worker: &Worker,
        status: u16,
        seen: Result<(Outcome, Instant), (Outcome, &str)>,
    ) {
        let (outcome, reason, done) = match seen {
            // An effect may be seen before the request is answered that has brought it about.
            Ok((outcome, at)) => (outcome, ReasonId(0), at.max(self.since)),
            Err((outcome, reason)) => (outcome, worker.recorder.reason(reason), Instant::now()),
        };
        let (since_us, done_us) = (worker.clock.us(self.since), worker.clock.us(done));
        worker.recorder.record(Sample {
            endpoint: self.endpoint,
            user_class: self.who.user_class,
            user: self.who.user,
            journey: self.who.journey,
            phase: worker.schedule.phase(self.since),
            outcome,
            status,
            reason,
            intended_us: since_us,
            sent_us: since_us,
            first_byte_us: done_us,
            done_us,
            race: Race::NONE,
            key: self.key,
            bytes_in: 0,
            bytes_out: 0,
        });
    }
}
