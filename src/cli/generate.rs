//! `loadproof generate`: the JSON Schema of scenario files, shell completions, manual pages.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;

use super::arguments::{Arguments, Generate, Generated};
use super::exit::Exit;
use super::output;
use crate::scenario::schema::SCHEMA;

const NAME: &str = "loadproof";

pub(super) fn generate(command: &Generate) -> Result<Exit> {
    match &command.what {
        Generated::Schema => output::result(SCHEMA)?,
        Generated::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), NAME, &mut text);
            std::io::stdout().write_all(&text)?;
        }
        Generated::Man { folder } => man(folder)?,
    }
    Ok(Exit::Done)
}

/// A page for the program and one for each command, in a folder.
fn man(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    clap_mangen::generate_to(Arguments::command(), folder)
        .with_context(|| format!("cannot write to `{}`", folder.display()))?;
    output::result(&format!("wrote the manual to {}; man -l {0}/{NAME}.1 shows it", folder.display()))
}
