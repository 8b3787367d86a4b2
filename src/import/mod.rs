//! Results of other tools, made into runs: a file in, samples to the store.
//!
//! A file is read twice, a line at a time: once to see whether all of it can be understood, when it begins and what
//! it calls (`survey.rs`), and once more to store it. So nothing is stored of a file with a broken line, and memory
//! stays flat however long the file is.

mod detect;
mod facts;
mod jmeter;
mod k6;
mod lines;
mod locust;
mod locust_json;
mod names;
mod number;
mod oha;
mod row;
mod survey;
mod table;
#[cfg(test)]
mod tests;
mod vegeta;
mod writing;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bounded;
use crate::run::RunId;
use crate::run::imported::Lack;
use crate::scenario::Scenario;
use crate::store::StoreError;

use self::row::{Each, Fault};
use self::survey::Survey;

/// Different endpoints that a run may have: a report of more is of use to nobody.
const ENDPOINTS: usize = 1000;

/// What a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Locust's log of requests (`locust.contrib.csv_request_logger`).
    LocustCsv,
    /// Locust's `--json-file`: histograms.
    LocustJson,
    /// k6's `--out csv=…`.
    K6Csv,
    /// k6's `--out json=…`.
    K6Json,
    /// JMeter's JTL as CSV.
    JMeterCsv,
    /// vegeta's results after `vegeta encode --to csv`.
    VegetaCsv,
    /// vegeta's results after `vegeta encode --to json`.
    VegetaJson,
    /// oha's `--output-format csv`.
    OhaCsv,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 8] = [
        Self::LocustCsv,
        Self::LocustJson,
        Self::K6Csv,
        Self::K6Json,
        Self::JMeterCsv,
        Self::VegetaCsv,
        Self::VegetaJson,
        Self::OhaCsv,
    ];

    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::LocustCsv => "locust-csv",
            Self::LocustJson => "locust-json",
            Self::K6Csv => "k6-csv",
            Self::K6Json => "k6-json",
            Self::JMeterCsv => "jmeter-csv",
            Self::VegetaCsv => "vegeta-csv",
            Self::VegetaJson => "vegeta-json",
            Self::OhaCsv => "oha-csv",
        }
    }

    /// The tool.
    pub fn tool(self) -> &'static str {
        match self {
            Self::LocustCsv | Self::LocustJson => "Locust",
            Self::K6Csv | Self::K6Json => "k6",
            Self::JMeterCsv => "JMeter",
            Self::VegetaCsv | Self::VegetaJson => "vegeta",
            Self::OhaCsv => "oha",
        }
    }

    /// The tool and the form of its file: `k6 CSV`.
    pub fn text(self) -> String {
        let form = match self {
            Self::LocustJson | Self::K6Json | Self::VegetaJson => "JSON",
            _ => "CSV",
        };
        format!("{} {form}", self.tool())
    }

    /// What such a file never tells; what else it lacks is seen when it is read.
    fn lacks(self) -> &'static [Lack] {
        match self {
            Self::LocustCsv | Self::K6Csv | Self::K6Json | Self::VegetaCsv | Self::VegetaJson => {
                &[Lack::IntendedTimes, Lack::FirstBytes]
            }
            Self::LocustJson => &[Lack::IntendedTimes, Lack::FirstBytes, Lack::FineTimes, Lack::Order],
            Self::JMeterCsv => &[Lack::IntendedTimes],
            Self::OhaCsv => &[Lack::IntendedTimes, Lack::Unanswered, Lack::Endpoints, Lack::Date],
        }
    }

    /// Hands every line to `each`.
    fn read(self, input: impl Read, each: &mut Each<'_>) -> Result<(), Fault> {
        match self {
            Self::LocustCsv => table::read::<locust::Requests>(input, each),
            Self::LocustJson => locust_json::read(input, each),
            Self::K6Csv => table::read::<k6::Metrics>(input, each),
            Self::K6Json => lines::read(input, k6::point, each),
            Self::JMeterCsv => table::read::<jmeter::Samples>(input, each),
            Self::VegetaCsv => table::read::<vegeta::Results>(input, each),
            Self::VegetaJson => lines::read(input, vegeta::result, each),
            Self::OhaCsv => table::read::<oha::Requests>(input, each),
        }
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.word() == word);
        found.ok_or_else(|| format!("no format `{word}`"))
    }
}

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read `{path}`: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// It is nothing that is known, or holds no samples.
    #[error("cannot import `{path}`: {what}\n  hint: {hint}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to give in its place.
        hint: String,
    },
    /// A line cannot be understood.
    #[error("cannot import `{path}`, line {line}: {what}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// It holds no request.
    #[error("cannot import `{path}`: it contains no request")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// It is not what it was when it was first read.
    #[error("`{path}` has changed while it was imported; the run is stored as failed")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    fn of(path: &Path, fault: Fault) -> Self {
        let path = path.to_owned();
        match fault {
            Fault::Read(error) => Self::Read { path, error },
            Fault::Line { line, what } => Self::Line { path, line, what },
            Fault::Refused { what, hint } => Self::Refused { path, what, hint },
        }
    }
}

/// The scenario that the requests of a file belong to.
#[derive(Clone, Debug)]
pub enum Belonging {
    /// None was named: the file's own name has to do.
    Unnamed,
    /// A name, without a scenario file.
    Named(String),
    /// A scenario, whose claims are made of the run.
    Of(Arc<Scenario>),
}

/// A file, and what the run that it becomes is called.
#[derive(Clone, Debug)]
pub struct Import {
    /// The file.
    pub file: PathBuf,
    /// Format of the file; default: detected from its content.
    pub format: Option<Format>,
    /// A name for all its requests, in place of those in the file.
    pub endpoint: Option<String>,
    /// The scenario.
    pub belonging: Belonging,
    /// The load's name; that of a load of the scenario states that it was this work.
    pub load: Option<String>,
    /// The profile's name.
    pub profile: Option<String>,
    /// The user's own name for it.
    pub label: Option<String>,
    /// The deployment that it was made against, if one was named.
    pub deployment: Option<String>,
    /// The command line.
    pub command: String,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The run.
    pub run: RunId,
    /// What the file was.
    pub format: Format,
    /// Samples in the store.
    pub samples: u64,
    /// Different endpoints among them.
    pub endpoints: usize,
    /// What was left out, in words; empty if nothing was.
    pub left_out: String,
}

/// Imports a file into a store.
///
/// # Errors
/// If it cannot be read or understood, or the store cannot be written. Nothing is then in the store, or a run that is
/// marked as failed.
pub fn import(import: &Import, store: &Path) -> Result<Imported, ImportError> {
    let path = &import.file;
    let format = match import.format {
        Some(format) => format,
        None => detect::format(open(path)?).map_err(|fault| ImportError::of(path, fault))?,
    };
    let survey = Survey::of(format, open(path)?, import.endpoint.as_deref())
        .map_err(|fault| ImportError::of(path, fault))?;
    if survey.requests == 0 {
        return Err(ImportError::Empty { path: path.clone() });
    }
    let run = writing::store(import, format, &survey, store)?;
    Ok(Imported {
        run,
        format,
        samples: survey.requests,
        endpoints: survey.endpoints.len(),
        left_out: survey.left_out(),
    })
}

fn open(path: &Path) -> Result<BufReader<File>, ImportError> {
    // It is read several times: a pipe would be empty by then.
    let file = bounded::open(path, u64::MAX);
    let file = file.map_err(|error| ImportError::Read { path: path.to_owned(), error })?.into_inner();
    Ok(BufReader::with_capacity(1 << 18, file))
}
