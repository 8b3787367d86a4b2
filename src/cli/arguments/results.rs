//! Flags of what looks at results: `compare`, `baseline`, `report`, `runs`, `import`, `export`.

use std::path::PathBuf;

use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};

use super::{Deployment, OUTPUT, Outputs};
use crate::assess::retention::Keep;
use crate::import::Format;
use crate::unit::parse_duration;

pub(super) const IMPORT_EXAMPLES: &str = "\
docs/EXCHANGE.md says how each tool writes such files, and what they lack.

Examples:
  loadproof import before.csv --label before && loadproof import after.csv --label after
  loadproof compare before after
  loadproof import k6.csv --scenario shop.toml --load steady --profile local";

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  loadproof compare lanes-off lanes-on
  loadproof compare 12 15 --json
  loadproof compare v1.1.0 v1.2.0 --html reports/v1.2.0.html
  loadproof baseline save v1.1.0 e4 && loadproof compare --baseline v1.1.0 e7";

/// Compare two runs
#[derive(Debug, Args)]
pub(in crate::cli) struct Compare {
    /// Two runs, the baseline first: numbers, labels, profiles (their newest run), or `latest`. With
    /// --baseline the later runs, or an experiment (`e3`: its treatment's runs); the newest run if none is named
    #[arg(value_name = "RUN")]
    pub(in crate::cli) runs: Vec<String>,
    /// Compare with a saved baseline
    #[arg(long = "baseline", value_name = "NAME")]
    pub(in crate::cli) saved: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) baselines: Baselines,
    /// Compare runs of different workloads; the report says so
    #[arg(long, env = "LOADPROOF_FORCE", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) force: bool,
    /// Decide the claims of this scenario file instead of those stored with the runs; every report marks them as made
    /// after the fact
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) claims: Option<PathBuf>,
    /// Exit with 99 if the runs indicate that a gating claim does not hold
    #[arg(long, env = "LOADPROOF_GATE", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) gate: bool,
    #[command(flatten)]
    pub(in crate::cli) outputs: Outputs,
}

/// Where saved baselines are
#[derive(Debug, Args)]
pub(in crate::cli) struct Baselines {
    /// Folder of the saved baselines
    #[arg(
        long,
        env = "LOADPROOF_BASELINES",
        default_value = "baselines",
        value_name = "FOLDER",
        global = true
    )]
    pub(in crate::cli) baselines: PathBuf,
}

impl std::ops::Deref for Baselines {
    type Target = std::path::Path;

    fn deref(&self) -> &Self::Target {
        &self.baselines
    }
}

/// Save runs for later comparisons
#[derive(Debug, Args)]
pub(in crate::cli) struct Saved {
    /// What to do
    #[command(subcommand)]
    pub(in crate::cli) command: SavedCommand,
    #[command(flatten)]
    pub(in crate::cli) baselines: Baselines,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SavedCommand {
    /// Save runs under a name, as a small file for git
    Save {
        /// The name
        #[arg(value_name = "NAME")]
        name: String,
        /// Runs, or an experiment (`e3`: the runs of one of its arms); the newest experiment if none is named
        #[arg(value_name = "RUN|EXPERIMENT")]
        runs: Vec<String>,
        /// The arm of an experiment
        #[arg(long, value_enum, default_value_t = ArmName::Baseline)]
        arm: ArmName,
        /// Save runs even if the audit is INVALID; they are marked, and nothing is decided by them
        #[arg(long, value_parser = FalseyValueParser::new())]
        allow_invalid: bool,
        /// Replace a baseline of the same name
        #[arg(long, value_parser = FalseyValueParser::new())]
        force: bool,
    },
    /// List saved baselines
    List,
    /// Show one
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Remove one
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// An arm on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ArmName {
    /// The baseline arm
    Baseline,
    /// The treatment arm
    Treatment,
}

/// Write a report
#[derive(Debug, Args)]
pub(in crate::cli) struct Report {
    /// A run (`3`, a label, a profile, `latest`), an experiment (`e1`) or a search for capacity (`c1`, by itself); of
    /// several also the claims in one table
    #[arg(value_name = "RUN|EXPERIMENT|CAPACITY", required = true)]
    pub(in crate::cli) subjects: Vec<String>,
    /// Decide the claims of this scenario file instead of those stored with the runs; every report marks them as made
    /// after the fact, and they do not count for a sign-off
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) claims: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) outputs: Outputs,
}

/// List runs, show one, or note something about one
#[derive(Debug, Args)]
pub(in crate::cli) struct Runs {
    /// What to do; lists if not given
    #[command(subcommand)]
    pub(in crate::cli) command: Option<RunsCommand>,
    #[command(flatten)]
    pub(in crate::cli) list: RunList,
    /// Print as JSON
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new(), global = true, help_heading = OUTPUT)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RunsCommand {
    /// List runs, the newest first
    List(RunList),
    /// Show one run, or one of its samples (`3:8841`)
    Show {
        /// A number, a label, a profile (its newest run), or `latest`; followed by `:NUMBER` for a sample
        #[arg(value_name = "RUN[:SAMPLE]")]
        run: String,
    },
    /// Add a note to a run, shown in its trend
    Note {
        /// A number, a label, a profile (its newest run), or `latest`
        #[arg(value_name = "RUN")]
        run: String,
        /// The note
        #[arg(value_name = "TEXT")]
        text: String,
    },
}

