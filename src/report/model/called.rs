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

/// What a decided claim is called on a page.
pub(super) fn called(decided: &Decided) -> Called {
    let (tone, rank) = match (decided.verdict, decided.points_to()) {
        (Verdict::Supported, _) => ("supported", 0),
        (Verdict::Undecided, Verdict::Supported) if decided.indicative => ("supported", 1),
        (Verdict::Undecided, Verdict::Refuted) if decided.indicative => ("refuted", 3),
        (Verdict::Undecided, _) => ("undecided", 2),
        (Verdict::Refuted, _) => ("refuted", 4),
        (Verdict::Invalid, _) => ("invalid", 5),
    };
    Called { word: decided.word, tone, rank }
}

/// What a verdict is called, of a run or of rounds.
pub fn word(verdict: Verdict, is_run: bool) -> &'static str {
    match verdict {
        Verdict::Supported if is_run => "met",
        Verdict::Refuted if is_run => "missed",
        verdict => verdict.word(),
    }
}
