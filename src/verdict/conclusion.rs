//! What can be known about a claim.

use serde::{Deserialize, Serialize};

/// What is known about a claim; the greatest of several is the verdict over all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The evidence is on its side.
    Supported,
    /// The interval holds the bound, or there is too little evidence.
    Undecided,
    /// The evidence is against it.
    Refuted,
    /// The evidence may not be used.
    Invalid,
}

impl Verdict {
    /// All verdicts, the best first.
    pub const ALL: [Self; 4] = [Self::Supported, Self::Undecided, Self::Refuted, Self::Invalid];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Supported => "supported",
            Self::Refuted => "refuted",
            Self::Undecided => "undecided",
            Self::Invalid => "invalid",
        }
    }
}
