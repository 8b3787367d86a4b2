//! `loadproof runs`: what is in the store.

use std::path::Path;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};

use super::arguments::{RunFilter, RunList, Runs, RunsCommand, STORE};
use super::exit::Exit;
use super::output;
use crate::run::{Arm, RunFacts};
use crate::store::{Reference, Store};
use crate::unit;
use crate::utc;

pub(super) fn runs(command: &Runs, path: &Path) -> Result<Exit> {
    match &command.command {
        None => list(path, &command.list, command.json)?,
        Some(RunsCommand::List(filters)) => list(path, filters, command.json)?,
        Some(RunsCommand::Show { run }) => return show(run, command.json, path),
        Some(RunsCommand::Note { run, text }) => note(run, text, &mut Store::open_existing(path)?)?,
    }
    Ok(Exit::Done)
}

/// A run, or a sample of it where a number follows a colon.
fn show(name: &str, json: bool, path: &Path) -> Result<Exit> {
    let store = Store::open_existing(path)?;
    let find = |name: &str| -> Result<RunFacts> { Ok(store.run(&name.parse::<Reference>()?)?) };
    if let Some((run, number)) = name.rsplit_once(':')
        && let Ok(number) = number.parse()
    {
        return super::store::sample(find(run)?.id, number, json, path);
    }
    facts(&find(name)?, json)?;
    Ok(Exit::Done)
}

fn note(run: &str, text: &str, store: &mut Store) -> Result<()> {
    let run = store.run(&run.parse::<Reference>()?)?.id;
    store.annotate(run, text)?;
    output::result(&format!("noted about run {run}: {text}"))
}

/// Whether a run has the value that a filter asks for.
fn passes(run: &RunFacts, filter: &RunFilter) -> bool {
    let experiment = run.start.experiment.map(|id| format!("e{id}"));
    let value = match filter.key.as_str() {
        "scenario" => Some(run.start.scenario.as_str()),
        "load" => Some(run.start.load.as_str()),
        "profile" => Some(run.start.profile.as_str()),
        "label" => run.start.label.as_deref(),
        "state" => Some(run.end.state.word()),
        "deployment" => run.start.deployment.as_deref(),
        "experiment" => experiment.as_deref(),
        "arm" => run.start.arm.map(Arm::word),
        _ => None,
    };
    value.is_some_and(|value| match filter.value.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => value == filter.value,
    })
}

fn list(path: &Path, filters: &RunList, json: bool) -> Result<()> {
    // The store that nobody has named is made by the first run: until then there are none.
    let is_yet_to_come = path == Path::new(STORE) && !path.exists();
    let mut runs = if is_yet_to_come { Vec::new() } else { Store::open_existing(path)?.runs()? };
    runs.retain(|run| filters.filter.iter().all(|filter| passes(run, filter)));
    if json {
        let document = serde_json::json!({ "schema": "loadproof.runs/2", "runs": runs });
        return output::result(&serde_json::to_string_pretty(&document)?);
    }
    if runs.is_empty() {
        let text = if filters.filter.is_empty() {
            "no runs yet: start one with `loadproof run`"
        } else {
            "no run matches the filters"
        };
        return output::result(text);
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
            run.end.state.word().to_owned(),
            run.start.started_at.trim_end_matches('Z').replace('T', " "),
            run.start.scenario.clone(),
            run.start.load.clone(),
            run.start.profile.clone(),
            run.start.label.clone().unwrap_or_default(),
            part(run),
            if run.pruned_unix_us.is_some() {
                format!("{} (pruned)", unit::count(run.samples))
            } else {
                unit::count(run.samples)
            },
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
    match (run.start.experiment, run.start.arm, run.start.round) {
        (Some(experiment), Some(arm), Some(round)) => format!("e{experiment} {} round {round}", arm.word()),
        _ => String::new(),
    }
}

/// `, pruned on 2026-07-01 12:00 UTC`, or nothing.
fn pruned(run: &RunFacts) -> String {
    let on = |us: i64| format!(", pruned on {}", utc::to_minute(us / 1_000_000));
    run.pruned_unix_us.map_or_else(String::new, on)
}

fn facts(run: &RunFacts, json: bool) -> Result<()> {
    if json {
        let document = serde_json::json!({ "schema": "loadproof.runs/2", "runs": [run] });
        return output::result(&serde_json::to_string_pretty(&document)?);
    }
    let mut lines = vec![
        format!("run {}: {}", run.id, run.end.state.word()),
        format!("  scenario     {} ({})", run.start.scenario, run.start.scenario_file),
        format!("  load         {}: {}", run.start.load, run.start.load_text),
        format!("  profile      {}", run.start.profile),
    ];
    lines.extend(run.start.label.as_ref().map(|label| format!("  label        {label}")));
    if run.start.experiment.is_some() {
        lines.push(format!("  part         {}", part(run)));
    }
    lines.extend([
        format!("  started      {}", run.start.started_at),
        format!("  measured     {}", unit::span(run.duration_s)),
        format!("  samples      {}{}", unit::count(run.samples), pruned(run)),
        format!("  seed         {}", run.start.seed),
        format!("  fingerprint  {}", run.start.fingerprint),
        format!("  command      {}", run.start.command),
    ]);
    lines.extend(run.end.phases.iter().map(|phase| {
        let (start, end) = (phase.start_us as f64 / 1e6, phase.end_us as f64 / 1e6);
        let incomplete = match (phase.complete, &phase.unknown[..]) {
            (true, _) => String::new(),
            (false, "") => " (cut short)".to_owned(),
            (false, why) => format!(" (not known: {why})"),
        };
        format!("  phase        {:<9} {start:.3} s to {end:.3} s{incomplete}", phase.name)
    }));
    if !run.end.note.is_empty() {
        lines.push(format!("  ended        {}", run.end.note));
    }
    lines.extend(run.end.hooks.iter().map(|hook| {
        let code = hook.exit_code.map_or(hook.note.clone(), |code| format!("exit code {code}"));
        let (start, took) = (hook.start_us as f64 / 1e6, (hook.end_us - hook.start_us) as f64 / 1e6);
        format!("  hook         {} ({}): at {start:.3} s for {took:.3} s, {code}", hook.name, hook.moment)
    }));
    lines.extend(run.end.faults.iter().map(|fault| {
        let s = |us: i64| format!("{:.3} s", us as f64 / 1e6);
        let time = match (fault.start_us, fault.end_us) {
            (Some(start), Some(end)) => format!("{} to {}", s(start), s(end)),
            (Some(start), None) => format!("from {} on", s(start)),
            (None, _) => fault.outcome.word().to_owned(),
        };
        let note = if fault.note.is_empty() { String::new() } else { format!(", {}", fault.note) };
        format!("  fault        {} ({}): {time}{note}", fault.name, fault.text)
    }));
    lines.extend(run.start.environment.iter().map(|(name, value)| format!("  environment  {name}: {value}")));
    output::result(&lines.join("\n"))
}
