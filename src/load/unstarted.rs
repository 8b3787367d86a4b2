//! Journeys that were due and never began: dropped, and recorded as such.

use std::time::Instant;

use super::recording::Recording;
use super::who::Who;
use crate::sample::{EndpointId, Key, Outcome, Sample};
use crate::scenario::journey::{Journey, Step};

/// Records that a journey was not begun, under its first endpoint.
pub(super) fn record(recording: &Recording, who: Who, journey: &Journey, due: Instant, reason: &str) {
    let Some(endpoint) = first_endpoint(&journey.steps) else { return };
    let now_us = recording.clock.now_us();
    recording.recorder.record(Sample {
        outcome: Outcome::Dropped,
        reason: recording.recorder.reason(reason),
        sent_us: now_us,
        first_byte_us: now_us,
        done_us: now_us,
        ..recording.due(endpoint, who, Key::NONE, due)
    });
}

/// The endpoint that a journey calls first.
fn first_endpoint(steps: &[Step]) -> Option<EndpointId> {
    steps.iter().find_map(|step| match step {
        Step::Request(request) => Some(request.endpoint),
        Step::Poll(poll) => Some(poll.request.endpoint),
        Step::Publish(publish) => Some(publish.endpoint),
        Step::Await(awaited) => Some(awaited.effect),
        Step::Parallel(parallel) => parallel.requests.first().map(|r| r.endpoint),
        Step::Repeat { steps, .. } => first_endpoint(steps),
        Step::Choice(branches) => branches.iter().find_map(|b| first_endpoint(&b.steps)),
        Step::Let(_) | Step::Meet(_) | Step::Put(_) | Step::Pause(_) => None,
    })
}
