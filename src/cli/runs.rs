//! `loadproof runs`: what is in the store.

use std::path::Path;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};

use super::arguments::{Runs, RunsCommand};
use super::exit::Exit;
use super::output;
use crate::run::RunFacts;
use crate::store::{Reference, Store};
use crate::unit;

pub(super) fn runs(command: &Runs, path: &Path) -> Result<Exit> {
    let store = Store::open(path)?;
    match &command.command {
        None | Some(RunsCommand::List) => list(&store, command.json)?,
        Some(RunsCommand::Show { run }) => {
            let reference: Reference = run.parse()?;
            show(&store.run(&reference)?, command.json)?;
        }
    }
    Ok(Exit::Done)
}

fn list(store: &Store, json: bool) -> Result<()> {
    let runs = store.runs()?;
    if json {
        let document = serde_json::json!({ "schema": "loadproof.runs/2", "runs": runs });
        return output::result(&serde_json::to_string_pretty(&document)?);
    }
    if runs.is_empty() {
        return output::result("no runs yet; `loadproof run` makes one");
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header([
        "run",
        "state",
        "started (UTC)",
        "scenario",
        "load",
        "profile",
        "label",
        "part",
        "samples",
    ]);
    for run in &runs {
        table.add_row([
            run.id.to_string(),
            run.state.word().to_owned(),
            run.started_at.trim_end_matches('Z').replace('T', " "),
            run.scenario.clone(),
            run.load.clone(),
            run.profile.clone(),
            run.label.clone().unwrap_or_default(),
            part(run),
            unit::count(run.samples),
        ]);
    }
    for column in [0, 8] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    output::result(&table.to_string())
}

/// `e1 baseline round 2`, or nothing.
fn part(run: &RunFacts) -> String {
    match (run.experiment, run.arm, run.round) {
        (Some(experiment), Some(arm), Some(round)) => format!("e{experiment} {} round {round}", arm.word()),
        _ => String::new(),
    }
}

fn show(run: &RunFacts, json: bool) -> Result<()> {
    if json {
        let document = serde_json::json!({ "schema": "loadproof.runs/2", "runs": [run] });
        return output::result(&serde_json::to_string_pretty(&document)?);
    }
    let mut lines = vec![
        format!("run {}: {}", run.id, run.state.word()),
        format!("  scenario     {} ({})", run.scenario, run.scenario_file),
        format!("  load         {}: {}", run.load, run.load_text),
        format!("  profile      {}", run.profile),
    ];
    lines.extend(run.label.as_ref().map(|label| format!("  label        {label}")));
    if run.experiment.is_some() {
        lines.push(format!("  part         {}", part(run)));
    }
    lines.extend([
        format!("  started      {}", run.started_at),
        format!("  measured     {}", unit::span(run.duration_s)),
        format!("  samples      {}", unit::count(run.samples)),
        format!("  seed         {}", run.seed),
        format!("  fingerprint  {}", run.fingerprint),
        format!("  command      {}", run.command),
    ]);
    lines.extend(run.phases.iter().map(|phase| {
        let (start, end) = (phase.start_us as f64 / 1e6, phase.end_us as f64 / 1e6);
        let incomplete = if phase.complete { "" } else { " (cut short)" };
        format!("  phase        {:<9} {start:.3} s to {end:.3} s{incomplete}", phase.name)
    }));
    if !run.end_note.is_empty() {
        lines.push(format!("  ended        {}", run.end_note));
    }
    lines.extend(run.hooks.iter().map(|hook| {
        let code = hook.exit_code.map_or(hook.note.clone(), |code| format!("exit code {code}"));
        let (start, took) = (hook.start_us as f64 / 1e6, (hook.end_us - hook.start_us) as f64 / 1e6);
        format!("  hook         {} ({}): at {start:.3} s for {took:.3} s, {code}", hook.name, hook.moment)
    }));
    lines.extend(run.environment.iter().map(|(name, value)| format!("  environment  {name}: {value}")));
    output::result(&lines.join("\n"))
}
