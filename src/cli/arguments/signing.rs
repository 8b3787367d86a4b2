//! Arguments of what signs releases and checks signatures.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::results::Baselines;

/// Examples that help shows.
pub(super) const SIGNOFF_EXAMPLES: &str = "\
Examples:
  loadproof signoff release.toml --release 1.9.0
  loadproof signoff release.toml --release 1.9.0 --key signing.pem && loadproof verify reports/signoff-1.9.0 --public-key signing.pub.pem

Exit codes: 0 signed; else that of the worst: 97 undecided or missing, 98 invalid, 99 refuted";

/// Decide whether a release is signed, and write the bundle with the evidence
#[derive(Debug, Args)]
pub(in crate::cli) struct SignOff {
    /// The rules: what must be supported, and what is waived; docs/SIGNOFF.md
    #[arg(value_name = "RULES")]
    pub(in crate::cli) rules: PathBuf,
    /// The version that is released
    #[arg(long, env = "LOADPROOF_RELEASE", value_name = "VERSION")]
    pub(in crate::cli) release: String,
    /// The commit that is released; that of the working directory if not given
    #[arg(long, env = "LOADPROOF_COMMIT", value_name = "SHA")]
    pub(in crate::cli) commit: Option<String>,
    /// Folder for the bundle; `signoff-VERSION` beside the store if not given
    #[arg(short, long, env = "LOADPROOF_OUTPUT", value_name = "FOLDER")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Replace an existing bundle
    #[arg(long, env = "LOADPROOF_SIGNOFF_FORCE", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) force: bool,
    /// Sign the manifest with this Ed25519 private key (PEM)
    #[arg(long, env = "LOADPROOF_KEY", value_name = "FILE")]
    pub(in crate::cli) key: Option<PathBuf>,
    /// Print JSON (`loadproof.signoff/2`)
    #[arg(long, env = "LOADPROOF_JSON", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) json: bool,
}

/// Rebuild a bundle or report from its samples, and compare
#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// A bundle's folder, or a report (HTML or JSON) of runs in the store
    #[arg(value_name = "BUNDLE|REPORT")]
    pub(in crate::cli) subject: PathBuf,
    /// The Ed25519 public key (PEM) of the bundle's signer
    #[arg(long, env = "LOADPROOF_PUBLIC_KEY", value_name = "FILE")]
    pub(in crate::cli) public_key: Option<PathBuf>,
    /// Verify only the numbers of files written by another version, not their pages and sentences
    #[arg(long, env = "LOADPROOF_NUMBERS_ONLY", value_parser = FalseyValueParser::new())]
    pub(in crate::cli) numbers_only: bool,
    #[command(flatten)]
    pub(in crate::cli) baselines: Baselines,
}
