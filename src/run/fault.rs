//! What was done to the system of a run on purpose.

use serde::{Deserialize, Serialize};

/// A fault of a run: as it was planned, and as it was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultFacts {
    /// Its name.
    pub name: String,
    /// `stop`, `kill`, `pause`, `restart`, `delay`, `bandwidth`, `reset`, `blackhole`, `cut` or `command`.
    pub kind: String,
    /// What it does, and for how long: `pause engine for 3 s`.
    pub text: String,
    /// When it was due, µs since the run's start; none where its drain never began.
    pub due_us: Option<i64>,
    /// How long it was to last, µs; none for one that is over at once, or stays until the run ends.
    pub lasts_us: Option<i64>,
    /// When it began, µs since the run's start; none if it never did.
    pub start_us: Option<i64>,
    /// When it was over; none if it never began, was to stay, or could not be undone.
    pub end_us: Option<i64>,
    /// What became of it.
    pub outcome: FaultOutcome,
    /// What else there is to say; often empty.
    pub note: String,
}

/// What became of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultOutcome {
    /// It was carried out as planned.
    Done,
    /// The run ended before it was over.
    CutShort,
    /// It could not be carried out, or not be undone.
    Failed,
    /// The run ended before it was due.
    NotReached,
}

impl FaultOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Done, Self::CutShort, Self::Failed, Self::NotReached];

    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::CutShort => "cut-short",
            Self::Failed => "failed",
            Self::NotReached => "not-reached",
        }
    }
}

impl FaultFacts {
    /// From when to when the system was under it, µs: to `until_us` where it stayed. None if it never began.
    pub fn window_us(&self, until_us: i64) -> Option<(i64, i64)> {
        let start = self.start_us?;
        Some((start, self.end_us.unwrap_or(until_us).max(start)))
    }

    /// From when to when it counts as an event, from whose end a system recovers: one that stays is over at once, since
    /// what recovers from it does so in spite of it.
    ///
    /// # Errors
    /// Why it is none: it did not happen as planned.
    pub fn event_us(&self) -> Result<(i64, i64), String> {
        let why = |text: &str| {
            let note = if self.note.is_empty() { String::new() } else { format!(": {}", self.note) };
            Err(format!("fault `{}` {text}{note}", self.name))
        };
        match (self.outcome, self.start_us) {
            (FaultOutcome::Done, Some(start)) => Ok((start, self.end_us.unwrap_or(start))),
            (FaultOutcome::CutShort, Some(_)) => why("was not over when the run ended"),
            (FaultOutcome::Failed, Some(_)) => why("could not be undone"),
            _ => why("was not carried out"),
        }
    }

    /// How much later it began than it was due, µs.
    pub fn late_us(&self) -> Option<i64> {
        Some((self.start_us? - self.due_us?).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(outcome: FaultOutcome, start_us: Option<i64>, end_us: Option<i64>) -> FaultFacts {
        FaultFacts {
            name: "payment down".to_owned(),
            kind: "kill".to_owned(),
            text: "kill payment for 3 s".to_owned(),
            due_us: Some(1_000),
            lasts_us: Some(3_000_000),
            start_us,
            end_us,
            outcome,
            note: String::new(),
        }
    }

    #[test]
    fn only_what_happened_as_planned_is_an_event() {
        let done = fault(FaultOutcome::Done, Some(1_200), Some(3_001_200));
        assert_eq!((done.event_us(), done.late_us()), (Ok((1_200, 3_001_200)), Some(200)));
        let stays = fault(FaultOutcome::Done, Some(1_200), None);
        assert_eq!((stays.event_us(), stays.window_us(9_000)), (Ok((1_200, 1_200)), Some((1_200, 9_000))));
        for (outcome, start) in [
            (FaultOutcome::CutShort, Some(1_200)),
            (FaultOutcome::Failed, Some(1_200)),
            (FaultOutcome::Failed, None),
            (FaultOutcome::NotReached, None),
        ] {
            assert!(fault(outcome, start, None).event_us().is_err(), "{outcome:?}");
        }
    }
}
