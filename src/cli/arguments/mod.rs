//! The tree of commands and flags. Most long flags can be set by an environment variable, `LOADPROOF_<FLAG>`; each
//! variable is for one flag. docs/ENVIRONMENT.md lists them.

mod agents;
mod endpoint;
mod load;
mod results;
mod setting_up;
mod signing;
mod tryout;
mod ui;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use self::agents::{Agent, Collect};
pub(super) use self::endpoint::{EndpointFlags, Grpc, Http};
pub(super) use self::load::{Capacity, Common, Experiment, Run, SummaryForm};
pub(super) use self::results::{
    Archive, ArmName, Attach, Compare, Export, ExportFormat, Import, Prune, Query, Report, RunFilter,
    RunList, Runs, RunsCommand, Saved, SavedCommand, StoreCommand, StoreCommands, TableFormat, Trend,
    TrendCommand,
};
pub(super) use self::setting_up::{DraftFormat, Generate, Generated, Init};
pub(super) use self::signing::{SignOff, Verify};
pub(super) use self::tryout::TryOut;
pub(super) use self::ui::{Browse, PageFlags, Pushes, Served};
use super::output::{self, is_step_summary};
use crate::unit;

/// Heading of the flags that change the load.
const LOAD: &str = "Load";
/// Heading of the flags that choose what is done.
const WHAT: &str = "What to do";
/// Heading of the flags that shape what is printed.
const OUTPUT: &str = "Output";

/// The store, unless the flags say otherwise.
pub(super) const STORE: &str = "reports/loadproof.db";

const HELP_TEMPLATE: &str = "\
{about}

{usage-heading} {usage}

Make load:
  check       Check scenario files and show errors in place
  try         Perform every journey once, and print each exchange
  run         Run one load under one profile
  experiment  Run baseline and treatment in interleaved rounds
  capacity    Find the highest load that meets an objective
  agent       Make load for a coordinator on another machine
  http        Load one HTTP endpoint, without a scenario file
  grpc        Load one gRPC method, without a scenario file

Look at results:
  compare     Compare two runs, labels or profiles
  report      Write the report of a run or an experiment
  runs        List runs, show one, note something about one
  trend       Show metrics over releases
  ui          Serve a page to browse results and start runs
  baseline    Save runs for later comparisons, in git
  store       Query the store in SQL
  import      Store results of k6, Locust, JMeter, vegeta or oha as a run
  export      Write a run's samples as CSV, JSON or Parquet

Sign off:
  signoff     Decide by rules whether a release is signed
  verify      Rebuild a bundle or report, and compare

Check the instrument:
  selftest    Qualify loadproof on this machine
  doctor      Check clock, files, ports and CPU of this machine

Set up:
  init        Write a commented scenario to start from
  generate    Write the JSON Schema, shell completions or manual pages

Options:
{options}{after-help}";

const EXAMPLES: &str = "\
Examples:
  loadproof check scenarios/shopstream/priority_lanes.toml
  loadproof try scenarios/shopstream/identity.toml
  loadproof run scenarios/shopstream/priority_lanes.toml --load priority --profile lanes-off
  loadproof compare lanes-off lanes-on
  loadproof experiment scenarios/shopstream/priority_lanes.toml --rounds 5
  loadproof report e1

