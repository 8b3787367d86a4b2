//! Symptoms: what is seen of trouble in the system, run by run.

use std::sync::Arc;

use serde::Serialize;

use super::hold::evaluated;
use crate::claim::{Symptom, seen_text};
use crate::run::{MeasuredRun, RunId};

/// A symptom that was seen in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeenSign {
    /// The run.
    pub run: RunId,
    /// Its profile.
    pub profile: String,
    /// What it means.
    pub title: String,
    /// Which samples it is about; empty for all requests.
    pub select: String,
    /// What was seen: `max('outbox_pending') was 812`.
    pub seen: String,
    /// What to do about it.
    pub remedy: String,
}

/// The symptoms that are seen in runs. One whose signals were not read is not seen.
pub(super) fn look(runs: &[Arc<MeasuredRun>]) -> Vec<SeenSign> {
    runs.iter()
        .flat_map(|run| run.facts.start.symptoms.iter().filter_map(|symptom| seen(run, symptom)))
        .collect()
}

fn seen(run: &Arc<MeasuredRun>, symptom: &Symptom) -> Option<SeenSign> {
    let facts = &run.facts;
    symptom.is_about(&facts.start.load, &facts.start.profile).then_some(())?;
    let (value, seen) = evaluated(run, &symptom.when, &symptom.select).ok()?;
    (value != 0.0).then(|| SeenSign {
        run: facts.id,
        profile: facts.start.profile.clone(),
        title: symptom.title.clone(),
        select: symptom.select.to_string(),
        seen: seen_text(&seen),
        remedy: symptom.remedy.clone(),
    })
}
