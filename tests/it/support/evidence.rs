//! A store with experiments of known samples, written without making any load.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use loadproof::run::{Arm, ExperimentId, LoadFacts, PhaseSpan, RunEnd, RunId, RunStart, RunState};
use loadproof::sample::{
    EndpointId, Key, Kind, Outcome, Phase, Race, ReasonId, Recorder, Sample, Subject, UserClassId,
};
use loadproof::scenario::{self, Scenario, World};
use loadproof::store::{Ending, NewExperiment, RunWords, RunWriter, Store};
use rusqlite::Connection;

use super::{change_samples, seal_anew};

/// A day's seconds.
pub(crate) const DAY: i64 = 86_400;
/// Samples of a run.
const SAMPLES: i64 = 1200;
/// Time between two of them, µs.
const EVERY_US: i64 = 10_000;

const SCENARIO: &str = r#"
    name = "shop"
    why = "A test."
    base_url = "http://127.0.0.1:1"
    [[journey]]
    name = "Order"
    traffic_class = "production"
    steps = [{ request = "POST /orders", headers = { authorization = "Bearer hunter2" } }]
    [[user_class]]
    name = "User"
    journeys = { Order = 1 }
    [load.steady]
    rate = 100
    run_time = "12s"
    [profile.before]
    [profile.after]
    [experiment]
    baseline = "before"
    treatment = "after"
    load = "steady"
    rounds = 5
    [[claim]]
    title = "Twice as fast"
    value = "baseline.p95 / treatment.p95"
    at_least = "1.9x"
    [[claim]]
    title = "Throughput unchanged"
    value = "treatment.throughput / baseline.throughput"
    within = "5%"
    [[claim]]
    title = "At most 15 ms at p95"
    value = "treatment.p95"
    at_most = "15ms"
    gate = false
"#;

struct Written<'a>(&'a str);

impl World for Written<'_> {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Ok(self.0.to_owned())
    }

    fn variable(&self, _: &str) -> Option<String> {
        None
    }
}

/// A folder with a store.
pub(crate) struct Shelf {
    pub(crate) folder: tempfile::TempDir,
    scenario: Scenario,
}

/// What an experiment is to be.
#[derive(Clone, Copy)]
pub(crate) struct Planned<'a> {
    pub(crate) commit: &'a str,
    pub(crate) days_ago: i64,
    pub(crate) deployment: Option<&'a str>,
    /// Mean response times of the arms, ms.
    pub(crate) ms: [f64; 2],
    pub(crate) ending: Option<Ending>,
    /// How many of a hundred requests read items, which takes 5 ms in both arms; the others order.
    pub(crate) reads: [i64; 2],
}

pub(crate) const USUAL: Planned<'static> = Planned {
    commit: "4f1c2e9a00b1",
    days_ago: 1,
    deployment: Some("ci"),
    ms: [20.0, 10.0],
    ending: Some(Ending::Rounds),
    reads: [0, 0],
};

impl Shelf {
    pub(crate) fn new() -> Self {
        Self::claiming("")
    }

    /// One whose scenario makes further claims.
    pub(crate) fn claiming(claims: &str) -> Self {
        let text = format!("{SCENARIO}\n{claims}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("scenarios")).unwrap();
        std::fs::write(folder.path().join("scenarios/shop.toml"), &text).unwrap();
        let scenario = scenario::compile(Path::new("scenarios/shop.toml"), &Written(&text))
            .unwrap_or_else(|error| panic!("{error}"));
        Self { folder, scenario }
    }

    /// Changes what was stored, as if that were what had been measured.
    pub(crate) fn plant(&self, sql: &str) {
        self.change(sql);
        seal_anew(&self.database());
    }

    /// Changes what was stored behind loadproof's back.
    pub(crate) fn change(&self, sql: &str) {
        let store = Connection::open(self.database()).unwrap();
        if sql.contains(" sample ") { change_samples(&store, sql) } else { store.execute_batch(sql).unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("reports/loadproof.db")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadproof"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).env("NO_COLOR", "1");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOADPROOF_")) {
            command.env_remove(name);
        }
        command.output().unwrap()
    }

