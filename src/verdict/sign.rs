//! Warning signs: what is seen of trouble in the system, run by run.

use std::sync::Arc;

use serde::Serialize;

use super::hold::evaluated;
use crate::claim::{Sign, seen_text};
use crate::run::RunId;
use crate::stats::arm::MeasuredRun;

/// A sign that was seen in a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sighting {
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

/// The signs that are seen in runs. One whose signals were not read is not seen.
pub(super) fn look(runs: &[Arc<MeasuredRun>]) -> Vec<Sighting> {
    runs.iter().flat_map(|run| run.facts.signs.iter().filter_map(|sign| sighting(run, sign))).collect()
}

fn sighting(run: &Arc<MeasuredRun>, sign: &Sign) -> Option<Sighting> {
    let facts = &run.facts;
    sign.is_about(&facts.load).then_some(())?;
    let (value, seen) = evaluated(run, &sign.when, &sign.select).ok()?;
    (value != 0.0).then(|| Sighting {
        run: facts.id,
        profile: facts.profile.clone(),
        title: sign.title.clone(),
        select: sign.select.to_string(),
        seen: seen_text(&seen),
        remedy: sign.remedy.clone(),
    })
}