Exit codes: 0 done, every claim supported; 97 undecided, 98 invalid, 99 refuted;
            1 internal, 2 usage, 96 verification failed, 100 target not ready, 104 bad scenario
            or import, 105 interrupted (what was measured is stored), 106 store error";

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
        default_value = STORE,
        value_name = "FILE"
    )]
    pub(super) store: PathBuf,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check scenario files and show errors in place
    Check(Check),
    /// Perform every journey of a scenario once, and print each exchange
    #[command(after_help = tryout::EXAMPLES)]
    Try(TryOut),
    /// Run one load under one profile, and store every sample
    #[command(visible_alias = "attack", after_help = load::RUN_EXAMPLES)]
    Run(Run),
    /// Run baseline and treatment in interleaved rounds, and compare them
    #[command(after_help = load::EXPERIMENT_EXAMPLES)]
    Experiment(Experiment),
    /// Find the highest rate, or number of users, that meets an objective
    #[command(after_help = load::CAPACITY_EXAMPLES)]
    Capacity(Capacity),
    /// Make load for a coordinator on another machine, and keep samples until that has stored them
    #[command(after_help = agents::EXAMPLES)]
    Agent(Agent),
    /// Load one HTTP endpoint, without a scenario file
    #[command(after_help = endpoint::HTTP_EXAMPLES)]
    Http(Http),
    /// Load one gRPC method, without a scenario file; message types come from server reflection
    #[command(after_help = endpoint::GRPC_EXAMPLES)]
    Grpc(Grpc),
    /// Compare two runs: numbers, labels, or profiles (the newest run of each)
    #[command(visible_alias = "diff", after_help = results::COMPARE_EXAMPLES)]
    Compare(Compare),
    /// Write the report of a run (`3`, `latest`) or an experiment (`e1`)
    Report(Report),
    /// List runs, show one, or note something about one
    #[command(visible_alias = "ls")]
    Runs(Runs),
    /// Show metrics over releases: changes, and the state of the newest release
    Trend(Trend),
    /// Work with the store itself: query it in SQL
    Store(StoreCommands),
    /// Serve a page to browse results and start runs
    #[command(after_help = ui::EXAMPLES)]
    Ui(Browse),
    /// Store results of another tool as a run: k6, Locust, JMeter, vegeta, oha
    #[command(after_help = results::IMPORT_EXAMPLES)]
    Import(Import),
    /// Write a run's samples as CSV or JSON
    Export(Export),
    /// Decide whether a release is signed, and write the bundle with the evidence
    #[command(name = "signoff", after_help = signing::SIGNOFF_EXAMPLES)]
    SignOff(SignOff),
    /// Rebuild a bundle or report from its samples, and compare
    Verify(Verify),
    /// Save, list, show and remove baselines for later comparisons
    Baseline(Saved),
    /// Check loadproof on this machine: does it find known effects, and no others?
    #[command(name = "selftest")]
    SelfTest(SelfTest),
    /// Check this machine: can it generate reliable load?
    Doctor,
    /// Write a commented starter scenario
    Init(Init),
    /// Generate the JSON Schema of scenario files, shell completions, or manual pages
    Generate(Generate),
}

/// Check scenario files
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Replace renamed keys in the files and in the files that they include
    #[arg(long)]
    pub(super) fix: bool,
    #[command(flatten)]
    pub(super) vars: Vars,
    /// Draw the plan of each load: its users or rate over time
    #[arg(long, conflicts_with = "json")]
    pub(super) show: bool,
    /// Print a summary of each as JSON
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new(), help_heading = OUTPUT)]
    pub(super) json: bool,
}

/// Values of variables
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = WHAT)]
pub(super) struct Vars {
    /// A value in place of the one in the scenario's `[vars]`; may be given several times
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = parse_var)]
    pub(super) vars: Vec<(String, String)>,
}

fn parse_var(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected `NAME=VALUE`".to_owned()),
    }
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

/// Check loadproof on this machine
#[derive(Debug, Args)]
pub(super) struct SelfTest {
    /// Plant defects in the servers and check the verdicts instead; `--faults=NAME` plants one
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    pub(super) faults: Option<String>,
    /// With --faults: only a few of them, in about three minutes
    #[arg(long, requires = "faults")]
    pub(super) short: bool,
    /// Number of rounds, each with a run of a server, of its twin and of a slower one; every five make an
    /// experiment, and each fault takes five
    #[arg(long, env = "LOADPROOF_ROUNDS", value_parser = clap::value_parser!(u32).range(5..=100), default_value_t = 20)]
    pub(super) rounds: u32,
    /// The testbed's program; the one beside loadproof if not given
    #[arg(long, env = "TESTBED", value_name = "FILE")]
    pub(super) testbed: Option<PathBuf>,
    /// Random seed
    #[arg(long, env = "LOADPROOF_SEED", value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64), default_value_t = 1)]
    pub(super) seed: u64,
    /// Print the result as JSON
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new())]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) shown: Shown,
}

