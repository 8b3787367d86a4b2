//! What a verdict is called.

use crate::verdict::{Decided, Verdict};

/// How a verdict is called on a page, and whose colours it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Called {
    pub(super) word: &'static str,
    pub(super) tone: &'static str,
    /// The worst of several is the headline.
    pub(super) rank: u8,
}

/// The one place that says what a verdict is called: objectives of a run are met or missed, and fewer than five rounds
/// only indicate. `is_run`: whether a single run is judged.
pub(super) fn called(decided: &Decided, is_run: bool) -> Called {
    let word = word(decided.verdict, is_run);
    let (word, tone, rank) = match (decided.verdict, decided.points_to()) {
        (Verdict::Supported, _) => (word, "supported", 0),
        (Verdict::Undecided, Verdict::Supported) if decided.indicative => ("indicated", "supported", 1),
        (Verdict::Undecided, Verdict::Refuted) if decided.indicative => ("not indicated", "refuted", 3),
        (Verdict::Undecided, _) => (word, "undecided", 2),
        (Verdict::Refuted, _) => (word, "refuted", 4),
        (Verdict::Invalid, _) => (word, "invalid", 5),
    };
    Called { word, tone, rank }
}

/// What a verdict is called, of a run or of rounds.
pub fn word(verdict: Verdict, is_run: bool) -> &'static str {
    match verdict {
        Verdict::Supported if is_run => "met",
        Verdict::Refuted if is_run => "missed",
        verdict => verdict.word(),
    }
}
