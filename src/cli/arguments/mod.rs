//! The tree of commands and flags. Every long flag has an environment variable `LOADPROOF_<FLAG>`.

mod endpoint;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::endpoint::{EndpointFlags, Grpc, Http};
use crate::scenario::load::LoadOverrides;
use crate::unit;

/// Heading of the flags that change the load.
const LOAD: &str = "Load";
/// Heading of the flags that choose what is done.
const WHAT: &str = "What to do";
/// Heading of the flags that shape what is printed.
const OUTPUT: &str = "Output";

const HELP_TEMPLATE: &str = "\
{about}

{usage-heading} {usage}

Make load:
  check       Check scenario files and show mistakes where they are
  run         Run one load under one profile
  experiment  Run baseline and treatment in interleaved rounds
  capacity    Find the highest load that meets an objective
  http        Load one HTTP endpoint, without a scenario file
  grpc        Load one gRPC method, without a scenario file

Look at results:
  compare     Compare two runs, labels or profiles
  report      Write the report of a run or an experiment
  runs        List runs, or show one
  export      Write a run's samples as CSV or JSON
  baseline    Save runs for later comparisons, in git

Trust it:
  selftest    Qualify the instrument on this machine

Options:
{options}{after-help}";

const EXAMPLES: &str = "\
Examples:
  loadproof check scenarios/shopstream/priority_lanes.toml
  loadproof run scenarios/shopstream/priority_lanes.toml --load priority --profile lanes-off
  loadproof compare lanes-off lanes-on
  loadproof experiment scenarios/shopstream/priority_lanes.toml --rounds 5
  loadproof report e1

Exit codes: 0 done, every claim supported; 97 undecided, 98 invalid, 99 refuted;
            1 internal, 2 usage, 96 verification failed, 100 target not ready, 104 bad scenario,
            105 interrupted (what was measured is stored), 106 store error";

/// Load tests whose verdicts you can sign
#[derive(Debug, Parser)]
#[command(
    name = "loadproof",
    version,
    about,
    help_template = HELP_TEMPLATE,
    after_help = EXAMPLES,
    disable_help_subcommand = true
)]
pub(super) struct Arguments {
    /// The results store, one SQLite file
    #[arg(
        long,
        global = true,
        env = "LOADPROOF_STORE",
        default_value = "reports/loadproof.db",
        value_name = "FILE"
    )]
    pub(super) store: PathBuf,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check scenario files and show mistakes where they are
    Check(Check),
    /// Run one load under one profile, and store every sample
    #[command(visible_alias = "attack", after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Run baseline and treatment in interleaved rounds, and compare them
    #[command(after_help = EXPERIMENT_EXAMPLES)]
    Experiment(Experiment),
    /// Find the highest rate, or number of users, that still meets an objective
    #[command(after_help = CAPACITY_EXAMPLES)]
    Capacity(Capacity),
    /// Load one HTTP endpoint, without a scenario file
    #[command(after_help = endpoint::HTTP_EXAMPLES)]
    Http(Http),
    /// Load one gRPC method, without a scenario file; its messages are asked of the server (reflection)
    #[command(after_help = endpoint::GRPC_EXAMPLES)]
    Grpc(Grpc),
    /// Compare two runs: numbers, labels, or profiles (the newest run of each)
    #[command(visible_alias = "diff", after_help = COMPARE_EXAMPLES)]
    Compare(Compare),
    /// Write the report of a run (`3`, `latest`) or an experiment (`e1`)
    Report(Report),
    /// List runs, or show one
    #[command(visible_alias = "ls")]
    Runs(Runs),
    /// Write a run's samples as CSV or JSON
    Export(Export),
    /// Save runs as a baseline for later comparisons; list, show and remove such
    Baseline(Saved),
    /// Qualify the instrument on this machine: does it see what is there, and nothing else?
    #[command(name = "selftest")]
    SelfTest(SelfTest),
}

const RUN_EXAMPLES: &str = "\
Examples:
  loadproof run shop.toml --load smoke --profile local
  loadproof run shop.toml --load soak --host http://127.0.0.1:8010 --rate 25 --run-time 2m
  LOADPROOF_USERS=50 loadproof run shop.toml --load stress --dry-run";

const EXPERIMENT_EXAMPLES: &str = "\
Examples:
  loadproof experiment shop.toml
  loadproof experiment shop.toml --load demo --rounds 1 --label v1.2.0";

const CAPACITY_EXAMPLES: &str = "\
The objective are conditions on a run; times are in ms.

