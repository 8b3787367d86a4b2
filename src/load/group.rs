//! The whole time of a group of steps, as a sample of its own.

use std::time::Instant;

use super::recording::Recording;
use super::who::Who;
use crate::sample::{EndpointId, Key, Outcome, Race, Sample};

/// What a group gets as its reason when its user is ended before it is.
const CUT_OFF: &str = "not finished at the end of the grace period";

/// A group of steps under way. If its user is ended before it is, it is recorded as never done.
pub(super) struct Timed<'a> {
    recording: &'a Recording,
    sample: Sample,
    has_ended: bool,
}

impl<'a> Timed<'a> {
    /// Begins one whose first step is due at `intended`.
    pub(super) fn begin(
        recording: &'a Recording,
        endpoint: EndpointId,
        who: Who,
        key: Key,
        intended: Instant,
    ) -> Self {
        let sample = Sample {
            race: Race::NONE,
            sent_us: recording.clock.now_us(),
            ..recording.due(endpoint, who, key, intended)
        };
        Self { recording, sample, has_ended: false }
    }

    /// It has ended now.
    pub(super) fn end(&mut self, outcome: Outcome, reason: Option<&str>) {
        self.has_ended = true;
        let done_us = self.recording.clock.now_us();
        let reason = reason.map(|reason| self.recording.reason(reason)).unwrap_or_default();
        self.recording.recorder.record(Sample {
            outcome,
            reason,
            first_byte_us: done_us,
            done_us,
            ..self.sample
        });
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(Outcome::Error, Some(CUT_OFF));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::recording::tests::{WHO, ten_seconds_recorded};

    #[test]
    fn a_group_lasts_from_when_it_was_due_and_one_that_is_cut_off_was_never_done() {
        for is_cut_off in [false, true] {
            let (recording, recorded) = ten_seconds_recorded();
            let due = recording.schedule.start.checked_sub(Duration::from_millis(20)).unwrap();
            let mut timed = Timed::begin(&recording, EndpointId(2), WHO, Key::new(0, 9), due);
            if !is_cut_off {
                timed.end(Outcome::Ok, None);
            }
            drop(timed);
            let (sample, reason) = recorded.only(&recording);
            assert_eq!((sample.intended_us, sample.key), (-20_000, Key::new(0, 9)));
            assert!(sample.done_us >= sample.sent_us);
            let wanted = if is_cut_off { (Outcome::Error, CUT_OFF) } else { (Outcome::Ok, "") };
            assert_eq!((sample.outcome, reason.as_str()), wanted);
        }
    }
}
