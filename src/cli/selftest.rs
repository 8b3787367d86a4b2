//! `loadproof selftest`: qualifies the instrument on this machine, with servers of known truth.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::arguments::{PageFlags, SelfTest};
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::onlookers::Onlookers;
use super::run::{Session, Workshop};
use super::{evidence, faults, output, qualified};
use crate::plan::{Choices, Plan};
use crate::run::RunState;
use crate::scenario::{self, ExperimentSpec, Scenario, World};
use crate::store::{Ending, NewExperiment, Store};
use crate::verdict::qualification::{Parts, Qualification, qualify};

/// The scenario, as it stands in the repository for people to read.
const SCENARIO: &str = include_str!("../../scenarios/selftest.toml");
/// Who plays what in it.
const PARTS: Parts<'_> =
    Parts { twin: "twin", slower: "slower", slowdown: 1.25, detection: "At least 1.1 times as slow at p50" };
/// The store of selftests, beside the other: their runs are nobody's results.
const STORE: &str = "selftest.db";

pub(super) fn selftest(command: &SelfTest, store: &Path) -> Result<Exit> {
    if let Some(which) = &command.faults {
        return faults::faults(command, which, store);
    }
    let folder = output::folder(store);
    let scenario = Arc::new(scenario_for(&program(command)?)?);
    let spec = scenario.experiment.clone().context("the selftest's scenario has an experiment")?;
    let choices = Choices {
        host: None,
        load_name: spec.load.clone(),
        load: scenario.load(&spec.load)?.clone(),
        seed: command.seed,
    };
    let plan = Plan::experiment(&scenario, &spec, command.rounds, &choices)?;
    let own_store = folder.join(STORE);
    let id = Store::open(&own_store)?.begin_experiment(&new_experiment(&scenario, &spec, command))?;
    let workshop = Workshop { store: own_store.clone(), label: None, env: None, workers: None };
    let onlookers = Onlookers::follow(&PageFlags::default(), command.shown, &own_store)?;
    let mut session = Session::new(&scenario, workshop, command.shown, Some(id), &plan, &onlookers)?;
    for planned in &plan.runs {
        if session.carry_out(planned)?.state != RunState::Done {
            return Ok(Exit::Interrupted);
        }
    }
    let own = Store::open(&own_store)?;
    own.end_experiment(id, Some(Ending::Rounds))?;
    let runs = evidence::load(&own, own.experiment(id)?)?;
    let now = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    let qualification = qualify(&runs, PARTS, &now);
    qualified::keep(store, &qualification)?;
    if command.json {
        output::result(&serde_json::to_string_pretty(&qualification)?)?;
    } else {
        output::result(&text(&qualification))?;
    }
    Ok(if qualification.is_passed() { Exit::Done } else { Exit::Invalid })
}

fn text(q: &Qualification) -> String {
    let measured = q.measured.map_or("n/a".to_owned(), |(estimate, low, high)| {
        format!("{estimate:.3}x [{low:.3}, {high:.3}]; {}x in the server's own time, without the way there and back", q.slowdown)
    });
    let number = |n: Option<usize>| n.map_or("none".to_owned(), |n| n.to_string());
    format!(
        "selftest on {} · {} rounds of two equal servers and one {}x as slow\n\n  \
         false supports    {} of {} claims about equal servers ({:.1} %; 2.5 % are expected)\n  \
         detection         {} of {} experiments of five rounds\n  \
         measured at p50   {measured}\n  \
         rounds to detect  {} (an interval that leaves 1.1x out); decided at look {}\n\n  {}",
        q.machine,
        q.rounds,
        q.slowdown,
        q.false_supports,
        q.false_claims,
        100.0 * q.false_supports as f64 / q.false_claims.max(1) as f64,
        q.detected,
        q.experiments,
        number(q.rounds_to_detect),
        number(q.look_to_detect),
        if q.is_passed() {
            "Qualified: reports made here will say so."
        } else {
            "NOT qualified on this machine. Run it again when nothing else runs here."
        }
    )
}

/// The testbed's program: named, or beside loadproof's own.
pub(super) fn program(command: &SelfTest) -> Result<PathBuf> {
    let beside = || std::env::current_exe().ok().map(|own| own.with_file_name("testbed"));
    let path = command.testbed.clone().or_else(beside).filter(|path| path.exists());
    path.ok_or_else(|| {
        let text = "there is no testbed beside loadproof; build it (`cargo build --release --workspace`) or name it with --testbed";
        UsageError(text.to_owned()).into()
    })
}

fn scenario_for(program: &Path) -> Result<Scenario> {
    // Free now; the server that takes it a moment later says so if it is not any more.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let world = OwnWorld { program: program.display().to_string(), port: port.to_string() };
    Ok(scenario::compile(Path::new("selftest.toml"), &world)?)
}

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

fn new_experiment(scenario: &Scenario, spec: &ExperimentSpec, command: &SelfTest) -> NewExperiment {
    NewExperiment {
        scenario: scenario.name.clone(),
        baseline: spec.baseline.clone(),
        treatments: spec.treatments.clone(),
        load: spec.load.clone(),
        rounds: command.rounds,
        seed: command.seed,
        command: command_line(),
    }
}
