//! Runs that are no part of a trend, and why.

use super::model::{LeftOut, Point, Series};
use super::surroundings::release;
use crate::run::{RunFacts, RunId, RunState};

/// Why a run cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The run.
    pub run: RunId,
    /// Why, in a sentence.
    pub why: String,
    /// Whether the cause is the machine that made the load: then not even an outage is evidence.
    pub is_of_machine: bool,
}

/// The runs that did not end as planned or cannot be trusted, in order. `kept`: whether a run is part of a series in
/// spite of a doubt.
pub(super) fn left_out(
    runs: &[RunFacts],
    doubts: &[Doubt],
    series: &[Series],
    kept: impl Fn(RunId) -> bool,
) -> Vec<LeftOut> {
    let why = |run: &RunFacts| match run.end.state {
        RunState::Running => None,
        RunState::Done => {
            doubts.iter().find(|doubt| doubt.run == run.id).map(|doubt| format!("INVALID: {}", doubt.why))
        }
        state if run.end.note.is_empty() => Some(state.word().to_owned()),
        state => Some(format!("{}: {}", state.word(), run.end.note)),
    };
    let is_newest = |run: &RunFacts| {
        let points = || {
            let alike = |one: &&Series| one.load == run.start.load && one.profile == run.start.profile;
            series.iter().filter(alike).flat_map(|one| &one.points)
        };
        let is_later = |known: &RunId| *known > run.id;
        let is_told = |point: &Point| point.runs.iter().any(is_later) || point.release == release(run);
        // Who ends a run early knows that it tells nothing.
        run.end.state != RunState::Interrupted && points().next().is_some() && !points().any(is_told)
    };
    let mut left_out: Vec<LeftOut> = runs
        .iter()
        .filter(|run| !kept(run.id))
        .filter_map(|run| {
            Some(LeftOut {
                run: run.id,
                release: release(run),
                load: run.start.load.clone(),
                profile: run.start.profile.clone(),
                started_at: run.start.started_at.clone(),
                why: why(run)?,
                is_newest: is_newest(run),
            })
        })
        .collect();
    left_out.sort_by_key(|left| left.run);
    left_out
}
