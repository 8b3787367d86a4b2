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
        reason: recording.reason(reason),
        sent_us: now_us,
        first_byte_us: now_us,
        done_us: now_us,
        ..recording.due(endpoint, who, Key::NONE, due)
    });
}

/// The endpoint that a journey calls first.
fn first_endpoint<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Option<EndpointId> {
    steps.into_iter().find_map(|step| match step {
        Step::Request(request) => Some(request.endpoint),
        Step::Poll(poll) => Some(poll.request.endpoint),
        Step::Publish(publish) => Some(publish.endpoint),
        Step::Await(awaited) => Some(awaited.effect),
        Step::Socket(step) => Some(step.action.endpoint()),
        Step::Parallel(parallel) => parallel.requests.first().map(|r| r.endpoint),
        other => first_endpoint(other.parts()),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::prepared::tests::scenario;
    use crate::load::recording::tests::{WHO, ten_seconds_recorded};

    #[test]
    fn a_journey_that_was_not_begun_is_dropped_under_its_first_endpoint() {
        let steps = r#"
            { pause = "1s" },
            { choice = [{ probability = 1, steps = [{ parallel = [{ request = "GET /b" }, { request = "GET /c" }] }] }] },
            { request = "GET /d" },
        "#;
        let scenario = scenario(steps);
        let (recording, recorded) = ten_seconds_recorded();
        let due = recording.schedule.start + Duration::from_secs(3);
        record(&recording, WHO, &scenario.journeys[0], due, "no free place in time");
        let (sample, reason) = recorded.only(&recording);
        assert_eq!(scenario.endpoints[usize::from(sample.endpoint.0)].endpoint, "GET /b");
        assert_eq!((sample.outcome, reason.as_str()), (Outcome::Dropped, "no free place in time"));
        assert_eq!((sample.intended_us, sample.status), (3_000_000, 0));
        assert_eq!(sample.sent_us, sample.done_us, "it was never under way");
        assert_eq!(recording.gauge.in_flight(), 0);
    }

    #[test]
    fn a_journey_that_calls_nothing_leaves_nothing() {
        let journey = Journey {
            steps: vec![Step::Pause(Duration::ZERO)],
            ..scenario(r#"{ request = "GET /a" }"#).journeys.remove(0)
        };
        let (recording, recorded) = ten_seconds_recorded();
        record(&recording, WHO, &journey, recording.schedule.start, "late");
        assert!(recorded.is_empty(&recording));
    }
}
