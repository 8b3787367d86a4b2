//! `loadproof baseline`: small files of runs, made for git, that later runs are compared with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{Table, presets};

use super::arguments::{ArmName, Saved, SavedCommand};
use super::exit::{Exit, UsageError};
use super::{evidence, output, subject};
use crate::baseline::Baseline;
use crate::run::{Arm, RunFacts, RunState};
use crate::stats::arm::MeasuredRun;
use crate::store::Store;
use crate::unit;

pub(super) fn baseline(command: &Saved, store: &Path) -> Result<Exit> {
    let folder = &command.baselines;
    match &command.command {
        SavedCommand::Save { name, runs, arm, force } => {
            save(folder, name, runs, *arm, *force, &Store::open(store)?)?;
        }
        SavedCommand::List => list(folder)?,
        SavedCommand::Show { name } => output::result(&shown(name, &load(folder, name)?))?,
        SavedCommand::Remove { name } => {
            let path = path(folder, name)?;
            std::fs::remove_file(&path).map_err(|_| none_of(folder, name))?;
            output::result(&format!("removed {}", path.display()))?;
        }
    }
    Ok(Exit::Done)
}

/// A saved baseline by its name.
pub(super) fn load(folder: &Path, name: &str) -> Result<Baseline> {
    let path = path(folder, name)?;
    let text = std::fs::read_to_string(&path).map_err(|_| none_of(folder, name))?;
    Baseline::parse(&text).with_context(|| format!("cannot use `{}`", path.display()))
}

fn save(
    folder: &Path,
    name: &str,
    references: &[String],
    arm: ArmName,
    force: bool,
    store: &Store,
) -> Result<()> {
    let path = path(folder, name)?;
    if path.exists() && !force {
        let text = format!("baseline `{name}` exists already; --force replaces it, or choose another name");
        return Err(UsageError(text).into());
    }
    let facts = chosen(references, arm.into(), store)?;
    let mut runs: Vec<MeasuredRun> = Vec::new();
    for run in evidence::load(store, facts)? {
        runs.push(std::sync::Arc::unwrap_or_clone(run));
    }
    let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    let baseline = Baseline::of(&runs, &now).context("there is a run")?;
    let text = baseline.text();
    output::file(&path, &text)?;
    let size = unit::significant(text.len() as f64 / 1e3);
    output::result(&format!("{}\n\n  saved  {} ({size} kB)", shown(name, &baseline), path.display()))
}

/// The runs that a user means: those named, those of an experiment's arm, or the newest experiment's.
fn chosen(references: &[String], arm: Arm, store: &Store) -> Result<Vec<RunFacts>> {
    let newest = match store.latest_experiment()? {
        Some(id) => format!("e{id}"),
        None => "latest".to_owned(),
    };
    let mut runs = subject::runs(references, &newest, arm, store)?;
    runs.retain(|run| run.state == RunState::Done);
    let Some(first) = runs.first() else {
        return Err(UsageError(format!("the {} has no complete run to save", arm.word())).into());
    };
    if let Some(other) =
        runs.iter().find(|r| r.fingerprint != first.fingerprint || r.profile != first.profile)
    {
        let text = format!(
            "runs {} and {} are of different work or profiles: a baseline is of one",
            first.id, other.id
        );
        return Err(UsageError(text).into());
    }
    Ok(runs)
}

fn list(folder: &Path) -> Result<()> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    if names.is_empty() {
        return output::result("no baselines yet; `loadproof baseline save NAME` makes one");
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["name", "scenario", "load", "profile", "runs", "saved", "machine"]);
    for name in names {
        match load(folder, &name) {
            Ok(b) => table.add_row([
                name,
                b.scenario.clone(),
                b.load.0.clone(),
                b.runs[0].profile.clone(),
                b.runs.len().to_string(),
                b.saved_at.clone(),
                machine(&b),
            ]),
            Err(error) => table.add_row([name, format!("{error:#}")]),
        };
    }
    output::result(&table.to_string())
}

fn shown(name: &str, b: &Baseline) -> String {
    let samples: u64 =
        b.runs.iter().flat_map(|r| &r.cells).flat_map(|c| &c.response_us).map(|(_, n)| n).sum();
    let mut lines = vec![
        format!(
            "baseline {name}: {} under {}, load {} ({})",
            b.scenario, b.runs[0].profile, b.load.0, b.load.1
        ),
        format!("  saved        {} by loadproof {}", b.saved_at, b.tool_version),
        format!("  runs         {} with {} samples", b.runs.len(), unit::count(samples)),
        format!("  fingerprint  {}", b.fingerprint),
        format!("  checksum     {}", b.checksum),
        format!("  machine      {}", machine(b)),
    ];
    lines.extend(b.runs.iter().map(|r| {
        format!(
            "  run          {} of {}, {}, seed {}, audit {}",
            r.run,
            r.started_at,
            unit::span(r.duration_s),
            r.seed,
            r.audit.grade.word()
        )
    }));
    lines.join("\n")
}

fn machine(b: &Baseline) -> String {
    let fact = |name: &str| b.environment.get(name).map_or("unknown", String::as_str);
    format!("{}, {} cores, {}", fact("processor"), fact("cores"), fact("memory"))
}

fn path(folder: &Path, name: &str) -> Result<PathBuf> {
    let is_plain = !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
        && !name.starts_with('.');
    if !is_plain {
        let text = format!("`{name}` cannot name a baseline: letters, digits, `-`, `_` and `.` can");
        return Err(UsageError(text).into());
    }
    Ok(folder.join(format!("{name}.json")))
}

fn none_of(folder: &Path, name: &str) -> UsageError {
    UsageError(format!(
        "baseline `{name}` was not found in `{}`; `loadproof baseline list` shows what there is",
        folder.display()
    ))
}

impl From<ArmName> for Arm {
    fn from(name: ArmName) -> Self {
        match name {
            ArmName::Baseline => Self::Baseline,
            ArmName::Treatment => Self::Treatment,
        }
    }
}
