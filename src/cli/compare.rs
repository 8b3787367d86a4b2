//! `loadproof compare`: two runs side by side.

use std::path::Path;

use anyhow::Result;

use super::arguments::Compare;
use super::exit::{Exit, UsageError};
use super::report;
use crate::run::{Arm, RunFacts};
use crate::store::{Reference, Store};

pub(super) fn compare(command: &Compare, path: &Path) -> Result<Exit> {
    let store = Store::open(path)?;
    let find = |text: &str| -> Result<RunFacts> {
        let reference: Reference = text.parse()?;
        Ok(store.run(&reference)?)
    };
    let (baseline, treatment) = (find(&command.baseline)?, find(&command.treatment)?);
    refuse_different_work(&baseline, &treatment, command.force)?;
    let name = format!("compare-{}-{}", baseline.id, treatment.id);
    let arms = [(Arm::Baseline, vec![baseline]), (Arm::Treatment, vec![treatment])];
    report::of_arms(&store, arms, &name, command.html.as_ref(), command.json)?;
    Ok(Exit::Done)
}

fn refuse_different_work(baseline: &RunFacts, treatment: &RunFacts, force: bool) -> Result<()> {
    if force || baseline.fingerprint == treatment.fingerprint {
        return Ok(());
    }
    let side =
        |run: &RunFacts| format!("run {} ({}, load {}: {})", run.id, run.scenario, run.load, run.load_text);
    Err(UsageError(format!(
        "these runs did different work: {} against {}\n  hint: compare runs of the same scenario and load, or \
         add --force and read the result with care",
        side(baseline),
        side(treatment)
    ))
    .into())
}