    /// An experiment of five rounds.
    pub(crate) fn experiment(&self, planned: Planned<'_>) -> ExperimentId {
        let mut store = Store::open(&self.database()).unwrap();
        let new = NewExperiment {
            scenario: "shop".to_owned(),
            baseline: "before".to_owned(),
            treatments: vec!["after".to_owned()],
            load: "steady".to_owned(),
            rounds: 5,
            is_exact: false,
            seed: 7,
            command: "loadproof experiment scenarios/shop.toml --seed 7".to_owned(),
        };
        let id = store.begin_experiment(&new).unwrap();
        for round in 1..=5 {
            for (arm, profile) in [(Arm::Baseline, "before"), (Arm::Treatment, "after")] {
                self.one(&mut store, Some((id, round)), arm, profile, planned);
            }
        }
        store.end_experiment(id, planned.ending).unwrap();
        id
    }

    fn one(
        &self,
        store: &mut Store,
        part_of: Option<(ExperimentId, u32)>,
        arm: Arm,
        profile: &str,
        planned: Planned<'_>,
    ) -> RunId {
        let load = self.scenario.load("steady").unwrap();
        let now = jiff::Timestamp::now().as_second();
        let round = part_of.map_or(1, |(_, round)| round);
        let started = now - planned.days_ago * DAY - i64::from(6 - round) * 60;
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let start = RunStart {
            scenario: "shop".to_owned(),
            scenario_file: self.scenario.file.clone(),
            fingerprint: self.scenario.fingerprint(load, &[]),
            load: "steady".to_owned(),
            load_text: load.text(),
            profile: profile.to_owned(),
            label: Some("1.9.0".to_owned()),
            experiment: part_of.map(|(experiment, _)| experiment),
            arm: Some(arm),
            round: part_of.map(|(_, round)| round),
            started_at: jiff::Timestamp::from_second(started).unwrap().to_string(),
            started_unix_us: started * 1_000_000,
            seed: 7,
            command: "loadproof experiment scenarios/shop.toml --seed 7".to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            environment: [
                fact("git commit", planned.commit),
                fact("kernel", "6.1.0"),
                fact("processor", "Test CPU"),
                fact("cores", "8"),
            ]
            .into(),
            load_facts: LoadFacts {
                executor: "open".to_owned(),
                max_in_flight: 50,
                rate_per_s: Some(100.0),
                workers: 2,
            },
            claims: self.scenario.claims.clone(),
            deployment: planned.deployment.map(str::to_owned),
            ..RunStart::default()
        };
        let run = store.begin_run(&start, &self.scenario.sources).unwrap();
        let place = usize::from(arm == Arm::Treatment);
        self.samples(run, planned.ms[place], planned.reads[place], round);
        let phase = |name: &str, start_us, end_us| PhaseSpan {
            name: name.to_owned(),
            start_us,
            end_us,
            complete: true,
            unknown: String::new(),
        };
        let phases = vec![phase("steady", 0, SAMPLES * EVERY_US)];
        let end = RunEnd { state: RunState::Done, phases, ..RunEnd::default() };
        store.end_run(run, &end).unwrap();
        run
    }

    /// Samples about a mean, the same in every store; rounds differ by half a percent.
    fn samples(&self, run: RunId, ms: f64, reads: i64, round: u32) {
        let subject = |endpoint: &str| Subject {
            kind: Kind::Request,
            traffic_class: "production".to_owned(),
            endpoint: endpoint.to_owned(),
        };
        let endpoints = [subject("POST /orders"), subject("GET /items")];
        let words = RunWords { endpoints: &endpoints, user_classes: vec!["User"], ..RunWords::default() };
        let writer = RunWriter::start(&self.database(), run, &words, Box::new(|_| {})).unwrap();
        let recorder = Recorder::new(0, writer.sink());
        for n in 0..SAMPLES {
            let wobble = 1.0 + ((n * 7919) % 101 - 50) as f64 / 250.0 + f64::from(round) / 200.0;
            let due = n * EVERY_US;
            let (endpoint, ms) = if n * 37 % 100 < reads { (1, 5.0) } else { (0, ms) };
            #[allow(clippy::cast_possible_truncation, reason = "microseconds of a test")]
            let done = due + (ms * 1000.0 * wobble) as i64;
            recorder.record(Sample {
                endpoint: EndpointId(endpoint),
                user_class: UserClassId(0),
                user: 0,
                journey: u32::try_from(n).unwrap(),
                phase: Phase::Steady,
                outcome: Outcome::Ok,
                status: 200,
                reason: ReasonId::default(),
                intended_us: due,
                sent_us: due,
                first_byte_us: done,
                done_us: done,
                key: Key::NONE,
                race: Race::NONE,
                bytes_in: 10,
                bytes_out: 10,
                redirects: 0,
                repeats: 0,
            });
        }
        recorder.flush();
        drop(recorder);
        writer.finish().unwrap();
    }
}
