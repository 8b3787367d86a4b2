//! `loadproof import`: results of other tools, stored and compared as any other run.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::arguments::Import;
use super::command_line::command_line;
use super::exit::Exit;
use super::{output, world};
use crate::assess::runs;
use crate::import::{self, Belonging, Imported};
use crate::run::RunId;
use crate::store::{Reference, Store};
use crate::unit;

pub(super) fn import(command: &Import, store: &Path) -> Result<Exit> {
    let imported = import::import(
        &import::Import {
            file: command.file.clone(),
            format: command.format,
            time_format: command.time_format.clone(),
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
    keep_histograms(run, store)?;
    if command.json {
        let document = json!({
            "schema": "loadproof.import/1",
            "run": run,
            "format": imported.format.word(),
            "samples": imported.samples,
            "endpoints": imported.endpoints,
            "left_out": imported.left_out,
            "read_as": imported.read_as,
            "gaps": imported.gaps,
            "stated": imported.stated.iter().cloned().collect::<BTreeMap<_, _>>(),
        });
        output::result(&document.to_string())?;
        return Ok(Exit::Done);
    }
    output::result(&format!("{}\nnext: loadproof report {run}", in_words(&imported)))?;
    Ok(Exit::Done)
}

/// A run that was made here has its histograms from its end on, and so has an imported one.
fn keep_histograms(run: RunId, path: &Path) -> Result<()> {
    let store = Store::open(path)?;
    runs::histograms(&store, &store.run(&Reference::Run(run))?)?;
    Ok(())
}

fn in_words(imported: &Imported) -> String {
    let (run, from) = (imported.run, imported.format.text());
    let mut lines = if imported.stated.is_empty() {
        vec![format!(
            "run {run}: {} to {}, imported from {from}",
            unit::counted(imported.samples, "request"),
            unit::counted(imported.endpoints as u64, "endpoint"),
        )]
    } else {
        let stated: Vec<String> =
            imported.stated.iter().map(|(name, value)| format!("{name} {value}")).collect();
        vec![
            format!(
                "run {run}: metrics without samples, imported from {from}; no claim can be decided from them"
            ),
            format!("stated: {}", stated.join(", ")),
        ]
    };
    let said =
        [("read as", &imported.read_as), ("left out", &imported.left_out), ("warning", &imported.gaps)];
    lines.extend(
        said.iter().filter(|(_, text)| !text.is_empty()).map(|(what, text)| format!("{what}: {text}")),
    );
    lines.join("\n")
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