Examples:
  loadproof capacity shop.toml --profile local
  loadproof capacity shop.toml --profile local --load steady --objective 'run.p99 <= 50' --objective 'run.ok_share >= 0.999'
  loadproof capacity shop.toml --profile local --from 100 --to 5000 --run-time 10s --repeats 3";

const COMPARE_EXAMPLES: &str = "\
Examples:
  loadproof compare lanes-off lanes-on
  loadproof compare 12 15 --json
  loadproof compare v1.1.0 v1.2.0 --html reports/v1.2.0.html
  loadproof baseline save v1.1.0 e4 && loadproof compare --baseline v1.1.0 e7";

/// Check scenario files
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Print a summary of each as JSON
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new(), help_heading = OUTPUT)]
    pub(super) json: bool,
}

/// Run one load under one profile
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    pub(super) scenario: PathBuf,
    /// The profile to run under; may be left out where there is one only
    #[arg(short, long, env = "LOADPROOF_PROFILE", help_heading = WHAT)]
    pub(super) profile: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Run baseline and treatment in interleaved rounds
#[derive(Debug, Args)]
pub(super) struct Experiment {
    /// The scenario file; of several an experiment each, and the claims of all in one table
    #[arg(value_name = "SCENARIO", required = true)]
    pub(super) scenarios: Vec<PathBuf>,
    /// Profile of the baseline, in place of the scenario's
    #[arg(long, env = "LOADPROOF_BASELINE", value_name = "PROFILE", help_heading = WHAT)]
    pub(super) baseline: Option<String>,
    /// Profile of the treatment, in place of the scenario's
    #[arg(long, env = "LOADPROOF_TREATMENT", value_name = "PROFILE", help_heading = WHAT)]
    pub(super) treatment: Option<String>,
    /// Profiles of a matrix: the first, or --baseline, against each of the others
    #[arg(long, env = "LOADPROOF_PROFILES", value_delimiter = ',', conflicts_with = "treatment", help_heading = WHAT)]
    pub(super) profiles: Vec<String>,
    /// Most rounds; each holds one run of each arm. It ends earlier, after 5 or 10, once all claims are decided
    #[arg(long, env = "LOADPROOF_ROUNDS", value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = WHAT)]
    pub(super) rounds: Option<u32>,
    /// Begin no round that would end later than this: `20m`
    #[arg(long, env = "LOADPROOF_BUDGET", value_parser = unit::parse_duration, value_name = "TIME", help_heading = WHAT)]
    pub(super) budget: Option<Duration>,
    /// Go on with an experiment that was interrupted: `e3`; the newest if none is named
    #[arg(long, value_name = "EXPERIMENT", num_args = 0..=1, default_missing_value = "latest", help_heading = WHAT,
          conflicts_with_all = ["rounds", "profiles", "baseline", "treatment"])]
    pub(super) resume: Option<String>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Find the highest load that meets an objective
#[derive(Debug, Args)]
pub(super) struct Capacity {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    pub(super) scenario: PathBuf,
    /// The profile to run under; may be left out where there is one only
    #[arg(short, long, env = "LOADPROOF_PROFILE", help_heading = WHAT)]
    pub(super) profile: Option<String>,
    /// A condition that has to hold, in place of the scenario's; may be given several times
    #[arg(long, env = "LOADPROOF_OBJECTIVE", value_name = "CONDITION", help_heading = WHAT)]
    pub(super) objective: Vec<String>,
    /// Where to begin: a rate per second, or a number of users
    #[arg(long, env = "LOADPROOF_FROM", value_parser = parse_positive_rate, value_name = "LOAD", help_heading = WHAT)]
    pub(super) from: Option<f64>,
    /// Where to end at the latest
    #[arg(long, env = "LOADPROOF_TO", value_parser = parse_positive_rate, value_name = "LOAD", help_heading = WHAT)]
    pub(super) to: Option<f64>,
    /// Tries at a load of which most decide; an even number counts as the next odd one
    #[arg(long, env = "LOADPROOF_REPEATS", value_parser = clap::value_parser!(u32).range(1..=99), help_heading = WHAT)]
    pub(super) repeats: Option<u32>,
    /// Do not go on to 1.5 and 2 times the capacity to see how the system breaks
    #[arg(long, env = "LOADPROOF_NO_BEYOND", value_parser = FalseyValueParser::new(), help_heading = WHAT)]
    pub(super) no_beyond: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Flags of everything that makes load
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The load; may be left out where the scenario names one, or has one only
    #[arg(short, long, env = "LOADPROOF_LOAD", help_heading = WHAT)]
    pub(super) load: Option<String>,
    /// Your own name for it, such as a release
    #[arg(long, env = "LOADPROOF_LABEL", help_heading = WHAT)]
    pub(super) label: Option<String>,
    /// The environment that this is: claims may be made for some environments only
    #[arg(long, env = "LOADPROOF_ENV", value_name = "NAME", help_heading = WHAT)]
    pub(super) env: Option<String>,
    /// Print the plan and do nothing
    #[arg(long, env = "LOADPROOF_DRY_RUN", value_parser = FalseyValueParser::new(), help_heading = WHAT)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) overrides: Overrides,
    #[command(flatten)]
    pub(super) outputs: Outputs,
    #[command(flatten)]
    pub(super) shown: Shown,
}

