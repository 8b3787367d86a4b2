//! Flags of agents, and of those who have them make load.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::LOAD;
use crate::unit;

pub(super) const EXAMPLES: &str = "\
Examples:
  loadproof agent --nats nats://10.0.0.5:4222
  loadproof run shop.toml --load soak --profile lanes-on --agents 4 --nats nats://10.0.0.5:4222";

/// Machines that make the load
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = LOAD)]
pub(in crate::cli) struct AgentFlags {
    /// Have so many agents make the load in place of this machine (docs/SCALE.md)
    #[arg(long, env = "LOADPROOF_AGENTS", value_parser = clap::value_parser!(u16).range(1..=500), value_name = "N", requires = "nats")]
    pub(in crate::cli) agents: Option<u16>,
    /// The NATS server over which agents are reached: `nats://10.0.0.5:4222`
    #[arg(long, env = "LOADPROOF_NATS", hide_env_values = true, value_name = "URL")]
    pub(in crate::cli) nats: Option<String>,
    /// How long to wait until enough agents answer
    #[arg(long, env = "LOADPROOF_AGENTS_WITHIN", value_parser = unit::parse_duration, default_value = "30s", value_name = "TIME")]
    pub(in crate::cli) agents_within: Duration,
}

/// Make load for a coordinator on another machine
#[derive(Debug, Args)]
pub(in crate::cli) struct Agent {
    /// The NATS server over which coordinators are reached
    #[arg(long, env = "LOADPROOF_NATS", hide_env_values = true, value_name = "URL")]
    pub(in crate::cli) nats: String,
    /// The agent's name, in reports; the machine's if not given
    #[arg(long, env = "LOADPROOF_AGENT_NAME", value_parser = parse_name)]
    pub(in crate::cli) name: Option<String>,
    /// Where samples are kept until the coordinator has stored them; `reports/agent-NAME` if not given
    #[arg(long, env = "LOADPROOF_SPOOL", value_name = "FOLDER")]
    pub(in crate::cli) spool: Option<PathBuf>,
    /// Threads that make load; one per core if not given
    #[arg(long, env = "LOADPROOF_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(in crate::cli) workers: Option<u16>,
    /// End after the first command that it has worked for
    #[arg(long)]
    pub(in crate::cli) once: bool,
}

/// Store what the agents of a crashed run still hold
#[derive(Debug, Args)]
pub(in crate::cli) struct Collect {
    /// The run
    #[arg(value_name = "RUN")]
    pub(in crate::cli) run: String,
    /// The NATS server over which its agents are reached
    #[arg(long, env = "LOADPROOF_NATS", hide_env_values = true, value_name = "URL")]
    pub(in crate::cli) nats: String,
    /// How long an agent may be silent until it is given up
    #[arg(long, value_parser = unit::parse_duration, default_value = "10s", value_name = "TIME")]
    pub(in crate::cli) silence: Duration,
}

fn parse_name(text: &str) -> Result<String, String> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.len() <= 60 && text.chars().all(is_valid) {
        Ok(text.to_owned())
    } else {
        Err("a name has letters, digits, `-` and `_`, at most 60".to_owned())
    }
}
