//! `loadproof completions`, `loadproof man` and `loadproof schema`: what shells, readers of manuals and editors want.

use std::io::Write;

use anyhow::{Context, Result};
use clap::CommandFactory;

use super::arguments::{Arguments, Completions, Man};
use super::exit::Exit;
use super::output;
use crate::scenario::schema::SCHEMA;

const NAME: &str = "loadproof";

pub(super) fn completions(command: &Completions) -> Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), NAME, &mut text);
    std::io::stdout().write_all(&text)?;
    Ok(Exit::Done)
}

/// The form of scenario files.
pub(super) fn schema() -> Result<Exit> {
    output::result(SCHEMA)?;
    Ok(Exit::Done)
}

/// A page for the program and one for each command, in a folder.
pub(super) fn man(command: &Man) -> Result<Exit> {
    let folder = &command.folder;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    clap_mangen::generate_to(Arguments::command(), folder)
        .with_context(|| format!("cannot write to `{}`", folder.display()))?;
    output::result(&format!("wrote the manual to {}; man -l {0}/{NAME}.1 shows it", folder.display()))?;
    Ok(Exit::Done)
}
