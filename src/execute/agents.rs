//! A run whose load agents make: what differs from one that this machine makes.

use std::path::Path;
use std::time::Duration;

use super::setting::{ExecuteError, Setting};
use crate::agents::{Collected, Fleet, Found, Limits, StoredSoFar, Work};
use crate::load::{Clock, Running};
use crate::plan::PlannedRun;
use crate::run::{AgentFacts, AgentState, RunId};
use crate::store::{RunWriter, Store};

/// From telling agents to begin to the first request: they connect to brokers and fetch tokens meanwhile.
pub(super) const LEAD: Duration = Duration::from_secs(2);

/// The agents of a run that are ready for it; none if this machine makes its load.
pub(super) async fn prepare(setting: &Setting, planned: &PlannedRun) -> Result<Option<Found>, ExecuteError> {
    let Some(fleet) = &setting.fleet else { return Ok(None) };
    let work = Work {
        scenario: &setting.scenario,
        load: &planned.load,
        base_url: &planned.base_url,
        seed: planned.seed,
    };
    Ok(Some(fleet.prepare(&work).await?))
}

/// Has agents begin with a run; their batches go to its writer.
pub(super) async fn start(
    fleet: &Fleet,
    found: &Found,
    writer: &RunWriter,
    (store, run): (&Path, RunId),
    (clock, salt): (Clock, Option<u64>),
) -> Result<(Running, Collected), ExecuteError> {
    let to = (Box::new(writer.delivered()), stored_so_far(Store::open(store)?, run), limits(writer));
    Ok(fleet.start(found, (clock.zero(), salt), (to.0, to.1, to.2)).await?)
}

/// What became of the agents of a run whose load is over.
pub(super) async fn end(
    fleet: &Fleet,
    found: &Found,
    collected: Collected,
) -> Result<Vec<AgentFacts>, ExecuteError> {
    let mut agents = collected.agents().await?;
    fleet.note_drift(found, &mut agents).await;
    Ok(agents)
}

/// Lets the agents of a run forget it, which is sealed by now. Those that were lost keep what they have.
pub(super) async fn release(
    fleet: &Fleet,
    found: &Found,
    store: &Store,
    agents: &[AgentFacts],
) -> Result<(), ExecuteError> {
    store.reach_disk()?;
    let known = agents.iter().filter(|agent| agent.state != AgentState::Lost);
    fleet.release(&found.token, known.map(|agent| agent.number).collect()).await;
    Ok(())
}

/// How many batches of each agent a store holds: as another connection sees it, so that only what was committed counts.
pub(super) fn stored_so_far(store: Store, run: RunId) -> StoredSoFar {
    Box::new(move || store.agent_batches(run).ok())
}

/// The words of a run that agents may name.
pub(super) fn limits(writer: &RunWriter) -> Limits {
    let counts = writer.counts();
    Limits { endpoints: counts.endpoints, user_classes: counts.user_classes, signals: counts.signals }
}
