//! `loadproof compare`: two runs side by side, or later runs beside a saved baseline.

use std::path::Path;

use anyhow::Result;

use super::arguments::Compare;
use super::evidence::{self, Circumstances, Evidence};
use super::exit::{Exit, UsageError};
use super::{report, saved, subject};
use crate::run::{Arm, RunFacts, RunId};
use crate::store::{Reference, Store};

pub(super) fn compare(command: &Compare, path: &Path) -> Result<Exit> {
    let store = Store::open(path)?;
    match (&command.saved, &command.runs[..]) {
        (Some(name), runs) => with_saved(name, runs, command, &store),
        (None, [baseline, treatment]) => two_runs(baseline, treatment, command, &store),
        (None, _) => {
            let text = "name two runs to compare (`loadproof compare lanes-off lanes-on`), or a saved baseline with \
                        --baseline";
            Err(UsageError(text.to_owned()).into())
        }
    }
}

fn two_runs(baseline: &str, treatment: &str, command: &Compare, store: &Store) -> Result<Exit> {
    let here = Circumstances::now(store, command.outputs.allow_invalid);
    report(&of_two(baseline, treatment, command.force, store, &here)?, store, command)
}

/// The page about two runs that did the same work.
pub(super) fn page(baseline: &str, treatment: &str, store: &Store) -> Result<String> {
    of_two(baseline, treatment, false, store, &Circumstances::now(store, false))?.page(None)
}

fn of_two(
    baseline: &str,
    treatment: &str,
    force: bool,
    store: &Store,
    here: &Circumstances,
) -> Result<Evidence> {
    let find = |text: &str| -> Result<RunFacts> {
        let reference: Reference = text.parse()?;
        Ok(store.run(&reference)?)
    };
    let (baseline, treatment) = (find(baseline)?, find(treatment)?);
    refuse_different_work(&baseline, &treatment, force)?;
    evidence::of_two_runs(baseline.id, treatment.id, store, here)
}

/// Later runs beside a saved baseline: the first with its first run, and so on.
fn with_saved(name: &str, references: &[String], command: &Compare, store: &Store) -> Result<Exit> {
    let baseline = saved::load(&command.baselines, name)?;
    let runs = subject::runs(references, "latest", Arm::Treatment, store)?;
    for run in &runs {
        refuse_different_work(&baseline.rebuild().runs[0].facts, run, command.force)?;
    }
    let here = Circumstances::now(store, command.outputs.allow_invalid);
    let runs: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    report(&evidence::of_saved(name, &baseline, &runs, store, &here)?, store, command)
}

fn report(evidence: &Evidence, store: &Store, command: &Compare) -> Result<Exit> {
    report::write_all(evidence, store, &command.outputs)?;
    Ok(Exit::of_verdict(evidence.judgement.overall()))
}

fn refuse_different_work(baseline: &RunFacts, treatment: &RunFacts, force: bool) -> Result<()> {
    if force || baseline.start.fingerprint == treatment.start.fingerprint {
        return Ok(());
    }
    let side = |run: &RunFacts| {
        format!("run {} ({}, load {}: {})", run.id, run.start.scenario, run.start.load, run.start.load_text)
    };
    Err(UsageError(format!(
        "these runs did different work: {} against {}\n  hint: compare runs of the same scenario and load, or \
         add --force and read the result with care",
        side(baseline),
        side(treatment)
    ))
    .into())
}
