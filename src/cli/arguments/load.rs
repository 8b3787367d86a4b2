//! Flags of what makes load from a scenario file: `run`, `experiment`, `capacity`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

use super::agents::AgentFlags;
use super::{Deployment, LOAD, OUTPUT, Outputs, PageFlags, Shown, Vars, WHAT};
use crate::scenario::grid::{Axis, Scaling};
use crate::scenario::overrides::LoadOverrides;
use crate::unit;

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  loadproof run shop.toml --load smoke --profile local
  loadproof run shop.toml --load soak --base-url http://127.0.0.1:8010 --rate 25 --run-time 2m
  LOADPROOF_USERS=50 loadproof run shop.toml --load stress --dry-run";

pub(super) const EXPERIMENT_EXAMPLES: &str = "\
Examples:
  loadproof experiment shop.toml
  loadproof experiment shop.toml --load demo --rounds 1 --label v1.2.0
  loadproof experiment shop.toml --grid workers=1,2,3 --grid batch_size=10,50 --rounds 5";

pub(super) const CAPACITY_EXAMPLES: &str = "\
Objectives are conditions on a run; a time without a unit is in ms.

Examples:
  loadproof capacity shop.toml --profile local
  loadproof capacity shop.toml --profile local --load steady --objective 'run.p99 <= 50ms' --objective 'run.ok_share >= 99.9%'
  loadproof capacity shop.toml --profile local --from 100 --to 5000 --run-time 10s --budget 15m
  loadproof capacity shop.toml --profiles before,after";

/// Run one load under one profile
#[derive(Debug, Args)]
pub(in crate::cli) struct Run {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    pub(in crate::cli) scenario: PathBuf,
    /// Profile to run; optional if there is only one
    #[arg(short, long, env = "LOADPROOF_PROFILE", help_heading = WHAT)]
    pub(in crate::cli) profile: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) locust: Locust,
    /// Print a short summary at the end, in the style of load scripts
    #[arg(long, env = "LOADPROOF_SUMMARY", value_enum, value_name = "FORM", conflicts_with = "json", help_heading = OUTPUT)]
    pub(in crate::cli) summary: Option<SummaryForm>,
    #[command(flatten)]
    pub(in crate::cli) common: Common,
}

/// A run in a few lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SummaryForm {
    /// Requests, successes, failures, time, throughput, mean
    Block,
    /// One line: `count`, `ok`, `err`, `p50`, `p95`, `p99` (ms) and more
    Json,
}

/// Files as Locust writes them
#[derive(Debug, Args)]
#[command(next_help_heading = OUTPUT)]
pub(in crate::cli) struct Locust {
    /// Write `PREFIX_stats.csv`, `…_stats_history.csv`, `…_failures.csv` and `…_exceptions.csv` as Locust does,
    /// and `…_outcomes.csv` with the counts by outcome and status
    #[arg(long, env = "LOADPROOF_CSV", value_name = "PREFIX")]
    pub(in crate::cli) csv: Option<PathBuf>,
    /// Add rows per endpoint and second to the history
    #[arg(long, env = "LOADPROOF_CSV_FULL_HISTORY", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) csv_full_history: bool,
}

