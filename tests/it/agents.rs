//! Several agents make one load: on one machine here, over a NATS server of the test's own.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{bench, ports, servers};

use bench::*;

/// Each journey is one request, so that what was taken can be counted.
const SCENARIO: &str = r#"
[[journey]]
name = "Ask"
steps = [{ request = "GET /" }]
[[user_class]]
name = "Asker"
journeys = { Ask = 1 }
[profile.a]
[profile.b]
[load.counted]
iterations = 400
concurrency = 6
[load.open]
rate = 200
run_time = "3s"
max_in_flight = 20
[load.closed]
users = 5
run_time = "1s"
[experiment]
baseline = "a"
treatment = "b"
load = "counted"
rounds = 1
"#;

struct Fleet {
    bench: Bench,
    nats: Option<servers::Server>,
    port: u16,
    agents: Vec<(String, Child)>,
}

impl Fleet {
    /// A scenario, a NATS server and agents of these names; none where no NATS server is installed.
    fn new(names: &[&str]) -> Option<Self> {
        let port = ports::free_port();
        let nats = servers::nats_at(port)?;
        let bench = Bench::new();
        bench.write(
            "scenario.toml",
            &format!("name = \"fleet\"\nbase_url = \"{}\"\n{SCENARIO}", bench.server.url()),
        );
        let mut fleet = Self { bench, nats: Some(nats), port, agents: Vec::new() };
        for name in names {
            fleet.start_agent(name);
        }
        Some(fleet)
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn start_agent(&mut self, name: &str) {
        let arguments = ["agent", "--nats", &self.url(), "--name", name, "--workers", "2"];
        let log = std::fs::File::create(self.bench.path(&format!("{name}.log"))).unwrap();
        let child = self.bench.command(&arguments).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.agents.push((name.to_owned(), child));
    }

    fn kill_agent(&mut self, name: &str) {
        let place = self.agents.iter().position(|(known, _)| known == name).unwrap();
        let (_, mut child) = self.agents.remove(place);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn arguments<'a>(url: &'a str, command: &'a str, load: &'a str) -> Vec<&'a str> {
        let mut all = vec![command, "scenario.toml", "--load", load, "--progress", "none", "--nats", url];
        all.extend(["--agents", "2", "--agents-within", "60s"]);
        if command != "experiment" {
            all.extend(["--profile", "a"]);
        }
        all
    }

    /// Makes a load with two agents; what was printed. A busy machine may void it, which is no matter here.
    fn run(&self, load: &str) -> String {
        self.bench.out(&Self::arguments(&self.url(), "run", load))
    }

    /// That nothing is in the store twice, and everything that the agents took is.
    fn check_samples(&self, run: i64) {
        let (stored, distinct, counted, taken) = (
            self.bench.query(&format!("SELECT count(*) FROM samples WHERE run = {run}")),
            self.bench.query(&format!(
                "SELECT count(*) FROM (SELECT DISTINCT user, journey, intended_us, endpoint FROM samples WHERE run = {run})"
            )),
            self.bench.query(&format!("SELECT samples FROM run WHERE id = {run}")),
            self.bench.query(&format!("SELECT sum(taken) FROM agent WHERE run = {run}")),
        );
        assert_eq!([distinct, counted, taken], [stored; 3], "twice, or not at all: {}", self.logs());
        let by_agent = self.bench.query(&format!("SELECT sum(samples) FROM agent WHERE run = {run}"));
        assert_eq!(by_agent, stored);
    }

    fn logs(&self) -> String {
        let log =
            |name: &str| std::fs::read_to_string(self.bench.path(&format!("{name}.log"))).unwrap_or_default();
        self.agents.iter().map(|(name, _)| [name, ": ", &log(name), "\n"].concat()).collect()
    }

