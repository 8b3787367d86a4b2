//! Searches for capacity: their numbers, how they end, and what they raise.

use serde::{Deserialize, Serialize};

/// The number of a search for capacity in its store, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CapacityId(pub i64);

impl std::fmt::Display for CapacityId {
    /// `c3`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CapacityEnding {
    /// It had nothing left to try.
    Found,
    /// Its budget was spent.
    Budget,
    /// The user ended it.
    Interrupted,
    /// A run could not be carried out.
    Failed,
}

impl CapacityEnding {
    const ALL: [(&'static str, Self); 4] = [
        ("found", Self::Found),
        ("budget", Self::Budget),
        ("interrupted", Self::Interrupted),
        ("failed", Self::Failed),
    ];

    /// The ending that a word stands for.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, ending)| *ending)
    }

    /// The word for it in the store and in reports.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, e)| *e == self).map_or("", |(word, _)| *word)
    }
}

/// What the level of a load is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadUnit {
    /// Journeys started per second.
    PerSecond,
    /// Users.
    Users,
    /// Multiples of the load as it is stated: all rates, users and bursts of its stages and parts.
    Times,
}

impl LoadUnit {
    /// How it is written behind a number.
    pub fn text(self) -> &'static str {
        match self {
            Self::PerSecond => "per second",
            Self::Users => "users",
            Self::Times => "times the stated load",
        }
    }

    /// Whether levels are whole numbers.
    pub fn is_whole(self) -> bool {
        self == Self::Users
    }
}
