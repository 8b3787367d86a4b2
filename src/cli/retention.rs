//! `loadproof store prune`, `archive` and `attach`: how long samples stay, and where they go.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::arguments::{Archive, Attach, Prune};
use super::exit::{Exit, UsageError};
use super::output;
use crate::assess::is_store_of_bundle;
use crate::assess::retention::{self as assess, Pruning};
use crate::run::{RunFacts, RunId};
use crate::store::{Reference, Room, Store};
use crate::unit;
use crate::utc;

/// Runs that are named one by one.
const MOST_NAMED: usize = 20;

pub(super) fn prune(command: &Prune, path: &Path) -> Result<Exit> {
    if is_store_of_bundle(path) {
        let text =
            format!("`{}` is the evidence of a signed bundle, which would be one no longer", path.display());
        return Err(UsageError(text).into());
    }
    let mut store = Store::open_existing(path)?;
    let plan =
        assess::plan(&store, command.keep, command.include_needed, utc::now_ms().saturating_mul(1000))?;
    let mut lines = Vec::new();
    let mut is_whole = true;
    if command.dry_run {
        let samples: u64 = plan.goes.iter().map(|run| run.samples).sum();
        let room = about(&store, samples)?;
        lines.push(format!(
            "would prune {} of {}, about {room}; nothing was changed",
            samples_of(samples),
            runs(plan.goes.len())
        ));
        lines.extend(named(plan.goes.iter().map(|run| line(run, run.samples))));
    } else {
        let begun = Instant::now();
        let (mut pruned, mut samples) = (Vec::new(), 0);
        for run in &plan.goes {
            match assess::prune(&mut store, run) {
                Ok(count) => {
                    samples += count;
                    pruned.push(line(run, count));
                }
                // One that was changed stays, and the others need not.
                Err(error) if error.is_mistake() => {
                    is_whole = false;
                    lines.push(format!("  PROBLEM  {error}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        let took = unit::span(begun.elapsed().as_secs_f64());
        lines.insert(0, format!("pruned {} of {} in {took}", samples_of(samples), runs(pruned.len())));
        lines.extend(named(pruned.into_iter()));
    }
    lines.extend(stays(&plan));
    if !command.dry_run {
        lines.extend(room(&store, command.vacuum)?);
    }
    output::result(&lines.join("\n"))?;
    Ok(if is_whole { Exit::Done } else { Exit::NotVerified })
}

/// What is free in the file, and how it shrinks; or that it has.
fn room(store: &Store, vacuum: bool) -> Result<Vec<String>> {
    let Room { file, free } = store.room()?;
    if !vacuum {
        let left = unit::size(file - free);
        let text = format!(
            "  {} of the file's {} are free, and new runs use them first; --vacuum shrinks the file, for which it writes {left} anew",
            unit::size(free),
            unit::size(file)
        );
        return Ok(vec![text]);
    }
    let took = store.vacuum()?;
    let after = store.room()?.file;
    Ok(vec![format!(
        "  the file has {} instead of {}; VACUUM took {}",
        unit::size(after),
        unit::size(file),
        unit::span(took.as_secs_f64())
    )])
}

/// About how much of the file samples take: as they do on average of everything that is in it.
fn about(store: &Store, samples: u64) -> Result<String> {
    let Room { file, free } = store.room()?;
    let stored = store.runs()?.into_iter().filter(|run| run.pruned_unix_us.is_none());
    let all: u64 = stored.map(|run| run.samples).sum();
    let bytes = u128::from(file - free) * u128::from(samples) / u128::from(all.max(1));
    Ok(unit::size(u64::try_from(bytes).unwrap_or(u64::MAX)))
}

fn stays(plan: &Pruning) -> Vec<String> {
    let mut lines =
        named(plan.stays.iter().map(|(run, why)| format!("  run {run} keeps its samples: {why}")));
    if plan.stays.iter().any(|(_, why)| why.starts_with("needed")) {
        lines.push("  --include-needed prunes what is needed, too".to_owned());
    }
    lines
}

fn line(run: &RunFacts, samples: u64) -> String {
    let started = run.start.started_at.trim_end_matches('Z').replace('T', " ");
    format!(
        "  run {} · {started} · {} · {} · {}",
        run.id,
        run.start.scenario,
        run.start.profile,
        samples_of(samples)
    )
}

fn named(lines: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_NAMED);
    let mut named: Vec<String> = lines.take(MOST_NAMED).collect();
    if more > 0 {
        named.push(format!("  and {} more", unit::count(more as u64)));
    }
    named
}

fn runs(n: usize) -> String {
    if n == 1 { "1 run".to_owned() } else { format!("{} runs", unit::count(n as u64)) }
}

fn samples_of(n: u64) -> String {
    if n == 1 { "1 sample".to_owned() } else { format!("{} samples", unit::count(n)) }
}

pub(super) fn archive(command: &Archive, path: &Path) -> Result<Exit> {
    let store = Store::open_existing(path)?;
    let mut of: Vec<RunId> = Vec::new();
    for name in &command.runs {
        let run = store.run(&name.parse::<Reference>()?)?.id;
        if !of.contains(&run) {
            of.push(run);
        }
    }
    if command.to.exists() {
        let text = format!("`{}` already exists, and an archive is not replaced", command.to.display());
        return Err(UsageError(text).into());
    }
    let archived = assess::archive(&store, &of, &command.to)?;
    let samples: u64 = archived.iter().map(|run| run.samples).sum();
    let bytes = std::fs::metadata(&command.to).map_or(0, |file| file.len());
    output::result(&format!(
        "archived {} of {} to {} ({}); they are in the store still, until `loadproof store prune`",
        samples_of(samples),
        runs(archived.len()),
        command.to.display(),
        unit::size(bytes)
    ))?;
    Ok(Exit::Done)
}

pub(super) fn attach(command: &Attach, path: &Path) -> Result<Exit> {
    let store = Store::open_existing(path)?;
    let attached = assess::attach(&store, &command.file)?;
    let mut lines = vec![format!(
        "attached {} of {}: every one is as it was sealed",
        samples_of(attached.iter().map(|(_, samples)| samples).sum()),
        runs(attached.len())
    )];
    lines.extend(named(
        attached.iter().map(|(run, samples)| format!("  run {run} · {}", samples_of(*samples))),
    ));
    output::result(&lines.join("\n"))?;
    Ok(Exit::Done)
}
