//! Flags of what helps to begin: `init` and `generate`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(super) const SCHEMA_EXAMPLES: &str = "\
Editors that know JSON Schema then complete and check what is typed; for VS Code there is Even Better TOML.

Examples:
  loadproof generate schema > scenario.schema.json
  and `#:schema scenario.schema.json` as the first line of each scenario beside it";

pub(super) const INIT_EXAMPLES: &str = "\
Secrets become environment variables, which the scenario lists with everything that was left out or guessed.

Examples:
  loadproof init shop.toml --base-url http://127.0.0.1:8000
  loadproof init --from shop.har                      a browser's recording: save it with content
  loadproof init --from openapi.yaml --base-url http://127.0.0.1:8000
  loadproof init --from access.log steady.toml
  loadproof init --from - --format curl < commands.sh";

const FROM: &str = "Make the scenario from a file: HAR, OpenAPI 3, Postman collection, curl commands or access log; `-` is standard input";

/// Write a commented starter scenario, or generate one from a recording, an API description or a log
#[derive(Debug, Args)]
#[command(after_help = INIT_EXAMPLES)]
pub(in crate::cli) struct Init {
    /// The file to write [default: shop.toml, or the name of the other file with `.toml`]
    #[arg(value_name = "FILE")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Base URL of the system to test [default: what the other file says, or port 8000 of this machine]
    #[arg(short = 'H', long, visible_alias = "host", env = "LOADPROOF_BASE_URL", value_name = "URL")]
    pub(in crate::cli) base_url: Option<String>,
    /// The file to make the scenario from
    #[arg(long, value_name = "OTHER", help = FROM)]
    pub(in crate::cli) from: Option<PathBuf>,
    /// Format of the source file [default: detected from its content]
    #[arg(long, value_enum, value_name = "FORMAT", requires = "from")]
    pub(in crate::cli) format: Option<DraftFormat>,
    /// Keep page assets (images, fonts, stylesheets, scripts), trackers and preflight requests
    #[arg(long, requires = "from")]
    pub(in crate::cli) keep_all: bool,
    /// A host besides the main one that is requested, too; may be repeated
    #[arg(long, value_name = "HOST", requires = "from")]
    pub(in crate::cli) include_host: Vec<String>,
    /// Keep an access log's requests that change data (POST, PUT, DELETE); their bodies are unknown
    #[arg(long, requires = "from")]
    pub(in crate::cli) unsafe_methods: bool,
    /// Repeat an access log's requests at their recorded times instead of its mean rate; writes them to a file beside the
    /// scenario
    #[arg(long, requires = "from")]
    pub(in crate::cli) replay: bool,
}

/// What a scenario can be made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DraftFormat {
    /// A browser's recording, HAR 1.2
    Har,
    /// An API description
    #[value(help = "An API description, OpenAPI 3 as JSON or YAML")]
    Openapi,
    /// A Postman collection, version 2.1
    Postman,
    /// curl commands, as a shell reads them
    Curl,
    /// An access log: combined, common, or a JSON object per line
    AccessLog,
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
