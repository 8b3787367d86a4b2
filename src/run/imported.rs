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
/// How the file had to be read, if that is not the usual way: its encoding, what separates its fields.
pub const READ_AS: &str = "read as";
/// Pauses that speak for several runs in one file.
pub const GAPS: &str = "gaps";
/// What stands before the name of a metric that the tool states and no sample supports.
pub const STATED: &str = "stated ";
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
    /// The zone of its times, which are taken as UTC.
    TimeZone,
    /// The requests themselves: it states metrics of all of them.
    Samples,
}

impl Lack {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::IntendedTimes,
        Self::Unanswered,
        Self::Endpoints,
        Self::FirstBytes,
        Self::Users,
        Self::Date,
        Self::FineTimes,
        Self::Order,
        Self::TimeZone,
        Self::Samples,
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
            Self::TimeZone => "time zone",
            Self::Samples => "samples",
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
    /// Pauses that speak for several runs in one file; none if there is none.
    pub gaps: Option<&'a str>,
    /// What the tool states of its requests, where the file holds no samples: names and values.
    pub stated: Vec<(&'a str, &'a str)>,
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
    fn stated(&self) -> Vec<(&str, &str)> {
        let facts = self.start.environment.iter();
        facts.filter_map(|(name, value)| Some((name.strip_prefix(STATED)?, value.as_str()))).collect()
    }

    /// Where the run comes from, if another tool has made it.
    pub fn imported(&self) -> Option<Imported<'_>> {
        let fact = |name: &str| self.start.environment.get(name).map(String::as_str);
        let lacks: Vec<&str> = fact(LACKS).unwrap_or_default().split(", ").collect();
        Some(Imported {
            from: fact(FROM)?,
            left_out: fact(LEFT_OUT),
            gaps: fact(GAPS),
            stated: self.stated(),
            lacks: Lack::ALL.into_iter().filter(|lack| lacks.contains(&lack.words())).collect(),
        })
    }
}
