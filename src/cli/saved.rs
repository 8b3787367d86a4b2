//! `loadproof baseline`: small files of runs, made for git, that later runs are compared with.

use std::path::Path;

use anyhow::Result;
use comfy_table::{Table, presets};

use super::arguments::{ArmName, Saved, SavedCommand};
use super::exit::Exit;
use super::output;
use crate::assess::saved::{self, Choice, Named};
use crate::baseline::Baseline;
use crate::run::Arm;
use crate::store::Store;
use crate::unit;
use crate::verdict::audit::Grade;

pub(super) fn baseline(command: &Saved, store: &Path) -> Result<Exit> {
    let folder = &command.baselines;
    let named = |name| Named { folder, name };
    match &command.command {
        SavedCommand::Save { name, runs, arm, allow_invalid, force } => {
            let choice = Choice { names: runs, arm: (*arm).into(), allow_invalid: *allow_invalid };
            let (baseline, path, bytes) =
                saved::save(&named(name), &choice, *force, &Store::open_existing(store)?)?;
            let size = unit::significant(bytes as f64 / 1e3);
            let text = format!("{}\n\n  saved  {} ({size} kB)", shown(name, &baseline), path.display());
            output::result(&text)?;
        }
        SavedCommand::List => list(folder)?,
        SavedCommand::Show { name } => output::result(&shown(name, &saved::load(&named(name))?))?,
        SavedCommand::Remove { name } => {
            output::result(&format!("removed {}", saved::remove(&named(name))?.display()))?;
        }
    }
    Ok(Exit::Done)
}

fn list(folder: &Path) -> Result<()> {
    let names = saved::names(folder);
    if names.is_empty() {
        return output::result("no baselines yet: save one with `loadproof baseline save NAME`");
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["name", "scenario", "load", "profile", "runs", "saved", "machine"]);
    for name in names {
        match saved::load(&Named { folder, name: &name }) {
            Ok(b) => table.add_row([
                name,
                b.scenario.clone(),
                b.load.0.clone(),
                b.runs[0].profile.clone(),
                runs(&b),
                b.saved_at.clone(),
                machine(&b),
            ]),
            Err(error) => table.add_row([name, format!("{:#}", anyhow::Error::from(error))]),
        };
    }
    output::result(&table.to_string())
}

/// How many runs there are, and how many of them are INVALID.
fn runs(b: &Baseline) -> String {
    let invalid = b.runs.iter().filter(|run| run.audit.grade == Grade::Invalid).count();
    let invalid = if invalid > 0 { format!(" ({invalid} INVALID)") } else { String::new() };
    format!("{}{invalid}", b.runs.len())
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
        format!("  runs         {} with {}", runs(b), unit::counted(samples, "sample")),
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

impl From<ArmName> for Arm {
    fn from(name: ArmName) -> Self {
        match name {
            ArmName::Baseline => Self::Baseline,
            ArmName::Treatment => Self::Treatment,
        }
    }
}