/// Name of the tested installation: dev, staging, …
#[derive(Clone, Debug, Args)]
pub(super) struct Deployment {
    /// Name of the deployment, such as `staging`; claims may be limited to some
    #[arg(long, env = "LOADPROOF_DEPLOYMENT", value_name = "NAME", help_heading = WHAT)]
    deployment: Option<String>,
    /// The old name of --deployment
    #[arg(long = "env", env = "LOADPROOF_ENV", hide = true, value_name = "NAME")]
    old_name: Option<String>,
}

impl Deployment {
    /// Its name, if one was given. Warns of the old flag.
    pub(super) fn name(&self) -> Option<String> {
        if self.old_name.is_some() {
            output::say("warning: `--env` (LOADPROOF_ENV) is now `--deployment` (LOADPROOF_DEPLOYMENT)");
        }
        self.deployment.clone().or_else(|| self.old_name.clone())
    }
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
    /// Decide claims even if the audit is INVALID; every page says so
    #[arg(long, env = "LOADPROOF_ALLOW_INVALID", value_parser = FalseyValueParser::new())]
    pub(super) allow_invalid: bool,
    /// Do not fail because most requests of a run failed
    #[arg(long, env = "LOADPROOF_ALLOW_FAILURES", value_parser = FalseyValueParser::new())]
    pub(super) allow_failures: bool,
}

impl Outputs {
    /// Whether somebody counts on what they name: files, or JSON.
    pub(super) fn ask_for_files(&self) -> bool {
        self.json || self.html.is_some() || self.junit.is_some() || self.markdown.is_some()
    }

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
        // Reports are appended to a step's summary.
        let markdown = match &self.markdown {
            Some(path) if !is_step_summary(path) => named(&self.markdown),
            other => other.clone(),
        };
        Self { html: named(&self.html), junit: named(&self.junit), markdown, ..self.clone() }
    }
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressStyle {
    /// A block that is redrawn on a terminal, plain lines elsewhere
    Auto,
    /// A block that is redrawn
    Bar,
    /// One redrawn line: a bar, progress, rate, successes, failures, time left
    Line,
    /// A line from time to time
    Plain,
    /// Events as JSON, one a line (NDJSON); docs/LIVE.md describes them
    Json,
    /// Nothing
    None,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    /// `(variable, flag, command)` of all flags that a variable can set.
    fn variables() -> Vec<(String, String, String)> {
        fn of(command: &clap::Command, name: &str, found: &mut Vec<(String, String, String)>) {
            found.extend(command.get_arguments().filter_map(|flag| {
                let variable = flag.get_env()?.to_string_lossy().into_owned();
                Some((variable, flag.get_long().unwrap_or_default().to_owned(), name.to_owned()))
            }));
            for inner in command.get_subcommands() {
                let inner_name = match name {
                    "loadproof" => inner.get_name().to_owned(),
                    outer => format!("{outer} {}", inner.get_name()),
                };
                of(inner, &inner_name, found);
            }
        }
        let mut found = Vec::new();
        of(&Arguments::command(), "loadproof", &mut found);
        found
    }

    #[test]
    fn an_environment_variable_sets_one_flag_and_is_documented() {
        let documented = include_str!("../../../docs/ENVIRONMENT.md");
        let mut flags = std::collections::BTreeMap::new();
        for (variable, flag, command) in variables() {
            let line =
                documented.lines().find(|line| line.starts_with(&format!("| `{variable}` | `--{flag}` |")));
            assert!(
                line.is_some_and(|line| command == "loadproof" || line.contains(&format!("`{command}`"))),
                "docs/ENVIRONMENT.md lacks `{variable}`, --{flag} of {command}"
            );
            assert_eq!(*flags.entry(variable.clone()).or_insert_with(|| flag.clone()), flag, "{variable}");
        }
        let listed =
            documented.lines().filter(|line| line.starts_with("| `") && line.contains("` | `--")).count();
        assert_eq!(listed, flags.len(), "docs/ENVIRONMENT.md lists variables that no flag has");
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