/// Which runs are listed
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct RunList {
    /// Only runs with this value, which may end in `*`: scenario, load, profile, label, state, deployment, experiment (`e1`)
    /// or arm; repeat to narrow down
    #[arg(long, value_name = "KEY=VALUE", value_parser = str::parse::<RunFilter>)]
    pub(in crate::cli) filter: Vec<RunFilter>,
}

/// A fact of runs, and the value that it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct RunFilter {
    pub(in crate::cli) key: String,
    pub(in crate::cli) value: String,
}

impl RunFilter {
    /// What runs can be filtered by.
    pub(in crate::cli) const KEYS: [&'static str; 8] =
        ["scenario", "load", "profile", "label", "state", "deployment", "experiment", "arm"];
}

impl std::str::FromStr for RunFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = || format!("expected e.g. `profile=lanes-on`; keys: {}", Self::KEYS.join(", "));
        let (key, value) = text.split_once('=').ok_or_else(known)?;
        if !Self::KEYS.contains(&key) {
            return Err(format!("unknown key `{key}`: {}", known()));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

/// Store results of another tool as a run
#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The file: results of Locust, k6, JMeter, Gatling, vegeta, oha or hey, sample by sample; or the summary of
    /// wrk, hey or k6
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
    /// Format of the file; default: detected from its content
    #[arg(short, long, env = "LOADPROOF_IMPORT_FORMAT", value_parser = import_format())]
    pub(in crate::cli) format: Option<Format>,
    /// The scenario that it belongs to: a name, or a scenario file whose claims are made of it; the file's name if
    /// not given
    #[arg(short, long, env = "LOADPROOF_SCENARIO", value_name = "NAME|FILE")]
    pub(in crate::cli) scenario: Option<String>,
    /// Name of the load; if the scenario file has it, this states that the results come from that load
    #[arg(short, long, env = "LOADPROOF_LOAD")]
    pub(in crate::cli) load: Option<String>,
    /// The profile that it was made under
    #[arg(short, long, env = "LOADPROOF_PROFILE")]
    pub(in crate::cli) profile: Option<String>,
    /// Label for the run, such as a release
    #[arg(long, env = "LOADPROOF_LABEL")]
    pub(in crate::cli) label: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) deployment: Deployment,
    /// Endpoint name for all requests, for files without names (oha) or with one name per id
    #[arg(long, env = "LOADPROOF_ENDPOINT", value_name = "NAME")]
    pub(in crate::cli) endpoint: Option<String>,
    /// Format of the times (strftime: `%d/%m/%Y %H:%M:%S%.f`), if it cannot be detected
    #[arg(long, env = "LOADPROOF_TIME_FORMAT", value_name = "FORM")]
    pub(in crate::cli) time_format: Option<String>,
    /// Print the result as JSON
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new(), help_heading = OUTPUT)]
    pub(in crate::cli) json: bool,
}

fn import_format() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::word)).try_map(|word| word.parse::<Format>())
}

/// Write a run's samples
#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// A number, a label, a profile (its newest run), or `latest`
    #[arg(value_name = "RUN")]
    pub(in crate::cli) run: String,
    /// The format
    #[arg(short, long, value_enum, default_value_t = ExportFormat::Csv)]
    pub(in crate::cli) format: ExportFormat,
    /// Where to write; stdout if not given. For `locust` what the files' names begin with
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// For `hdr`: only endpoints and effects whose name contains this
    #[arg(short, long, env = "LOADPROOF_ABOUT", value_name = "TEXT")]
    pub(in crate::cli) about: Option<String>,
}

/// What a run is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object a line (NDJSON)
    #[value(alias = "ndjson")]
    Json,
    /// Apache Parquet, with typed columns; to a file only
    Parquet,
    /// The files of Locust's --csv with --csv-full-history, and the counts by outcome and status
    Locust,
    /// Response times as the percentile text of HdrHistogram, ms
    Hdr,
    /// Metrics in Bencher's metric format (BMF)
    Bmf,
    /// Metrics as Go benchmark lines, for benchstat
    Benchstat,
    /// Metrics in the text format of Prometheus and OpenMetrics
    #[value(name = "openmetrics")]
    OpenMetrics,
}

