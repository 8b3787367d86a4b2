//! Faults as they are stored, on the run's clock.

use crate::load::Clock;
use crate::run::{FaultFacts, FaultOutcome};
use crate::system::fault::{Ending, FaultRun};

/// A fault as it is stored.
pub(super) fn facts(run: &FaultRun, clock: &Clock) -> FaultFacts {
    let us = |instant: Option<std::time::Instant>| instant.map(|instant| clock.us(instant));
    FaultFacts {
        name: run.fault.name.clone(),
        kind: run.fault.kind().to_owned(),
        text: run.fault.text(),
        due_us: us(run.due),
        lasts_us: run.fault.lasts.map(|lasts| i64::try_from(lasts.as_micros()).unwrap_or(i64::MAX)),
        start_us: us(run.start),
        end_us: us(run.end),
        outcome: match run.ending {
            Ending::Done => FaultOutcome::Done,
            Ending::CutShort => FaultOutcome::CutShort,
            Ending::Failed => FaultOutcome::Failed,
            Ending::NotReached => FaultOutcome::NotReached,
        },
        note: run.note.clone(),
    }
}
