//! `loadproof init`: a commented scenario to begin with, or one made from what another tool has.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::arguments::{DraftFormat, Init};
use super::exit::{Exit, UsageError};
use super::{output, world};
use crate::assess::files;
use crate::bounded;
use crate::draft::{self, Draft, Format, Options};

const STARTER: &str = include_str!("../../templates/starter.toml");
/// Where the starter's requests go unless the user says otherwise.
const BASE_URL: &str = "http://127.0.0.1:8000";

pub(super) fn init(command: &Init) -> Result<Exit> {
    match &command.from {
        Some(from) => init_from(command, from),
        None => starter(command),
    }
}

fn starter(command: &Init) -> Result<Exit> {
    let path = command.file.clone().unwrap_or_else(|| PathBuf::from("shop.toml"));
    refuse_existing(&path)?;
    let base_url = command.base_url.as_deref().unwrap_or(BASE_URL).trim_end_matches('/');
    output::file(&path, &STARTER.replace(BASE_URL, base_url)).context("cannot begin")?;
    output::result(&format!(
        "wrote {0}\n\n  loadproof check {0}\n  loadproof run {0} --load smoke\n\nIt requests {base_url}/; replace its steps with those of your users.",
        path.display()
    ))?;
    Ok(Exit::Done)
}

fn init_from(command: &Init, from: &Path) -> Result<Exit> {
    let stem =
        from.file_stem().filter(|_| from != Path::new("-")).map(|stem| stem.to_string_lossy().into_owned());
    let path = command.file.clone().unwrap_or_else(|| match &stem {
        Some(stem) => PathBuf::from(format!("{stem}.toml")),
        None => PathBuf::from("scenario.toml"),
    });
    refuse_existing(&path)?;
    let own_name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let options = Options {
        format: command.format.map(format),
        name: own_name.or(stem).unwrap_or_else(|| "scenario".to_owned()),
        base_url: command.base_url.clone(),
        keep_all: command.keep_all,
        hosts: command.include_host.clone(),
        unsafe_methods: command.unsafe_methods,
        replay: command.replay,
    };
    let text = read(from)?;
    let draft = draft::draft(&text, &options)
        .map_err(|error| UsageError(format!("cannot make a scenario from `{}`: {error}", from.display())))?;
    write(&draft, &path)?;
    say(&draft, &path)?;
    // What was written is right, or this program is not.
    if let Err(error) = world::scenario_without_warnings(&path) {
        output::say(&format!("{error}\n"));
        return Ok(Exit::Internal);
    }
    Ok(Exit::Done)
}

fn refuse_existing(path: &Path) -> Result<()> {
    if path.exists() {
        let text = format!("`{}` already exists; choose another name", path.display());
        return Err(UsageError(text).into());
    }
    Ok(())
}

/// The text of a file, or of standard input.
fn read(from: &Path) -> Result<String> {
    let is_input = from == Path::new("-");
    let unreadable = |error: std::io::Error| UsageError(format!("cannot read `{}`: {error}", from.display()));
    let source: Box<dyn Read> = if is_input {
        Box::new(std::io::stdin())
    } else {
        Box::new(bounded::open(from, u64::MAX).map_err(unreadable)?)
    };
    let mut bytes = Vec::new();
    source.take(draft::LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > draft::LONGEST {
        let text = format!(
            "`{}` is longer than 64 MiB: give a part of it, such as the last lines of a log (`tail -n 100000`)",
            from.display()
        );
        return Err(UsageError(text).into());
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let text = format!("`{}` is compressed: unpack it with `gunzip --keep`", from.display());
        return Err(UsageError(text).into());
    }
    // Logs hold bytes that are no text, such as those of scanners; the rest of the line can be read.
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Writes the scenario, and the files that it sends beside it unless they are there.
fn write(draft: &Draft, path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.display().to_string();
    output::file(path, &draft.scenario(&name))?;
    for file in &draft.findings.files {
        let beside = folder.join(&file.name);
        if !beside.exists() {
            files::write(&beside, &file.content)?;
        }
    }
    Ok(())
}

/// Says what was made of the file, and to stderr what was left out or guessed.
fn say(draft: &Draft, path: &Path) -> Result<()> {
    for note in &draft.findings.notes {
        output::say(note);
    }
    let requests = draft.requests();
    let mut text = format!(
        "wrote {}: {requests} request{} in {} journey{}, to {}\n",
        path.display(),
        if requests == 1 { "" } else { "s" },
        draft.journeys.len(),
        if draft.journeys.len() == 1 { "" } else { "s" },
        draft.base_url
    );
    for file in &draft.findings.files {
        text.push_str(&format!("  it sends {}\n", path.with_file_name(&file.name).display()));
    }
    if !draft.findings.secrets.is_empty() {
        text.push_str("\nset before a run:\n");
        for secret in &draft.findings.secrets {
            text.push_str(&format!("  export {}=…   # {}\n", secret.variable, secret.what));
        }
    }
    text.push_str(&format!("\n  loadproof check {0}\n  loadproof run {0} --load smoke", path.display()));
    output::result(&text)
}

fn format(format: DraftFormat) -> Format {
    match format {
        DraftFormat::Har => Format::Har,
        DraftFormat::Openapi => Format::OpenApi,
        DraftFormat::Postman => Format::Postman,
        DraftFormat::Curl => Format::Curl,
        DraftFormat::AccessLog => Format::AccessLog,
    }
}
