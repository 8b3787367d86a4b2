//! The selftest: rounds of servers of known truth, in a store of their own.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use super::experiment::new_experiment;
use super::session::{Session, SessionOptions};
use super::setting::ExecuteError;
use crate::plan::{Choices, Plan};
use crate::run::{ExperimentId, RunState};
use crate::scenario::{self, ExperimentSpec, Scenario, World};
use crate::store::{Ending, Store};
use crate::verdict::qualification::Parts;

/// The scenario, as it stands in the repository for people to read.
const SCENARIO: &str = include_str!("../../scenarios/selftest.toml");
/// The arms of its experiment, and what is true of them.
pub const PARTS: Parts<'_> = Parts {
    twin: "twin",
    slower: "slower",
    slowdown: 1.25,
    median_ms: 10.0,
    detection: "At least 1.1 times as slow at p50",
};

/// A selftest, ready to be carried out.
#[derive(Clone, Debug)]
pub struct SelfTest {
    scenario: Arc<Scenario>,
    spec: ExperimentSpec,
    seed: u64,
    plan: Plan,
}

impl SelfTest {
    /// Plans one. `program`: the testbed's; `seed`: of everything that is drawn.
    ///
    /// # Errors
    /// If no port is free.
    pub fn new(program: &Path, rounds: u32, seed: u64) -> Result<Self, ExecuteError> {
        // Free now; the server that takes it a moment later says so if it is not any more.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let world = OwnWorld {
            program: program.display().to_string(),
            port: address.map_err(ExecuteError::SetUp)?.port().to_string(),
        };
        let scenario = Arc::new(scenario::compile(Path::new("selftest.toml"), &world)?);
        let spec = scenario.experiment.clone().ok_or(ExecuteError::SelfTestScenario)?;
        let spec = ExperimentSpec { rounds, pilot: Some(false), ..spec };
        let load = scenario.load(&spec.load)?.clone();
        let choices = Choices { base_url: None, load_name: spec.load.clone(), load, seed };
        let plan = Plan::experiment(&scenario, &spec, rounds, &choices)?;
        Ok(Self { scenario, spec, seed, plan })
    }

    /// Its runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Carries all rounds out: the experiment, or none if the user ended it.
    ///
    /// # Errors
    /// If a run cannot be carried out.
    pub fn carry_out(
        &self,
        store: &Path,
        options: SessionOptions,
    ) -> Result<Option<ExperimentId>, ExecuteError> {
        let facts = new_experiment(&self.scenario, &self.spec, self.seed, options.command.clone());
        let id = Store::open(store)?.begin_experiment(&facts)?;
        let mut session = Session::new(&self.scenario, store, options, Some(id))?;
        for planned in &self.plan.runs {
            if session.carry_out(planned)?.state != RunState::Done {
                return Ok(None);
            }
        }
        Store::open(store)?.end_experiment(id, Some(Ending::Rounds))?;
        Ok(Some(id))
    }
}

/// What the scenario sees of the outside world: itself, the testbed's program and a port.
struct OwnWorld {
    program: String,
    port: String,
}

impl World for OwnWorld {
    fn read(&self, _path: &Path) -> std::io::Result<String> {
        Ok(SCENARIO.to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "SELFTEST_PROGRAM" => Some(self.program.clone()),
            "SELFTEST_PORT" => Some(self.port.clone()),
            _ => None,
        }
    }
}