/// How progress is shown
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = OUTPUT)]
pub(super) struct Shown {
    /// How to show progress on stderr
    #[arg(long, env = "LOADPROOF_PROGRESS", value_enum, default_value_t = ProgressStyle::Auto)]
    pub(super) progress: ProgressStyle,
    /// Time between two lines of plain progress
    #[arg(long, env = "LOADPROOF_PROGRESS_INTERVAL", value_parser = unit::parse_duration, default_value = "10s",
          value_name = "TIME")]
    pub(super) progress_interval: Duration,
}

/// Qualify the instrument
#[derive(Debug, Args)]
pub(super) struct SelfTest {
    /// Rounds; each holds a run of a server, of its twin, and of a slower one. Five make an experiment
    #[arg(long, env = "LOADPROOF_ROUNDS", value_parser = clap::value_parser!(u32).range(5..=100), default_value_t = 20)]
    pub(super) rounds: u32,
    /// The testbed's program; the one beside loadproof if not given
    #[arg(long, env = "TESTBED", value_name = "FILE")]
    pub(super) testbed: Option<PathBuf>,
    /// Seed of everything that is drawn
    #[arg(long, env = "LOADPROOF_SEED", value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64), default_value_t = 1)]
    pub(super) seed: u64,
    /// Print the result as JSON
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) shown: Shown,
}

/// Forms in which a result is wanted
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = OUTPUT)]
pub(super) struct Outputs {
    /// Write the HTML report here; `reports/<name>.html` if not given
    #[arg(long, visible_alias = "output", env = "LOADPROOF_HTML", value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Print the result as JSON in place of text
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    /// Write the claims as JUnit XML here
    #[arg(long, env = "LOADPROOF_JUNIT", value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Write a summary in Markdown here; appends if it is `$GITHUB_STEP_SUMMARY`
    #[arg(long, env = "LOADPROOF_MARKDOWN", value_name = "FILE")]
    pub(super) markdown: Option<PathBuf>,
    /// Decide claims even of runs that the audit calls invalid; every page says so
    #[arg(long, env = "LOADPROOF_ALLOW_INVALID", value_parser = FalseyValueParser::new())]
    pub(super) allow_invalid: bool,
}

impl Outputs {
    /// The same for one of so many reports: with its name in every file's name.
    pub(super) fn of_one(&self, of: usize, name: &str) -> Self {
        if of > 1 { self.named(name) } else { self.clone() }
    }

    /// The same with a name in every file's name.
    pub(super) fn named(&self, name: &str) -> Self {
        let named = |path: &Option<PathBuf>| {
            path.as_ref().map(|path| {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let end = path.extension().map_or(String::new(), |e| format!(".{}", e.to_string_lossy()));
                path.with_file_name(format!("{stem}-{name}{end}"))
            })
        };
        Self { html: named(&self.html), junit: named(&self.junit), ..self.clone() }
    }
}

/// Values in place of the scenario's
#[derive(Debug, Args)]
#[command(next_help_heading = LOAD)]
pub(super) struct Overrides {
    /// Users of a closed load; most journeys at a time of another
    #[arg(short, long, env = "LOADPROOF_USERS", value_parser = clap::value_parser!(u32).range(1..))]
    users: Option<u32>,
    /// Users added per second
    #[arg(short = 'r', long, env = "LOADPROOF_SPAWN_RATE", value_parser = parse_positive_rate, value_name = "RATE")]
    spawn_rate: Option<f64>,
    /// How long, ramp included: `90s`, `3m`
    #[arg(short = 't', long, env = "LOADPROOF_RUN_TIME", value_parser = unit::parse_duration, value_name = "TIME")]
    run_time: Option<Duration>,
    /// Journeys started per second: `500`, `30/m`
    #[arg(long, env = "LOADPROOF_RATE", value_parser = parse_positive_rate)]
    rate: Option<f64>,
    /// Journeys in all
    #[arg(short = 'n', long, env = "LOADPROOF_ITERATIONS", value_parser = clap::value_parser!(u64).range(1..))]
    iterations: Option<u64>,
    /// Base URL of the target, in place of the scenario's
    #[arg(short = 'H', long, env = "LOADPROOF_HOST", value_name = "URL")]
    pub(super) host: Option<String>,
    /// Seed of everything that is drawn; drawn itself if not given
    #[arg(long, env = "LOADPROOF_SEED", value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    pub(super) seed: Option<u64>,
    /// Threads that make load; one per core if not given
    #[arg(long, env = "LOADPROOF_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) workers: Option<u16>,
}

