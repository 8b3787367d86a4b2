//! The program of the testbed, whose servers of known truth loadproof is tested against.

use std::path::PathBuf;

use anyhow::Result;

use super::arguments::SelfTest as Command;
use super::exit::UsageError;

/// The testbed's program: named, or in the folder of loadproof's own.
pub(super) fn program(command: &Command) -> Result<PathBuf> {
    let installed = || std::env::current_exe().ok().map(|own| own.with_file_name("testbed"));
    let path = command.testbed.clone().or_else(installed).filter(|path| path.exists());
    path.ok_or_else(|| {
        let text = "no testbed next to loadproof: build it (`cargo build --release --workspace`) or name it with --testbed";
        UsageError(text.to_owned()).into()
    })
}