/// Run baseline and treatment in interleaved rounds
#[derive(Debug, Args)]
pub(in crate::cli) struct Experiment {
    /// Scenario files; one experiment each, with all claims in one table
    #[arg(value_name = "SCENARIO", required = true)]
    pub(in crate::cli) scenarios: Vec<PathBuf>,
    /// Profile of the baseline, in place of the scenario's
    #[arg(long, env = "LOADPROOF_BASELINE", value_name = "PROFILE", help_heading = WHAT)]
    pub(in crate::cli) baseline: Option<String>,
    /// Profile of the treatment, in place of the scenario's
    #[arg(long, env = "LOADPROOF_TREATMENT", value_name = "PROFILE", help_heading = WHAT)]
    pub(in crate::cli) treatment: Option<String>,
    /// Profiles of a matrix: the first, or --baseline, against each of the others
    #[arg(long, env = "LOADPROOF_PROFILES", value_delimiter = ',', conflicts_with = "treatment", help_heading = WHAT)]
    pub(in crate::cli) profiles: Vec<String>,
    /// A factor of a grid: a variable of `[vars]`, or the environment variable that one is read from, and its values:
    /// `workers=1,2,3`. Every combination is an arm that extends the baseline's profile; the first is the baseline. May be
    /// given several times
    #[arg(long, value_parser = Axis::parse, value_name = "NAME=A,B,…", conflicts_with_all = ["treatment", "profiles"], help_heading = WHAT)]
    pub(in crate::cli) grid: Vec<Axis>,
    /// Add a claim that a value of the grid has at least N times the throughput of the first value, with all other factors
    /// at their first value: `workers=3:2.5`
    #[arg(long, value_parser = Scaling::parse, value_name = "NAME=VALUE:TIMES", requires = "grid", help_heading = WHAT)]
    pub(in crate::cli) scales: Vec<Scaling>,
    /// First screen the grid in one round with runs of this length, as a separate experiment; the rounds then exclude
    /// combinations that another one beats by 10 % in throughput or p95 without being worse in the other
    #[arg(long, value_parser = unit::parse_duration, value_name = "TIME", requires = "grid", conflicts_with = "resume", help_heading = WHAT)]
    pub(in crate::cli) screen: Option<Duration>,
    /// Run exactly this many rounds of one run per arm, with one look at their end; default: up to the scenario's `rounds`
    /// (20), ending after 5 or 10 if every gating claim is decided
    #[arg(long, env = "LOADPROOF_ROUNDS", value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = WHAT)]
    pub(in crate::cli) rounds: Option<u32>,
    /// Skip the pilot round, which runs by default if the number of rounds is open and a gating claim may need longer
    /// runs (p99 and above, absolute quantiles, `phase = "settled"`)
    #[arg(long, env = "LOADPROOF_NO_PILOT", value_parser = FalseyValueParser::new(), help_heading = WHAT)]
    pub(in crate::cli) no_pilot: bool,
    /// Run a pilot round even before a fixed number of rounds; it sets the run time, up to four times the stated one
    #[arg(long, conflicts_with_all = ["no_pilot", "resume"], help_heading = WHAT)]
    pub(in crate::cli) pilot: bool,
    /// Time limit, including the pilot and repeated rounds: `20m`; no round starts that would exceed it
    #[arg(long, env = "LOADPROOF_BUDGET", value_parser = unit::parse_duration, value_name = "TIME", help_heading = WHAT)]
    pub(in crate::cli) budget: Option<Duration>,
    /// Continue an interrupted experiment: `e3`; default: the newest
    #[arg(long, value_name = "EXPERIMENT", num_args = 0..=1, default_missing_value = "latest", help_heading = WHAT,
          conflicts_with_all = ["rounds", "profiles", "treatment"])]
    pub(in crate::cli) resume: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) common: Common,
}

/// Find the highest load that meets an objective
#[derive(Debug, Args)]
pub(in crate::cli) struct Capacity {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    pub(in crate::cli) scenario: PathBuf,
    /// Profile to run; optional if there is only one
    #[arg(short, long, env = "LOADPROOF_PROFILE", help_heading = WHAT)]
    pub(in crate::cli) profile: Option<String>,
    /// Two profiles, the baseline first: their trials are interleaved, and claims such as
    /// `treatment.capacity / baseline.capacity` are decided
    #[arg(long, env = "LOADPROOF_PROFILES", value_delimiter = ',', conflicts_with = "profile", help_heading = WHAT)]
    pub(in crate::cli) profiles: Vec<String>,
    /// Condition that must hold, instead of the scenario's goals; may be repeated
    #[arg(long, env = "LOADPROOF_OBJECTIVE", value_name = "CONDITION", help_heading = WHAT)]
    pub(in crate::cli) objective: Vec<String>,
    /// First load to try: a rate per second, a number of users, or a multiple of a load with stages or parts
    #[arg(long, env = "LOADPROOF_FROM", value_parser = parse_positive_rate, value_name = "LOAD", help_heading = WHAT)]
    pub(in crate::cli) from: Option<f64>,
    /// Highest load to try
    #[arg(long, env = "LOADPROOF_TO", value_parser = parse_positive_rate, value_name = "LOAD", help_heading = WHAT)]
    pub(in crate::cli) to: Option<f64>,
    /// Number of trials after which a load is classified (3): the duration sum of each goal
    #[arg(long, env = "LOADPROOF_REPEATS", value_parser = clap::value_parser!(u32).range(1..=99), help_heading = WHAT)]
    pub(in crate::cli) repeats: Option<u32>,
    /// Maximum distance between the bounds: `5%`
    #[arg(long, env = "LOADPROOF_WIDTH", value_parser = parse_width, value_name = "SHARE", help_heading = WHAT)]
    pub(in crate::cli) width: Option<f64>,
    /// Time limit: `15m`; no trial starts that would exceed it. The last trials confirm what was found
    #[arg(long, env = "LOADPROOF_BUDGET", value_parser = unit::parse_duration, value_name = "TIME", help_heading = WHAT)]
    pub(in crate::cli) budget: Option<Duration>,
    /// Skip the runs at 1.5 and 2 times the capacity
    #[arg(long, env = "LOADPROOF_NO_BEYOND", value_parser = FalseyValueParser::new(), help_heading = WHAT)]
    pub(in crate::cli) no_beyond: bool,
    /// Continue an interrupted search with its own profiles, load, goals and limits: `c3`; default: the newest
    #[arg(long, value_name = "SEARCH", num_args = 0..=1, default_missing_value = "latest", help_heading = WHAT)]
    pub(in crate::cli) resume: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) common: Common,
}

