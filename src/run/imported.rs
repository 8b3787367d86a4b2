//! What is remembered of a run that another tool has made: facts of its environment, under names of their own.

use super::RunFacts;

/// The tool and the form of its file: `k6 CSV`.
pub const FROM: &str = "imported from";
/// The file's name, without its folder.
pub const FILE: &str = "file";
/// The file's SHA-256, in hex.
pub const CHECKSUM: &str = "file SHA-256";
/// What the file does not tell, by the words of [`Lack`].
pub const LACKS: &str = "lacks";
/// Lines that look like requests and are none, or none that can be timed.
pub const LEFT_OUT: &str = "left out";
/// The executor of a load that nothing is known of.
pub const EXECUTOR: &str = "imported";

/// Something that a file does not tell of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// When they were due: their response time is their service time.
    IntendedTimes,
    /// Those that had no answer.
    Unanswered,
    /// What was called.
    Endpoints,
    /// When the answers' heads came.
    FirstBytes,
    /// Which user made which.
    Users,
    /// The day and the hour.
    Date,
    /// Their moments, finer than a second.
    FineTimes,
    /// Which came before which.
    Order,
}

impl Lack {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::IntendedTimes,
        Self::Unanswered,
        Self::Endpoints,
        Self::FirstBytes,
        Self::Users,
        Self::Date,
        Self::FineTimes,
        Self::Order,
    ];

    /// The words for it in the store and in reports.
    pub fn words(self) -> &'static str {
        match self {
            Self::IntendedTimes => "intended start times",
            Self::Unanswered => "requests without an answer",
            Self::Endpoints => "endpoints",
            Self::FirstBytes => "first bytes",
            Self::Users => "users",
            Self::Date => "date",
            Self::FineTimes => "times within a second",
            Self::Order => "order in time",
        }
    }
}

/// Where an imported run comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported<'a> {
    /// The tool and the form of its file.
    pub from: &'a str,
    /// What was left out; none if nothing was.
    pub left_out: Option<&'a str>,
    /// What the file does not tell.
    pub lacks: Vec<Lack>,
}

impl Imported<'_> {
    /// Whether the file does not tell something.
    pub fn lacks(&self, lack: Lack) -> bool {
        self.lacks.contains(&lack)
    }
}

impl RunFacts {
    /// Where the run comes from, if another tool has made it.
    pub fn imported(&self) -> Option<Imported<'_>> {
        let fact = |name: &str| self.start.environment.get(name).map(String::as_str);
        let lacks: Vec<&str> = fact(LACKS).unwrap_or_default().split(", ").collect();
        Some(Imported {
            from: fact(FROM)?,
            left_out: fact(LEFT_OUT),
            lacks: Lack::ALL.into_iter().filter(|lack| lacks.contains(&lack.words())).collect(),
        })
    }
}
