//! Collecting what agents still hold of a run whose coordinator is gone.

use std::time::Duration;

use async_nats::Client;

use super::collect::{self, Collector, Deliver, Destination, Limits, StoredSoFar};
use super::{AgentsError, connection};
use crate::run::AgentFacts;

/// A run whose coordinator is gone.
pub struct Late {
    runtime: tokio::runtime::Runtime,
    client: Client,
    token: String,
    agents: Vec<u16>,
}

/// Collects what the agents of a run still hold. `silence`: how long one may be silent. What became of the agents, and what
/// lets them forget the run once it is sealed.
///
/// # Errors
/// If the server cannot be reached.
pub fn collect_late(
    url: &str,
    token: &str,
    agents: Vec<AgentFacts>,
    (deliver, stored_so_far, limits): (Deliver, StoredSoFar, Limits),
    silence: Duration,
) -> Result<(Vec<AgentFacts>, Late), AgentsError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (count, numbers) = (agents.len(), agents.iter().map(|agent| agent.number).collect());
    let to = Destination { silence, ..Destination::of_run(deliver, stored_so_far, limits, count) };
    let (client, agents) = runtime.block_on(async {
        let client = connection::connect(url).await?;
        let collector = Collector::listen(client.clone(), token, agents).await?;
        let agents =
            collector.collect(Vec::new(), to, std::future::pending(), || std::future::ready(())).await;
        Ok::<_, AgentsError>((client, agents))
    })?;
    Ok((agents, Late { runtime, client, token: token.to_owned(), agents: numbers }))
}

impl Late {
    /// Lets the agents forget the run: it is sealed, and on the disk.
    pub fn release(self) {
        self.runtime.block_on(collect::release(&self.client, &self.token, &self.agents));
    }
}