impl Overrides {
    pub(super) fn of_load(&self) -> LoadOverrides {
        LoadOverrides {
            users: self.users,
            spawn_rate: self.spawn_rate,
            run_time: self.run_time,
            rate: self.rate,
            iterations: self.iterations,
        }
    }
}

fn parse_positive_rate(text: &str) -> Result<f64, String> {
    match unit::parse_rate(text) {
        Ok(rate) if rate > 0.0 => Ok(rate),
        Ok(_) => Err("a rate has to be above 0".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressStyle {
    /// A block that is redrawn on a terminal, plain lines elsewhere
    Auto,
    /// A block that is redrawn
    Bar,
    /// A line from time to time
    Plain,
    /// Nothing
    None,
}

/// Compare two runs
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Two runs, the baseline first: numbers, labels, profiles (their newest run), or `latest`. With
    /// --baseline the later runs, or an experiment (`e3`: its treatment's runs); the newest run if none is named
    #[arg(value_name = "RUN")]
    pub(super) runs: Vec<String>,
    /// Compare with a saved baseline
    #[arg(long = "baseline", value_name = "NAME")]
    pub(super) saved: Option<String>,
    #[command(flatten)]
    pub(super) baselines: Baselines,
    /// Compare even runs that did different work; the report says so
    #[arg(long, env = "LOADPROOF_FORCE", value_parser = FalseyValueParser::new())]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) outputs: Outputs,
}

/// Where saved baselines are
#[derive(Debug, Args)]
pub(super) struct Baselines {
    /// Folder of the saved baselines
    #[arg(
        long,
        env = "LOADPROOF_BASELINES",
        default_value = "baselines",
        value_name = "FOLDER",
        global = true
    )]
    pub(super) baselines: PathBuf,
}

impl std::ops::Deref for Baselines {
    type Target = std::path::Path;

    fn deref(&self) -> &Self::Target {
        &self.baselines
    }
}

/// Save runs for later comparisons
#[derive(Debug, Args)]
pub(super) struct Saved {
    /// What to do
    #[command(subcommand)]
    pub(super) command: SavedCommand,
    #[command(flatten)]
    pub(super) baselines: Baselines,
}

#[derive(Debug, Subcommand)]
pub(super) enum SavedCommand {
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
pub(super) enum ArmName {
    /// What the treatment was compared with
    Baseline,
    /// What was to be shown
    Treatment,
}

/// Write a report
#[derive(Debug, Args)]
pub(super) struct Report {
    /// A run (`3`, a label, a profile, `latest`) or an experiment (`e1`); of several also the claims in one table
    #[arg(value_name = "RUN|EXPERIMENT", required = true)]
    pub(super) subjects: Vec<String>,
    #[command(flatten)]
    pub(super) outputs: Outputs,
}

/// List runs, or show one
#[derive(Debug, Args)]
pub(super) struct Runs {
    /// What to do; lists if not given
    #[command(subcommand)]
    pub(super) command: Option<RunsCommand>,
    /// Print as JSON
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new(), global = true, help_heading = OUTPUT)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// List runs, the newest first
    List,
    /// Show one run
    Show {
        /// A number, a label, a profile (its newest run), or `latest`
        #[arg(value_name = "RUN")]
        run: String,
    },
}

/// Write a run's samples
#[derive(Debug, Args)]
pub(super) struct Export {
    /// A number, a label, a profile (its newest run), or `latest`
    #[arg(value_name = "RUN")]
    pub(super) run: String,
    /// The format
    #[arg(short, long, value_enum, default_value_t = ExportFormat::Csv)]
    pub(super) format: ExportFormat,
    /// Where to write; stdout if not given
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// What samples are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object a line
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_grouped_help_names_every_command() {
        let command = Arguments::command();
        for subcommand in command.get_subcommands() {
            let line = format!("\n  {:<11} ", subcommand.get_name());
            assert!(HELP_TEMPLATE.contains(&line), "{}", subcommand.get_name());
        }
    }
}
