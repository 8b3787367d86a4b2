//! `loadproof compare`: two runs side by side.

use std::path::Path;

use anyhow::Result;

use super::arguments::Compare;
use super::exit::{Exit, UsageError};
use super::report;
use crate::run::{Arm, RunFacts};
use crate::store::{Reference, Store};
use crate::verdict::{self, Options};

pub(super) fn compare(command: &Compare, path: &Path) -> Result<Exit> {
    let store = Store::open(path)?;
    let find = |text: &str| -> Result<RunFacts> {
        let reference: Reference = text.parse()?;
        Ok(store.run(&reference)?)
    };
    let (baseline, treatment) = (find(&command.baseline)?, find(&command.treatment)?);
    refuse_different_work(&baseline, &treatment, command.force)?;
    let name = format!("compare-{}-{}", baseline.id, treatment.id);
    let runs = report::load(&store, as_one_round(baseline, treatment))?;
    let options =
        Options { most_rounds: 1, was_planned_end: true, allow_invalid: command.outputs.allow_invalid };
    let judgement = verdict::of_rounds(&runs, &options);
    report::of_arms(&store, &runs, &judgement, &name, &command.outputs)
}

/// The two runs as the arms of one round; what is claimed is what the treatment's scenario claims.
fn as_one_round(mut baseline: RunFacts, mut treatment: RunFacts) -> Vec<RunFacts> {
    for (run, arm) in [(&mut baseline, Arm::Baseline), (&mut treatment, Arm::Treatment)] {
        (run.arm, run.round) = (Some(arm), Some(1));
    }
    baseline.claims.clone_from(&treatment.claims);
    vec![baseline, treatment]
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
