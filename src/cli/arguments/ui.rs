//! Flags of the live page, and of `ui`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::unit;

/// Where the page is unless the flags say otherwise: Locust's port, on this machine only.
const BIND: &str = "127.0.0.1:8089";

pub(super) const EXAMPLES: &str = "\
Runs that are started from the page are runs of this program: the page shows the command line.

Examples:
  loadproof ui
  loadproof ui --scenarios tests/load --ui-bind 127.0.0.1:0
  LOADPROOF_UI_TOKEN=$(openssl rand -hex 16) loadproof ui --ui-bind 0.0.0.0:8089";

/// The live page of a run
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Live page")]
pub(in crate::cli) struct PageFlags {
    /// Serve a live page
    #[arg(long, env = "LOADPROOF_UI", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) ui: bool,
    #[command(flatten)]
    pub(in crate::cli) served: Served,
    /// Keep serving the page for this long after the command has finished
    #[arg(long, env = "LOADPROOF_UI_LINGER", value_parser = unit::parse_duration, default_value = "0s", value_name = "TIME")]
    pub(in crate::cli) ui_linger: Duration,
    #[command(flatten)]
    pub(in crate::cli) pushes: Pushes,
}

/// Metrics for other systems
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Metrics for other systems")]
pub(in crate::cli) struct Pushes {
    /// Send metrics by OTLP over HTTP while a run is in progress (`http://127.0.0.1:4318`)
    #[arg(long, env = "LOADPROOF_OTLP", value_name = "URL")]
    pub(in crate::cli) otlp: Option<String>,
    /// Send metrics by Prometheus's remote write while a run is in progress (`http://127.0.0.1:9090/api/v1/write`)
    #[arg(long, env = "LOADPROOF_REMOTE_WRITE", value_name = "URL")]
    pub(in crate::cli) remote_write: Option<String>,
    /// Header of these requests (`NAME: VALUE`); may be repeated
    #[arg(long, env = "LOADPROOF_PUSH_HEADER", hide_env_values = true, value_name = "HEADER")]
    pub(in crate::cli) push_header: Vec<String>,
}

/// Where the page is, and who may see it
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Live page")]
pub(in crate::cli) struct Served {
    /// Address and port of the page; port 0 takes a free one
    #[arg(long, env = "LOADPROOF_UI_BIND", default_value = BIND, value_name = "ADDRESS")]
    pub(in crate::cli) ui_bind: SocketAddr,
    /// Access token (`?token=…`), required unless the page is bound to a loopback address
    #[arg(long, env = "LOADPROOF_UI_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(in crate::cli) ui_token: Option<String>,
}

impl Default for PageFlags {
    /// No page.
    fn default() -> Self {
        let served = Served { ui_bind: SocketAddr::from(([127, 0, 0, 1], 0)), ui_token: None };
        Self { ui: false, served, ui_linger: Duration::ZERO, pushes: Pushes::default() }
    }
}

/// Serve a page to browse results and start runs
#[derive(Debug, Args)]
pub(in crate::cli) struct Browse {
    /// Folder of the scenarios that can be started
    #[arg(long, env = "LOADPROOF_SCENARIOS", default_value = "scenarios", value_name = "FOLDER")]
    pub(in crate::cli) scenarios: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) served: Served,
}
