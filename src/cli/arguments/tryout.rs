//! Flags of `try`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::{OUTPUT, Vars, WHAT};

pub(super) const EXAMPLES: &str = "\
Examples:
  loadproof try shop.toml
  loadproof try shop.toml --journey 'Log in' --bodies 4096
  loadproof try shop.toml --har login.har";

/// Perform every journey once, and print each exchange
#[derive(Debug, Args)]
pub(in crate::cli) struct TryOut {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    pub(in crate::cli) scenario: PathBuf,
    /// Try this journey only
    #[arg(short, long, value_name = "NAME", help_heading = WHAT)]
    pub(in crate::cli) journey: Option<String>,
    /// Profile to try; optional if there is only one
    #[arg(short, long, env = "LOADPROOF_PROFILE", help_heading = WHAT)]
    pub(in crate::cli) profile: Option<String>,
    /// Base URL of the system, instead of the scenario's
    #[arg(short = 'H', long, visible_alias = "host", env = "LOADPROOF_BASE_URL", value_name = "URL", help_heading = WHAT)]
    pub(in crate::cli) base_url: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) vars: Vars,
    /// Random seed
    #[arg(long, env = "LOADPROOF_SEED", value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64), default_value_t = 1, help_heading = WHAT)]
    pub(in crate::cli) seed: u64,
    /// Bytes of each body to print, at most 4096; 0 for none
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u16).range(0..=4096), value_name = "BYTES", help_heading = OUTPUT)]
    pub(in crate::cli) bodies: u16,
    /// Also write the exchanges as an HTTP Archive (HAR 1.2) here
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub(in crate::cli) har: Option<PathBuf>,
    /// Print the exchanges as HAR in place of text
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new(), help_heading = OUTPUT)]
    pub(in crate::cli) json: bool,
}
