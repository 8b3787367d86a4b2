//! Planted faults: experiments on servers of known truth that misbehave on purpose, in a store of their own.

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
use crate::verdict::faults::{Fault, ROUNDS};

/// The scenario, as it stands in the repository for people to read.
const SCENARIO: &str = include_str!("../../scenarios/faults.toml");
/// How often a round is made again whose runs `abort_when` has ended.
const MOST_REPETITIONS: usize = 10;

/// An experiment on servers with a fault, ready to be carried out.
#[derive(Clone, Debug)]
pub struct FaultExperiment {
    scenario: Arc<Scenario>,
    spec: ExperimentSpec,
    seed: u64,
    plan: Plan,
}

impl FaultExperiment {
    /// Plans one. `program`: the testbed's; `starts`: the folder in which servers count their starts; `seed`: of
    /// everything that is drawn.
    ///
    /// # Errors
    /// If no port is free.
    pub fn new(fault: &Fault, program: &Path, starts: &Path, seed: u64) -> Result<Self, ExecuteError> {
        // Free now; the server that takes it a moment later says so if it is not any more.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = address.map_err(ExecuteError::SetUp)?.port();
        let scenario = Arc::new(scenario_for(program, starts, port)?);
        let spec = spec(fault);
        let load = scenario.load(&spec.load)?.clone();
        let choices = Choices { base_url: None, load_name: spec.load.clone(), load, seed };
        let plan = Plan::experiment(&scenario, &spec, spec.rounds, &choices)?;
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
        fault: &Fault,
        store: &Path,
        options: SessionOptions,
    ) -> Result<Option<ExperimentId>, ExecuteError> {
        let facts = new_experiment(&self.scenario, &self.spec, self.seed, options.command.clone());
        let id = Store::open(store)?.begin_experiment(&facts)?;
        let mut session = Session::new(&self.scenario, store, options, Some(id))?;
        session.audience().note(&format!("{}: {}", fault.name, fault.planted));
        if !carry_out_rounds(&mut session, &self.plan)? {
            return Ok(None);
        }
        Store::open(store)?.end_experiment(id, Some(Ending::Rounds))?;
        Ok(Some(id))
    }
}

fn spec(fault: &Fault) -> ExperimentSpec {
    ExperimentSpec {
        baseline: fault.baseline.to_owned(),
        treatments: std::iter::once(fault.treatment).chain(fault.other).map(str::to_owned).collect(),
        load: fault.name.to_owned(),
        rounds: u32::try_from(ROUNDS).unwrap_or(u32::MAX),
        is_exact: true,
        pilot: Some(false),
        budget: None,
    }
}

/// Carries out all rounds, and says whether the user let it. A round with a run that `abort_when` has
/// ended is made again, as one who resumes an experiment does.
fn carry_out_rounds(session: &mut Session, plan: &Plan) -> Result<bool, ExecuteError> {
    let mut repetitions = 0;
    for round in 1..=plan.rounds {
        loop {
            let mut ended = RunState::Done;
            for planned in plan.round(round) {
                ended = session.carry_out(planned)?.state;
                if ended != RunState::Done {
                    break;
                }
            }
            match ended {
                RunState::Done => break,
                RunState::Interrupted => return Ok(false),
                _ if repetitions >= MOST_REPETITIONS => return Ok(true),
                _ => repetitions += 1,
            }
        }
    }
    Ok(true)
}

/// The scenario, with servers on a port.
fn scenario_for(program: &Path, starts: &Path, port: u16) -> Result<Scenario, ExecuteError> {
    let variables = [
        ("SELFTEST_PROGRAM", program.display().to_string()),
        ("SELFTEST_FOLDER", starts.display().to_string()),
        ("SELFTEST_PORT", port.to_string()),
    ];
    Ok(scenario::compile(Path::new("faults.toml"), &OwnWorld(variables))?)
}

/// What the scenario sees of the outside world: itself and its variables.
struct OwnWorld([(&'static str, String); 3]);

impl World for OwnWorld {
    fn read(&self, _path: &Path) -> std::io::Result<String> {
        Ok(SCENARIO.to_owned())
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::verdict::faults::FAULTS;

    fn compiled() -> Scenario {
        scenario_for(Path::new("testbed"), Path::new("/tmp"), 1).unwrap()
    }

    #[test]
    fn each_fault_has_its_load_its_profiles_and_its_one_claim_in_the_scenario() {
        let scenario = compiled();
        for fault in FAULTS {
            let spec = spec(&fault);
            assert!(scenario.load(&spec.load).is_ok(), "{}", fault.name);
            for profile in spec.treatments.iter().chain([&spec.baseline]) {
                assert!(scenario.profile(profile).is_ok(), "{}: {profile}", fault.name);
            }
            let about = |c: &&crate::claim::Claim| c.is_about(fault.name, None);
            let claims: Vec<&str> = scenario.claims.iter().filter(about).map(|c| c.id.as_str()).collect();
            assert_eq!(claims, [fault.name]);
        }
    }

    #[test]
    fn nothing_in_the_scenario_is_left_over() {
        let scenario = compiled();
        let names: BTreeSet<&str> = FAULTS.iter().map(|f| f.name).collect();
        let loads: BTreeSet<&str> = scenario.loads.keys().map(String::as_str).collect();
        assert_eq!(loads, names);
        let used: BTreeSet<&str> =
            FAULTS.iter().flat_map(|f| [Some(f.baseline), Some(f.treatment), f.other]).flatten().collect();
        let profiles: BTreeSet<&str> = scenario.profiles.keys().map(String::as_str).collect();
        assert_eq!(profiles, used);
    }
}
