//! `loadproof selftest --faults`: plants faults in servers of known truth, one after another, and holds
//! the verdicts against what is right.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::arguments::{PageFlags, SelfTest};
use super::command_line::command_line;
use super::exit::{Exit, UsageError};
use super::onlookers::Onlookers;
use super::run::{Session, Workshop};
use super::selftest::program;
use super::{evidence, output, qualified};
use crate::plan::{Choices, Plan};
use crate::run::RunState;
use crate::scenario::{self, ExperimentSpec, Scenario, World};
use crate::stats::arm::MeasuredRun;
use crate::store::{Ending, NewExperiment, Store};
use crate::verdict::faults::{FAULTS, Fault, FaultTest, Found, ROUNDS, chosen, judge};

/// The scenario, as it stands in the repository for people to read.
const SCENARIO: &str = include_str!("../../scenarios/faults.toml");
/// The store of these runs, beside the other: they are not results.
const STORE: &str = "faults.db";
/// Where the servers count their starts, beside the store.
const STARTS: &str = "faults-starts";
/// What stands for all faults, in place of a name.
const ALL: &str = "all";
/// How often a round is made again whose runs `abort_when` has ended.
const MOST_REPETITIONS: usize = 10;

/// `which`: the name of one, or [`ALL`].
pub(super) fn faults(command: &SelfTest, which: &str, store: &Path) -> Result<Exit> {
    let name = (which != ALL).then_some(which);
    let chosen = chosen_or_refused(command, name)?;
    let folder = std::path::absolute(output::folder(store))?;
    let bench = Bench {
        command,
        program: program(command)?,
        own_store: folder.join(STORE),
        starts: empty_folder(&folder.join(STARTS))?,
    };
    // Before the servers: it makes the store.
    drop(Store::open(&bench.own_store)?);
    let onlookers = Onlookers::follow(&PageFlags::default(), command.shown, &bench.own_store)?;
    let (mut found, mut machine) = (Vec::new(), String::new());
    for fault in &chosen {
        let Some(runs) = bench.carry_out(fault, &onlookers)? else { return Ok(Exit::Interrupted) };
        if let Some(run) = runs.first() {
            let fact = |name: &str| run.facts.environment.get(name).cloned().unwrap_or_default();
            machine = format!("{}, {} cores", fact("processor"), fact("cores"));
        }
        let judged = judge(fault, &runs);
        if !command.json {
            output::result(&line(&judged))?;
        }
        found.push(judged);
    }
    let tested = FaultTest {
        made_at: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine,
        found,
    };
    // One fault by itself is looked into; it is not what reports should say of the instrument.
    if name.is_none() {
        qualified::keep_faults(store, &tested)?;
    }
    output::result(&if command.json {
        serde_json::to_string_pretty(&tested)?
    } else {
        format!("\n{} · {}", tested.text(), tested.machine)
    })?;
    Ok(if tested.is_passed() { Exit::Done } else { Exit::Invalid })
}

/// The faults that the command asks for.
fn chosen_or_refused(command: &SelfTest, name: Option<&str>) -> Result<Vec<Fault>> {
    let chosen = chosen(name, command.short);
    if let (Some(name), true) = (name, chosen.is_empty()) {
        let known: Vec<&str> = FAULTS.iter().map(|f| f.name).collect();
        let text = format!("`{name}` is not a planted fault: expected one of {}", known.join(", "));
        return Err(UsageError(text).into());
    }
    Ok(chosen)
}

/// A folder with nothing in it: starts are counted anew.
fn empty_folder(path: &Path) -> Result<PathBuf> {
    let shown = path.display();
    if path.exists() {
        std::fs::remove_dir_all(path).with_context(|| format!("cannot empty the folder `{shown}`"))?;
    }
    std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder `{shown}`"))?;
    Ok(path.to_owned())
}

/// What all faults share.
struct Bench<'a> {
    command: &'a SelfTest,
    program: PathBuf,
    own_store: PathBuf,
    starts: PathBuf,
}