/// Show metrics over releases: changes, and the state of the newest release
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct Trend {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<TrendCommand>,
    /// The scenario, by its name or its file
    #[arg(value_name = "SCENARIO", required = true)]
    pub(in crate::cli) scenario: Option<String>,
    /// Only this load
    #[arg(short, long, env = "LOADPROOF_LOAD", value_name = "LOAD")]
    pub(in crate::cli) load: Option<String>,
    /// Only this profile
    #[arg(short, long, env = "LOADPROOF_PROFILE", value_name = "PROFILE")]
    pub(in crate::cli) profile: Option<String>,
    /// Only this metric: `p50`, `p95`, `p99`, `throughput` or `answered`
    #[arg(short, long, env = "LOADPROOF_METRIC", value_name = "METRIC")]
    pub(in crate::cli) metric: Option<String>,
    /// Only endpoints and effects whose name contains this
    #[arg(short, long, env = "LOADPROOF_ABOUT", value_name = "TEXT")]
    pub(in crate::cli) about: Option<String>,
    /// Where to write the page
    #[arg(long, env = "LOADPROOF_HTML", value_name = "FILE")]
    pub(in crate::cli) html: Option<PathBuf>,
    /// Where to write the releases of one load and profile as CSV for Apache Otava
    #[arg(long, env = "LOADPROOF_OTAVA", value_name = "FILE")]
    pub(in crate::cli) otava: Option<PathBuf>,
    /// Where to write a table
    #[arg(long, env = "LOADPROOF_TREND_CSV", value_name = "FILE")]
    pub(in crate::cli) csv: Option<PathBuf>,
    /// Print JSON (`loadproof.trend/2`)
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TrendCommand {
    /// Accept the level of a run's release, so that it no longer counts as a regression
    Accept {
        /// A number, a label, a profile (its newest run), or `latest`
        #[arg(value_name = "RUN")]
        run: String,
        /// Why the new level is right; shown in the trend
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}

/// Work with the store itself
#[derive(Debug, Args)]
pub(in crate::cli) struct StoreCommands {
    /// What to do
    #[command(subcommand)]
    pub(in crate::cli) command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StoreCommand {
    /// Query the store in SQL, read-only
    Query(Query),
    /// Check the file, and that every run and experiment is as it was written
    Check,
    /// Store what the agents of a run still hold whose process has ended without a word
    Collect(super::Collect),
    /// Take the samples of older runs out of the store; facts, histograms, metrics and verdicts stay
    #[command(after_help = PRUNE_EXAMPLES)]
    Prune(Prune),
    /// Write the samples of runs to a Parquet file that `store attach` reads back
    Archive(Archive),
    /// Put the samples of an archive back into the store that they are from
    Attach(Attach),
}

const PRUNE_EXAMPLES: &str = "\
Examples:
  loadproof store prune --keep 30d --dry-run
  loadproof store archive 1 2 3 --to july.parquet
  loadproof store prune --keep 30d --vacuum";

/// Take the samples of older runs out of the store; facts, histograms, metrics and verdicts stay
///
/// Nothing is decided of a run without samples: reports show what was decided before, with its date.
#[derive(Debug, Args)]
pub(in crate::cli) struct Prune {
    /// Runs that keep their samples: those of the last `30d`, or the newest `100`
    #[arg(long, env = "LOADPROOF_KEEP", value_name = "AGE|N", value_parser = keep)]
    pub(in crate::cli) keep: Keep,
    /// Say which samples would go, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Also samples that an experiment, a capacity search, an accepted level or a sign-off needs
    #[arg(long)]
    pub(in crate::cli) include_needed: bool,
    /// Then rewrite the file so that it shrinks; takes as much free disk space as is left in it
    #[arg(long)]
    pub(in crate::cli) vacuum: bool,
}

/// Which runs keep their samples for being new.
fn keep(text: &str) -> Result<Keep, String> {
    if let Ok(newest) = text.parse::<usize>() {
        return Ok(Keep::Newest(newest));
    }
    let age = parse_duration(text).map_err(|_| {
        format!("`{text}` is neither an age nor a number of runs: expected e.g. `30d`, `12h` or `100`")
    })?;
    Ok(Keep::Since(age))
}

/// Write the samples of runs to a Parquet file that `store attach` reads back
#[derive(Debug, Args)]
pub(in crate::cli) struct Archive {
    /// Numbers, labels or profiles (their newest runs), or `latest`
    #[arg(value_name = "RUN", required = true)]
    pub(in crate::cli) runs: Vec<String>,
    /// The file to write; it must not exist
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) to: PathBuf,
}

/// Put the samples of an archive back into the store that they are from
#[derive(Debug, Args)]
pub(in crate::cli) struct Attach {
    /// A file of `store archive`
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: PathBuf,
}

/// Query the store in SQL, read-only
#[derive(Debug, Args)]
pub(in crate::cli) struct Query {
    /// The query; docs/SCHEMA.md describes tables and views
    #[arg(value_name = "SQL")]
    pub(in crate::cli) sql: String,
    /// How the rows are printed
    #[arg(short, long, value_enum, default_value_t = TableFormat::Text, env = "LOADPROOF_QUERY_FORMAT")]
    pub(in crate::cli) format: TableFormat,
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TableFormat {
    /// Aligned columns
    Text,
    /// Comma-separated values with a header
    Csv,
    /// A list of objects
    Json,
}