/// Flags of everything that makes load
#[derive(Debug, Args)]
pub(in crate::cli) struct Common {
    /// Load to run; optional if the scenario names one or has only one
    #[arg(short, long, env = "LOADPROOF_LOAD", help_heading = WHAT)]
    pub(in crate::cli) load: Option<String>,
    /// Label for the run, such as a release
    #[arg(long, env = "LOADPROOF_LABEL", help_heading = WHAT)]
    pub(in crate::cli) label: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) deployment: Deployment,
    /// Print the plan without running it
    #[arg(long, env = "LOADPROOF_DRY_RUN", value_parser = FalseyValueParser::new(), help_heading = WHAT)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) vars: Vars,
    #[command(flatten)]
    pub(in crate::cli) overrides: Overrides,
    #[command(flatten)]
    pub(in crate::cli) agents: AgentFlags,
    #[command(flatten)]
    pub(in crate::cli) outputs: Outputs,
    #[command(flatten)]
    pub(in crate::cli) shown: Shown,
    #[command(flatten)]
    pub(in crate::cli) ui: PageFlags,
}

/// Values in place of the scenario's
#[derive(Debug, Args)]
#[command(next_help_heading = LOAD)]
pub(in crate::cli) struct Overrides {
    /// Users of a closed load; maximum concurrent journeys of others
    #[arg(short, long, env = "LOADPROOF_USERS", value_parser = clap::value_parser!(u32).range(1..))]
    users: Option<u32>,
    /// Users added per second
    #[arg(short = 'r', long, env = "LOADPROOF_SPAWN_RATE", value_parser = parse_positive_rate, value_name = "RATE")]
    spawn_rate: Option<f64>,
    /// Duration, ramp included: `90s`, `3m`
    #[arg(short = 't', long, env = "LOADPROOF_RUN_TIME", value_parser = unit::parse_duration, value_name = "TIME")]
    run_time: Option<Duration>,
    /// Journeys started per second: `500`, `30/m`
    #[arg(long, env = "LOADPROOF_RATE", value_parser = parse_positive_rate)]
    rate: Option<f64>,
    /// Total number of journeys
    #[arg(short = 'n', long, env = "LOADPROOF_ITERATIONS", value_parser = clap::value_parser!(u64).range(1..))]
    iterations: Option<u64>,
    /// Base URL of the system, instead of the scenario's
    #[arg(short = 'H', long, env = "LOADPROOF_BASE_URL", value_name = "URL")]
    base_url: Option<String>,
    /// The same as --base-url, as Locust calls it
    #[arg(long, env = "LOADPROOF_HOST", value_name = "URL")]
    host: Option<String>,
    /// Random seed; default: random
    #[arg(long, env = "LOADPROOF_SEED", value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    pub(in crate::cli) seed: Option<u64>,
    /// Threads that generate load; default: one per core
    #[arg(long, env = "LOADPROOF_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(in crate::cli) workers: Option<u16>,
    /// Busy-wait for the last 200 µs before a request is due; requests are sent on time, but workers use their cores fully
    #[arg(long, env = "LOADPROOF_SPIN")]
    pub(in crate::cli) spin: bool,
}

impl Overrides {
    /// Base URL in place of the scenario's; `--base-url` counts before `--host`.
    pub(in crate::cli) fn base_url(&self) -> Option<String> {
        self.base_url.clone().or_else(|| self.host.clone())
    }

    pub(in crate::cli) fn of_load(&self) -> LoadOverrides {
        LoadOverrides {
            users: self.users,
            spawn_rate: self.spawn_rate,
            run_time: self.run_time,
            rate: self.rate,
            iterations: self.iterations,
        }
    }
}

/// `5%` or `0.05`.
fn parse_width(text: &str) -> Result<f64, String> {
    let share = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.trim().parse(),
    };
    let share = share.ok().filter(|share| (0.001..=0.5).contains(share));
    share
        .ok_or_else(|| format!("`{text}` is not a valid width: expected a share from 0.1% to 50%, e.g. `5%`"))
}

pub(super) fn parse_positive_rate(text: &str) -> Result<f64, String> {
    match unit::parse_rate(text) {
        Ok(rate) if rate > 0.0 => Ok(rate),
        Ok(_) => Err("a rate has to be above 0".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
