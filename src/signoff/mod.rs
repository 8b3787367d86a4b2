//! Signing a release off: what must be supported, by which evidence, and what was waived.
//!
//! Rules say which claims a release needs. The newest experiment of the release's commit, on an accepted environment
//! and recent enough, is the evidence for a requirement, whatever it says. One that was stopped before its end counts as
//! evidence that was not given: it may have been stopped for what it showed.
//! Pure over what the store and the verdicts are; made again, it comes to the same.

mod decision;
mod evidence;
mod rules;

pub use decision::{Item, SignOff, State, decide};
pub use evidence::{Candidate, Choice, PassedOver, choose};
pub use rules::{EvidenceKind, Explanation, ReleaseKey, Requirement, Rules, RulesError, Waiver};

/// What is to be signed off, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its version, for people; also the label of its runs where rules say so.
    pub version: String,
    /// Its commit; none where labels tell releases.
    pub commit: Option<String>,
    /// The moment of signing, s since 1970 (UTC).
    pub at_unix_s: i64,
}
