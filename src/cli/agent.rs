//! `loadproof agent`, and the agents that other commands ask for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::arguments::{Agent, Common};
use super::exit::{Exit, UsageError};
use super::interrupt::Interrupt;
use super::{output, world};
use crate::agents::{self, AgentOptions, Wanted};
use crate::execute::{ExecuteError, machine, session};
use crate::scenario::grid::Grid;
use crate::web;

/// Works as an agent until the user ends it.
pub(super) fn agent(command: &Agent) -> Result<Exit> {
    session::choose_tls_provider();
    let interrupt = Interrupt::listen(|| {})?;
    let machine = machine();
    let name = command.name.clone().unwrap_or_else(|| named_after(&machine[0]));
    let spool = command.spool.clone().unwrap_or_else(|| PathBuf::from(format!("reports/agent-{name}")));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = command.workers.unwrap_or_else(|| u16::try_from(cores).unwrap_or(1));
    output::say(&format!(
        "loadproof: agent `{name}` with {workers} workers, at {}",
        web::shown(&command.nats)
    ));
    let options = AgentOptions {
        url: command.nats.clone(),
        name,
        machine,
        spool,
        workers,
        cores: u32::try_from(cores).unwrap_or(1),
        once: command.once,
        interrupt: interrupt.receiver(),
        say: Arc::new(|text| output::say(&format!("loadproof: {text}"))),
    };
    agents::serve(&options).map_err(ExecuteError::from)?;
    Ok(Exit::Done)
}

/// A machine's name as that of an agent.
fn named_after(machine: &str) -> String {
    let name: String =
        machine.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    if name.is_empty() { "agent".to_owned() } else { name }
}

/// The agents that a command asks for; none if it asks for none. `path`: the scenario's file.
pub(super) fn wanted(common: &Common, path: &Path, grid: &Grid) -> Result<Option<Wanted>> {
    let flags = &common.agents;
    let (Some(count), Some(url)) = (flags.agents, &flags.nats) else { return Ok(None) };
    let mistake = |text: &str| Err(UsageError(text.to_owned()).into());
    if common.overrides.spin {
        return mistake("--spin is for load of this machine: leave it out, or --agents");
    }
    if common.overrides.workers.is_some() {
        return mistake("--workers is for load of this machine: give it to `loadproof agent`");
    }
    let pack = world::pack(path, &common.vars.vars, grid)?;
    Ok(Some(Wanted { url: url.clone(), count, within: flags.agents_within, pack }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_machines_name_can_be_that_of_an_agent() {
        assert_eq!(super::named_after("web-1.example.org"), "web-1-example-org");
        assert_eq!(super::named_after(""), "agent");
    }
}
