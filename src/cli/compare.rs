//! `loadproof compare`: two runs side by side, or later runs beside a saved baseline.

use std::path::Path;

use anyhow::Result;

use super::arguments::Compare;
use super::exit::{Exit, UsageError};
use super::{report, saved, subject};
use crate::run::{Arm, RunFacts};
use crate::store::{Reference, Store};
use crate::verdict::audit::{Check, Grade};
use crate::verdict::{self, Options};

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
    let find = |text: &str| -> Result<RunFacts> {
        let reference: Reference = text.parse()?;
        Ok(store.run(&reference)?)
    };
    let (baseline, treatment) = (find(baseline)?, find(treatment)?);
    refuse_different_work(&baseline, &treatment, command.force)?;
    let name = format!("compare-{}-{}", baseline.id, treatment.id);
    let runs = report::load(store, as_one_round(baseline, treatment))?;
    let options = Options {
        most_rounds: 1,
        was_planned_end: true,
        allow_invalid: command.outputs.allow_invalid,
        ..Options::default()
    };
    let judgement = verdict::of_rounds(&runs, &options);
    report::of_arms(store, &runs, &judgement, &name, &command.outputs)?;
    Ok(Exit::of_verdict(judgement.overall()))
}

/// Later runs beside a saved baseline: the first with its first run, and so on.
fn with_saved(name: &str, references: &[String], command: &Compare, store: &Store) -> Result<Exit> {
    let baseline = saved::load(&command.baselines, name)?;
    let rebuilt = baseline.rebuild();
    let mut facts = subject::runs(references, "latest", Arm::Treatment, store)?;
    for (round, run) in (1..).zip(&mut facts) {
        (run.arm, run.round) = (Some(Arm::Treatment), Some(round));
        refuse_different_work(&rebuilt.runs[0].facts, run, command.force)?;
    }
    let mut runs = rebuilt.runs;
    runs.extend(report::load(store, facts)?);
    // What is claimed is what the later scenario claims.
    let claims = runs.last().map_or_else(Vec::new, |r| r.facts.claims.clone());
    let rounds = runs.iter().filter(|r| r.facts.arm == Some(Arm::Treatment)).count();
    let options = Options {
        most_rounds: rounds,
        was_planned_end: true,
        allow_invalid: command.outputs.allow_invalid,
        saved_audits: rebuilt.audits,
    };
    let mut judgement = verdict::of_rounds_with(&runs, &claims, &options);
    judgement.add_check(Check {
        name: "saved baseline".into(),
        grade: Grade::Warn,
        text: format!(
            "`{name}` of {}: times within 0.1 %, without their order; claims from p99 up stay undecided",
            baseline.saved_at
        ),
    });
    report::of_arms(store, &runs, &judgement, &format!("compare-{name}"), &command.outputs)?;
    Ok(Exit::of_verdict(judgement.overall()))
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
