//! Flags of what helps to begin: `init` and `generate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

pub(super) const SCHEMA_EXAMPLES: &str = "\
Editors that know JSON Schema then complete and check what is typed; for VS Code there is Even Better TOML.

Examples:
  loadproof generate schema > scenario.schema.json
  and `#:schema scenario.schema.json` as the first line of each scenario beside it";

/// Write a commented starter scenario
#[derive(Debug, Args)]
pub(in crate::cli) struct Init {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "shop.toml")]
    pub(in crate::cli) file: PathBuf,
    /// Base URL of the system to test
    #[arg(
        short = 'H',
        long,
        visible_alias = "host",
        env = "LOADPROOF_BASE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8000"
    )]
    pub(in crate::cli) base_url: String,
}

/// Generate files for editors, shells and manuals
#[derive(Debug, Args)]
pub(in crate::cli) struct Generate {
    /// What to generate
    #[command(subcommand)]
    pub(in crate::cli) what: Generated,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Generated {
    /// Print the JSON Schema of scenario files, for editors
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema,
    /// Print completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// Where to write them
        #[arg(value_name = "DIR", default_value = "man")]
        folder: PathBuf,
    },
}
