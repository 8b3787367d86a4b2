//! Flags of what helps to begin: `init`, `schema`, `completions`, `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

pub(super) const SCHEMA_EXAMPLES: &str = "\
Editors that know JSON Schema then complete and check what is typed; for VS Code there is Even Better TOML.

Examples:
  loadproof schema > scenario.schema.json
  and `#:schema scenario.schema.json` as the first line of each scenario beside it";

/// Write a commented scenario to begin with
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

/// Print completions for a shell
#[derive(Debug, Args)]
pub(in crate::cli) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(in crate::cli) shell: Shell,
}

/// Write the manual
#[derive(Debug, Args)]
pub(in crate::cli) struct Man {
    /// Where to write it
    #[arg(value_name = "DIR", default_value = "man")]
    pub(in crate::cli) folder: PathBuf,
}