    fn spools(&self, name: &str) -> usize {
        let Ok(entries) = std::fs::read_dir(self.bench.path(&format!("reports/agent-{name}"))) else {
            return 0;
        };
        entries.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "spool")).count()
    }

    fn wait_for_samples(&self, least: i64) {
        let begun = Instant::now();
        while stored_so_far(&self.bench) < least {
            assert!(begun.elapsed() < Duration::from_secs(60), "no samples: {}", self.logs());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for (_, child) in &mut self.agents {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn two_agents_make_one_run() {
    let Some(fleet) = Fleet::new(&["a", "b"]) else { return };
    fleet.run("counted");
    fleet.check_samples(1);
    let query = |sql: &str| fleet.bench.query(sql);
    assert_eq!(query("SELECT count(*) FROM samples"), 400, "as many as the load says, not so many each");
    assert_eq!(query("SELECT count(*) FROM agent WHERE state = 'done' AND drift_us IS NOT NULL"), 2);
    assert_eq!(query("SELECT count(DISTINCT journey) FROM samples"), 400);
    assert_eq!(query("SELECT workers FROM run"), 4);
    // A sample's agent is known by its journey.
    let of_agent = "SELECT count(*) FROM samples s JOIN run r ON r.id = s.run JOIN agent a ON a.run = r.id \
                    WHERE s.journey % r.workers >= a.first_worker AND s.journey % r.workers < a.first_worker + a.workers \
                    AND a.name = ";
    for name in ["a", "b"] {
        let own = query(&format!("{of_agent}'{name}'"));
        assert_eq!(own, query(&format!("SELECT samples FROM agent WHERE name = '{name}'")));
        assert!(own > 0, "{name} made nothing");
    }
    // What the agents read of themselves is there, too.
    assert_eq!(
        query(
            "SELECT count(DISTINCT signal) > 2 FROM reading WHERE signal IN (SELECT id FROM signal WHERE name LIKE 'agent %')"
        ),
        1
    );
    let report = fleet.bench.json(&["report", "1", "--json"]);
    let checks = report["judgement"]["audit"]["runs"][0]["checks"].as_array().unwrap();
    let check = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert_eq!(check("agents")["text"], "2 made the load; all 400 samples that they took are stored");
    assert!(check("agents' clocks")["text"].as_str().unwrap().contains("of the run's (`"), "{checks:?}");
    assert!(check("agents alike")["text"].as_str().unwrap().contains("`b`: p50 "), "{checks:?}");
    assert_eq!(report["run"]["runs"][0]["agents"][1]["name"], "b");
    fleet.bench.out(&["store", "check"]);
    wait_until("agents have let go of the run", || fleet.spools("a") + fleet.spools("b") == 0);
    // The same agents work for the next command.
    fleet.run("closed");
    fleet.check_samples(2);
    assert_eq!(
        query("SELECT count(DISTINCT user) FROM samples WHERE run = 2"),
        5,
        "users are numbered over all agents"
    );
}

#[test]
fn the_runs_of_an_experiment_are_made_by_agents_too() {
    let Some(fleet) = Fleet::new(&["a", "b"]) else { return };
    fleet.bench.run(&Fleet::arguments(&fleet.url(), "experiment", "counted"));
    for run in [1, 2] {
        fleet.check_samples(run);
    }
    assert_eq!(fleet.bench.query("SELECT count(*) FROM samples"), 800, "{}", fleet.logs());
}

#[test]
fn what_cannot_be_shared_out_is_refused() {
    let Some(fleet) = Fleet::new(&["a"]) else { return };
    let mut arguments = Fleet::arguments("nats://me:s3cret@127.0.0.1:1", "run", "counted");
    let output = fleet.bench.run(&arguments);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("cannot reach the NATS server at nats://127.0.0.1:1"),
        "{}",
        stderr(&output)
    );
    assert!(!stderr(&output).contains("s3cret"), "{}", stderr(&output));
    let url = fleet.url();
    arguments[7] = &url;
    arguments[11] = "2s";
    let output = fleet.bench.run(&arguments);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(stderr(&output).contains("of 2 agents have answered within 2 s"), "{}", stderr(&output));
}

#[test]
fn what_a_killed_coordinator_has_not_stored_is_collected() {
    let Some(fleet) = Fleet::new(&["a", "b"]) else { return };
    let url = fleet.url();
    let arguments = Fleet::arguments(&url, "run", "open");
    let mut coordinator =
        fleet.bench.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    fleet.wait_for_samples(20);
    coordinator.kill().unwrap();
    coordinator.wait().unwrap();
    // The agents make their share to its end; nobody but they has it.
    let output = fleet.bench.run(&["store", "collect", "latest", "--nats", &url, "--silence", "30s"]);
    assert_eq!(code(&output), 0, "{}{}", stderr(&output), fleet.logs());
    fleet.check_samples(1);
    assert_eq!(fleet.bench.query("SELECT count(*) FROM samples"), 600, "{}", stdout(&output));
    assert_eq!(
        fleet.bench.query("SELECT count(*) FROM run WHERE state = 'crashed'"),
        1,
        "it stays what it is"
    );
    fleet.bench.out(&["store", "check"]);
    wait_until("agents have let go of the run", || fleet.spools("a") + fleet.spools("b") == 0);
    let again = fleet.bench.run(&["store", "collect", "1", "--nats", &url]);
    assert_eq!(code(&again), 2, "{}", stdout(&again));
    assert!(stderr(&again).contains("run 1 has ended and is sealed"), "{}", stderr(&again));
}

#[test]
fn an_agent_that_was_killed_delivers_what_its_spool_holds_and_voids_the_run() {
    let Some(mut fleet) = Fleet::new(&["a", "b"]) else { return };
    let url = fleet.url();
    let arguments = Fleet::arguments(&url, "run", "open");
    let coordinator =
        fleet.bench.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    fleet.wait_for_samples(20);
    fleet.kill_agent("b");
    fleet.start_agent("b");
    let output = coordinator.wait_with_output().unwrap();
    assert_eq!(code(&output), 98, "{}{}", stderr(&output), fleet.logs());
    fleet.check_samples(1);
    let note = "SELECT count(*) FROM agent WHERE name = 'b' AND state = 'cut-short' AND note LIKE '%ended during the load%'";
    assert_eq!(fleet.bench.query(note), 1, "{}", fleet.logs());
    assert!(stdout(&output).contains("did not make its share"), "{}", stdout(&output));
}

#[test]
fn a_server_that_is_gone_for_a_while_loses_nothing() {
    let Some(mut fleet) = Fleet::new(&["a", "b"]) else { return };
    let url = fleet.url();
    let arguments = Fleet::arguments(&url, "run", "open");
    let coordinator =
        fleet.bench.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    fleet.wait_for_samples(20);
    let server = fleet.nats.take().unwrap();
    server.kill();
    std::thread::sleep(Duration::from_secs(2));
    fleet.nats = servers::nats_at(fleet.port);
    let output = coordinator.wait_with_output().unwrap();
    assert!([0, 98].contains(&code(&output)), "{}{}", stderr(&output), fleet.logs());
    fleet.check_samples(1);
    assert_eq!(fleet.bench.query("SELECT count(*) FROM samples"), 600, "{}", fleet.logs());
    assert_eq!(fleet.bench.query("SELECT count(*) FROM agent WHERE state = 'done'"), 2);
}

#[test]
fn an_agent_that_is_ended_by_its_user_says_so() {
    let Some(fleet) = Fleet::new(&["a", "b"]) else { return };
    let url = fleet.url();
    let arguments = Fleet::arguments(&url, "run", "open");
    let coordinator =
        fleet.bench.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    fleet.wait_for_samples(20);
    signal(&fleet.agents[1].1, Signal::INT);
    let output = coordinator.wait_with_output().unwrap();
    assert_eq!(code(&output), 98, "{}{}", stderr(&output), fleet.logs());
    fleet.check_samples(1);
    assert_eq!(fleet.bench.query("SELECT count(*) FROM agent WHERE name = 'b' AND state = 'cut-short'"), 1);
}
