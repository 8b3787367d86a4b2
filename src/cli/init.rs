//! `loadproof init`: a commented scenario to begin with, which runs as it is.

use anyhow::{Context, Result};

use super::arguments::Init;
use super::exit::{Exit, UsageError};
use super::output;

const STARTER: &str = include_str!("../../templates/starter.toml");

pub(super) fn init(command: &Init) -> Result<Exit> {
    let path = &command.file;
    if path.exists() {
        let text = format!("`{}` already exists; choose another name", path.display());
        return Err(UsageError(text).into());
    }
    let base_url = command.base_url.trim_end_matches('/');
    output::file(path, &STARTER.replace("http://127.0.0.1:8000", base_url)).context("cannot begin")?;
    output::result(&format!(
        "wrote {0}\n\n  loadproof check {0}\n  loadproof run {0} --load smoke\n\nIt requests {base_url}/; replace its steps with those of your users.",
        path.display()
    ))?;
    Ok(Exit::Done)
}
