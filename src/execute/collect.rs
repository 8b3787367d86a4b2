//! Collecting what agents still hold of a run whose process has ended without a word.

use std::path::Path;
use std::time::Duration;

use super::agents;
use super::setting::{CollectError, ExecuteError};
use crate::agents::collect_late;
use crate::run::{AgentFacts, AgentState, Judged, RunId, RunState};
use crate::store::{Reference, RunWriter, Store};

/// What was collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectedRun {
    /// The run.
    pub run: RunId,
    /// What became of its agents.
    pub agents: Vec<AgentFacts>,
    /// Samples that the store had of it before, …
    pub before: u64,
    /// … and has now.
    pub samples: u64,
    /// Whether every agent has handed over everything that it held.
    pub is_complete: bool,
    /// The run's seal.
    pub seal: Option<String>,
}

/// Adds to a run what its agents still hold. `url`: the NATS server; `silence`: how long an agent may be silent until it is
/// given up. The run stays one that ended without a word: what was not watched cannot be made up for.
///
/// # Errors
/// If there is nothing to collect, or server or store fail.
pub fn collect(
    path: &Path,
    reference: &Reference,
    url: &str,
    silence: Duration,
) -> Result<CollectedRun, ExecuteError> {
    let mut store = Store::open_existing(path)?;
    let facts = store.run(reference)?;
    let run = facts.id;
    let token = store.agent_token(run)?.ok_or(CollectError::WithoutAgents(run))?;
    if facts.end.state == RunState::Running {
        return Err(CollectError::UnderWay(run).into());
    }
    if store.written_seal(Judged::Run(run))?.is_some() {
        return Err(CollectError::Sealed(run).into());
    }
    let writer = RunWriter::resume(path, run, Box::new(|_| {}))?.ok_or(CollectError::WithoutAgents(run))?;
    let to = (
        Box::new(writer.delivered()) as _,
        agents::stored_so_far(Store::open(path)?, run),
        agents::limits(&writer),
    );
    let (agents, late) = collect_late(url, &token, facts.end.agents, to, silence)?;
    let samples = writer.finish()?;
    let is_complete = agents.iter().all(|agent| agent.state != AgentState::Lost);
    let seal = if is_complete {
        store.end_collected(run, &agents)?;
        store.reach_disk()?;
        late.release();
        store.written_seal(Judged::Run(run))?
    } else {
        // Whoever is missing may still come: what they hold can be added as long as there is no seal.
        None
    };
    Ok(CollectedRun { run, agents, before: facts.samples, samples, is_complete, seal })
}
