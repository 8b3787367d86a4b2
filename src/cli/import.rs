//! `loadproof import`: results of other tools, stored and compared as any other run.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::arguments::Import;
use super::command_line::command_line;
use super::exit::Exit;
use super::{output, world};
use crate::import::{self, Belonging};
use crate::unit;

pub(super) fn import(command: &Import, store: &Path) -> Result<Exit> {
    let imported = import::import(
        &import::Import {
            file: command.file.clone(),
            format: command.format,
            endpoint: command.endpoint.clone(),
            belonging: belonging(command)?,
            load: command.load.clone(),
            profile: command.profile.clone(),
            label: command.label.clone(),
            deployment: command.deployment.name(),
            command: command_line(),
        },
        store,
    )?;
    let run = imported.run;
    if command.json {
        let document = json!({
            "schema": "loadproof.import/1",
            "run": run,
            "format": imported.format.word(),
            "samples": imported.samples,
            "endpoints": imported.endpoints,
            "left_out": imported.left_out,
        });
        output::result(&document.to_string())?;
        return Ok(Exit::Done);
    }
    let mut text = format!(
        "run {run}: {} requests to {} endpoint{}, imported from {}",
        unit::count(imported.samples),
        imported.endpoints,
        if imported.endpoints == 1 { "" } else { "s" },
        imported.format.text()
    );
    if !imported.left_out.is_empty() {
        text.push_str(&format!("\nleft out: {}", imported.left_out));
    }
    output::result(&format!("{text}\nnext: loadproof report {run}"))?;
    Ok(Exit::Done)
}

/// What was named is a scenario file if there is one, or if it looks like one.
fn belonging(command: &Import) -> Result<Belonging> {
    let Some(named) = &command.scenario else { return Ok(Belonging::Unnamed) };
    let path = Path::new(named);
    if !path.is_file() && path.extension().is_none_or(|end| end != "toml") {
        return Ok(Belonging::Named(named.clone()));
    }
    let scenario = world::scenario(path)?;
    if let Some(load) = &command.load {
        scenario.load(load)?;
    }
    Ok(Belonging::Of(scenario))
}
