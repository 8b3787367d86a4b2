//! Results of other tools, made into runs: a file in, samples to the store.
//!
//! A file is read three times, a line at a time: for its encoding and checksum (`source.rs`), to see whether all of it
//! can be understood, when it begins and what it calls (`survey.rs`), and once more to store it. So nothing is stored of
//! a file with a broken line, and memory stays flat however long the file is.

mod detect;
mod facts;
mod gatling;
mod hey;
mod jmeter;
mod jmeter_columns;
mod jmeter_parts;
mod jmeter_xml;
mod k6;
mod lines;
mod locust;
mod locust_json;
mod names;
mod number;
mod oha;
mod row;
mod source;
mod stated;
mod stretches;
mod survey;
mod table;
#[cfg(test)]
mod tests;
mod times;
mod vegeta;
mod writing;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::run::RunId;
use crate::run::imported::Lack;
use crate::scenario::Scenario;
use crate::store::StoreError;

use self::row::{Each, Fault};
use self::source::Source;
use self::survey::Survey;
use self::times::Times;

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
    /// JMeter's JTL as XML.
    JMeterXml,
    /// Gatling's simulation.log as text.
    GatlingLog,
    /// oha's `--output-format csv`.
    OhaCsv,
    /// hey's `-o csv`.
    HeyCsv,
    /// hey's summary: metrics without samples.
    HeyText,
    /// What wrk and wrk2 print: metrics without samples.
    WrkText,
    /// k6's summary (`--summary-export`, `handleSummary`): metrics without samples.
    K6Summary,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 14] = [
        Self::LocustCsv,
        Self::LocustJson,
        Self::K6Csv,
        Self::K6Json,
        Self::JMeterCsv,
        Self::VegetaCsv,
        Self::VegetaJson,
        Self::JMeterXml,
        Self::GatlingLog,
        Self::OhaCsv,
        Self::HeyCsv,
        Self::HeyText,
        Self::WrkText,
        Self::K6Summary,
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
            Self::JMeterXml => "jmeter-xml",
            Self::GatlingLog => "gatling-log",
            Self::OhaCsv => "oha-csv",
            Self::HeyCsv => "hey-csv",
            Self::HeyText => "hey-text",
            Self::WrkText => "wrk-text",
            Self::K6Summary => "k6-summary",
        }
    }

    /// The tool.
    pub fn tool(self) -> &'static str {
        match self {
            Self::LocustCsv | Self::LocustJson => "Locust",
            Self::K6Csv | Self::K6Json | Self::K6Summary => "k6",
            Self::JMeterCsv | Self::JMeterXml => "JMeter",
            Self::GatlingLog => "Gatling",
            Self::HeyCsv | Self::HeyText => "hey",
            Self::WrkText => "wrk",
            Self::VegetaCsv | Self::VegetaJson => "vegeta",
            Self::OhaCsv => "oha",
        }
    }

    /// The tool and the form of its file: `k6 CSV`.
    pub fn text(self) -> String {
        let form = match self {
            Self::LocustJson | Self::K6Json | Self::VegetaJson => "JSON",
            Self::JMeterXml => "XML",
            Self::GatlingLog => "log",
            Self::HeyText | Self::WrkText => "text",
            Self::K6Summary => "summary",
            Self::LocustCsv
            | Self::K6Csv
            | Self::JMeterCsv
            | Self::VegetaCsv
            | Self::OhaCsv
            | Self::HeyCsv => "CSV",
        };
        format!("{} {form}", self.tool())
    }

    /// What such a file never tells; what else it lacks is seen when it is read.
    fn lacks(self) -> &'static [Lack] {
        match self {
            Self::LocustCsv
            | Self::K6Csv
            | Self::K6Json
            | Self::VegetaCsv
            | Self::VegetaJson
            | Self::GatlingLog => &[Lack::IntendedTimes, Lack::FirstBytes],
            Self::LocustJson => &[Lack::IntendedTimes, Lack::FirstBytes, Lack::FineTimes, Lack::Order],
            Self::JMeterCsv | Self::JMeterXml => &[Lack::IntendedTimes],
            Self::HeyCsv => {
                &[Lack::IntendedTimes, Lack::Unanswered, Lack::Endpoints, Lack::FirstBytes, Lack::Date]
            }
            Self::HeyText | Self::WrkText | Self::K6Summary => &[Lack::Samples, Lack::Date],
            Self::OhaCsv => &[Lack::IntendedTimes, Lack::Unanswered, Lack::Endpoints, Lack::Date],
        }
    }

    /// Hands every line to `each`.
    fn read(self, input: impl Read, times: &Times, each: &mut Each<'_>) -> Result<(), Fault> {
        match self {
            Self::LocustCsv => table::read::<locust::Requests>(input, times, each),
            Self::LocustJson => locust_json::read(input, each),
            Self::K6Csv => table::read::<k6::Metrics>(input, times, each),
            Self::K6Json => lines::read(input, k6::point, each),
            Self::JMeterCsv => table::read::<jmeter::Samples>(input, times, each),
            Self::VegetaCsv => table::read::<vegeta::Results>(input, times, each),
            Self::VegetaJson => lines::read(input, vegeta::result, each),
            Self::JMeterXml => jmeter_xml::read(input, times, each),
            Self::GatlingLog => lines::read(input, gatling::line, each),
            Self::OhaCsv => table::read::<oha::Requests>(input, times, each),
            Self::HeyCsv => table::read::<hey::Requests>(input, times, each),
            Self::HeyText => stated::hey::read(input, each),
            Self::WrkText => stated::wrk::read(input, each),
            Self::K6Summary => stated::k6::read(input, each),
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
    #[error("cannot import `{path}`: it contains no request{}", of_left_out(left_out))]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it contains instead; empty if nothing.
        left_out: String,
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

/// Behind the words that there is nothing: what there is instead.
fn of_left_out(left_out: &str) -> String {
    match left_out {
        "" => String::new(),
        transactions if transactions.ends_with("transactions") => format!(
            " but {transactions}, which sum up requests\n  hint: clear \"Generate parent sample\" of JMeter's transaction \
             controllers, so that their requests are written too"
        ),
        other => format!(" but {other}"),
    }
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
    /// The form of strftime in which the file writes its times; default: each of them tells.
    pub time_format: Option<String>,
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
    /// Metrics that the tool states without samples: names and values.
    pub stated: Vec<(String, String)>,
    /// How it had to be read, in words; empty if in the usual way.
    pub read_as: String,
    /// Pauses that speak for several runs in one file, in words; empty if there is none.
    pub gaps: String,
    /// Different endpoints among them.
    pub endpoints: usize,
    /// What was left out, in words; empty if nothing was.
    pub left_out: String,
}

/// A file, and how it is read.
#[derive(Debug)]
struct Reading {
    format: Format,
    times: Times,
    source: Source,
}

impl Reading {
    /// Hands every line to `each`.
    fn each(&self, each: &mut Each<'_>) -> Result<(), Fault> {
        self.format.read(self.source.open().map_err(Fault::Read)?, &self.times, each)
    }
}

/// Imports a file into a store.
///
/// # Errors
/// If it cannot be read or understood, or the store cannot be written. Nothing is then in the store, or a run that is
/// marked as failed.
pub fn import(import: &Import, store: &Path) -> Result<Imported, ImportError> {
    let path = &import.file;
    let source = Source::of(path)?;
    let fault = |fault| ImportError::of(path, fault);
    let format = match import.format {
        Some(format) => format,
        None => {
            let text = source.open().map_err(Fault::Read).map_err(fault)?;
            detect::format(&source.beginning, text).map_err(fault)?
        }
    };
    let times = import.time_format.clone().map_or_else(Times::default, Times::Form);
    let reading = Reading { format, times, source };
    let survey = Survey::of(&reading, import.endpoint.as_deref()).map_err(fault)?;
    if survey.requests == 0 && survey.stated.is_none() {
        return Err(ImportError::Empty { path: path.clone(), left_out: survey.left_out() });
    }
    let run = writing::store(import, &reading, &survey, store)?;
    Ok(Imported {
        run,
        format,
        samples: survey.requests,
        endpoints: survey.endpoints.len(),
        left_out: survey.left_out(),
        read_as: survey.read_as(reading.source.encoding),
        gaps: survey.gaps(),
        stated: survey.stated.map_or_else(Vec::new, |stated| stated.metrics),
    })
}