impl Bench<'_> {
    /// Makes the rounds of a fault, and returns all runs of them; none if the user ended it.
    fn carry_out(&self, fault: &Fault, onlookers: &Onlookers) -> Result<Option<Vec<Arc<MeasuredRun>>>> {
        let scenario = Arc::new(self.scenario()?);
        let spec = spec(fault)?;
        let choices = Choices {
            host: None,
            load_name: spec.load.clone(),
            load: scenario.load(&spec.load)?.clone(),
            seed: self.command.seed,
        };
        let plan = Plan::experiment(&scenario, &spec, spec.rounds, &choices)?;
        let id = Store::open(&self.own_store)?.begin_experiment(&NewExperiment {
            scenario: scenario.name.clone(),
            baseline: spec.baseline,
            treatments: spec.treatments,
            load: spec.load,
            rounds: spec.rounds,
            seed: self.command.seed,
            command: command_line(),
        })?;
        let workshop = Workshop { store: self.own_store.clone(), label: None, env: None, workers: None };
        let mut session = Session::new(&scenario, workshop, self.command.shown, Some(id), &plan, onlookers)?;
        session.note(&format!("{}: {}", fault.name, fault.planted));
        if !carry_out_rounds(&mut session, &plan)? {
            return Ok(None);
        }
        let own = Store::open(&self.own_store)?;
        own.end_experiment(id, Some(Ending::Rounds))?;
        evidence::load(&own, own.experiment(id)?).map(Some)
    }

    /// The scenario, with servers on a free port.
    fn scenario(&self) -> Result<Scenario> {
        // Free now; the server that takes it a moment later says so if it is not any more.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let variables = [
            ("SELFTEST_PROGRAM", self.program.display().to_string()),
            ("SELFTEST_FOLDER", self.starts.display().to_string()),
            ("SELFTEST_PORT", port.to_string()),
        ];
        Ok(scenario::compile(Path::new("faults.toml"), &OwnWorld(variables))?)
    }
}

fn spec(fault: &Fault) -> Result<ExperimentSpec> {
    Ok(ExperimentSpec {
        baseline: fault.baseline.to_owned(),
        treatments: std::iter::once(fault.treatment).chain(fault.other).map(str::to_owned).collect(),
        load: fault.name.to_owned(),
        rounds: u32::try_from(ROUNDS)?,
        budget: None,
    })
}

/// Carries out all rounds, and says whether the user let it. A round with a run that `abort_when` has
/// ended is made again, as one who resumes an experiment does.
fn carry_out_rounds(session: &mut Session, plan: &Plan) -> Result<bool> {
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

/// A fault with its verdict, for people.
fn line(found: &Found) -> String {
    let verdict = found.verdict.word().to_uppercase();
    let title = &found.claim;
    if found.is_right() {
        return format!("  right  {:<16} {verdict:<10} {} · \"{title}\"", found.fault, found.planted);
    }
    let right: Vec<String> = found.right.iter().map(|v| v.word().to_uppercase()).collect();
    format!(
        "  WRONG  {:<16} {verdict:<10} {} · \"{title}\"\n{:35}right: {}; said: {}",
        found.fault,
        found.planted,
        "",
        right.join(" or "),
        found.reason
    )
}

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
    use crate::verdict::Verdict;

    fn compiled() -> Scenario {
        let variables = [
            ("SELFTEST_PROGRAM", "testbed".to_owned()),
            ("SELFTEST_FOLDER", "/tmp".to_owned()),
            ("SELFTEST_PORT", "1".to_owned()),
        ];
        scenario::compile(Path::new("faults.toml"), &OwnWorld(variables)).unwrap()
    }

    #[test]
    fn each_fault_has_its_load_its_profiles_and_its_one_claim_in_the_scenario() {
        let scenario = compiled();
        for fault in FAULTS {
            let spec = spec(&fault).unwrap();
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

    #[test]
    fn what_was_found_is_kept_for_reports() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("loadproof.db");
        assert_eq!(qualified::text(&store), None);
        let found = judge(&chosen(Some("flaky-runs"), false)[0], &[]);
        let tested = FaultTest {
            made_at: "today".to_owned(),
            tool_version: "1".to_owned(),
            machine: "a machine".to_owned(),
            found: vec![found],
        };
        qualified::keep_faults(&store, &tested).unwrap();
        let text = qualified::text(&store).unwrap();
        assert!(text.ends_with("1 of 1 planted faults were judged correctly (a machine, today)"), "{text}");
    }

    #[test]
    fn a_wrong_verdict_is_marked_with_what_would_be_right() {
        let found = |verdict| Found {
            fault: "shed".to_owned(),
            planted: "60 % are 429".to_owned(),
            claim: "3x faster".to_owned(),
            verdict,
            reason: "6.3x [6.1x, 6.5x]".to_owned(),
            right: vec![Verdict::Undecided, Verdict::Invalid],
        };
        assert_eq!(
            line(&found(Verdict::Invalid)),
            "  right  shed             INVALID    60 % are 429 · \"3x faster\""
        );
        let wrong = line(&found(Verdict::Supported));
        assert!(wrong.starts_with("  WRONG  shed             SUPPORTED "), "{wrong}");
        assert!(wrong.ends_with("right: UNDECIDED or INVALID; said: 6.3x [6.1x, 6.5x]"), "{wrong}");
    }
}
