//! What samples are made with: the clock and the phases by which their times are told, the recorder
//! that takes them, and the gauge that counts what is under way.

use std::sync::Arc;
use std::time::Instant;

use super::clock::Clock;
use super::gauge::Gauge;
use super::own::Own;
use super::schedule::Schedule;
use super::who::Who;
use super::witness::Witness;
use crate::sample::Recorder;
use crate::sample::{EndpointId, Key, Outcome, ReasonId, Sample};

/// What the samples of one worker are made with.
pub(super) struct Recording {
    pub(super) clock: Clock,
    pub(super) schedule: Schedule,
    pub(super) recorder: Recorder,
    pub(super) gauge: Arc<Gauge>,
    pub(super) witness: Witness,
    pub(super) own: Own,
}

impl Recording {
    /// The id of a reason, without secrets in its words.
    pub(super) fn reason(&self, text: &str) -> ReasonId {
        self.recorder.reason(text, |text| self.witness.shown(text))
    }

    /// A sample of something that is due at an instant and has not ended yet.
    pub(super) fn due(&self, endpoint: EndpointId, who: Who, key: Key, intended: Instant) -> Sample {
        let intended_us = self.clock.us(intended);
        Sample {
            endpoint,
            user_class: who.user_class,
            user: who.user,
            journey: who.journey,
            phase: self.schedule.phase(intended),
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
            redirects: 0,
            repeats: 0,
        }
    }
}

#[cfg(test)]
pub(in crate::load) mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::load::clock::tests::starting_at;
    use crate::load::schedule::tests::ten_seconds;
    use crate::load::witness::Kept;
    use crate::sample::{Batch, Phase, Race, UserClassId};

    /// Somebody.
    pub(in crate::load) const WHO: Who =
        Who { user_class: UserClassId(1), user: 2, journey: 3, race: Race::NONE };

    /// What was recorded.
    #[derive(Clone, Default)]
    pub(in crate::load) struct Recorded(Arc<Mutex<Vec<Batch>>>);

    /// A load of ten seconds whose clock starts with it, and what is recorded of it.
    pub(in crate::load) fn ten_seconds_recorded() -> (Recording, Recorded) {
        let recorded = Recorded::default();
        let batches = Arc::clone(&recorded.0);
        let schedule = ten_seconds();
        let clock = starting_at(schedule.start);
        let recording = Recording {
            clock,
            schedule,
            recorder: Recorder::new(0, Arc::new(move |batch| batches.lock().unwrap().push(batch))),
            gauge: Arc::default(),
            witness: Witness::new(Kept::Failed, Arc::default()),
            own: Own::new(None, clock, 0),
        };
        (recording, recorded)
    }

    impl Recorded {
        /// The only sample, and its reason.
        pub(in crate::load) fn only(&self, recording: &Recording) -> (Sample, String) {
            recording.recorder.flush();
            let batches = self.0.lock().unwrap();
            let [batch] = &batches[..] else { panic!("{} batches instead of one", batches.len()) };
            let [sample] = batch.samples[..] else { panic!("{} samples", batch.samples.len()) };
            let reason = usize::from(sample.reason.0).checked_sub(1);
            (sample, reason.map_or(String::new(), |place| batch.new_reasons[place].clone()))
        }

        /// Whether nothing was recorded.
        pub(in crate::load) fn is_empty(&self, recording: &Recording) -> bool {
            recording.recorder.flush();
            self.0.lock().unwrap().is_empty()
        }
    }

    #[test]
    fn a_sample_has_the_times_of_the_runs_clock_and_the_phase_in_which_it_is_due() {
        let (recording, _) = ten_seconds_recorded();
        let intended = recording.schedule.start + Duration::from_millis(2_500);
        let sample = recording.due(EndpointId(7), WHO, Key::new(1, 4), intended);
        assert_eq!((sample.intended_us, sample.sent_us, sample.phase), (2_500_000, 2_500_000, Phase::Steady));
        assert_eq!((sample.endpoint, sample.key), (EndpointId(7), Key::new(1, 4)));
        assert_eq!((sample.user_class, sample.user, sample.journey), (UserClassId(1), 2, 3));
    }
}
