//! The program as a user meets it: commands, files, exit codes.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests are their own documentation, and fail by panicking"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use testbed::known::{self, ServiceTime, Truth};

/// A folder of its own, a server of known truth, and a scenario for it.
struct Bench {
    folder: tempfile::TempDir,
    server: known::Running,
}

impl Bench {
    fn new() -> Self {
        let truth = Truth {
            service_time: ServiceTime::Constant(Duration::from_millis(2)),
            effect_delay: Duration::from_millis(30),
            ..Truth::default()
        };
        let bench = Self { folder: tempfile::tempdir().unwrap(), server: known::spawn(truth).unwrap() };
        bench.write("scenario.toml", &scenario(&bench.server.url()));
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadproof"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOADPROOF_")) {
            command.env_remove(name);
        }
        command.env("NO_COLOR", "1");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command prints, which must end well.
    fn out(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.out(arguments)).unwrap()
    }

    /// One value from the store, by SQL.
    fn query(&self, sql: &str) -> i64 {
        let store = rusqlite::Connection::open(self.path("reports/loadproof.db")).unwrap();
        store.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn counted(&self) -> i64 {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        write!(stream, "GET /stats HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        serde_json::from_str::<serde_json::Value>(body).unwrap()["requests"].as_i64().unwrap()
    }
}

fn scenario(host: &str) -> String {
    format!(
        r#"
        name = "jobs"
        why = "A test."
        host = "{host}"
        [[journey]]
        name = "Job"
        class = "production"
        headers = {{ authorization = "Bearer {{{{ env('TOKEN', 'none') }}}}" }}
        steps = [
          {{ request = "POST /jobs", json = {{ n = "{{{{ int(1, 9) }}}}" }}, expect = 201, extract = {{ job = "/job_id" }} }},
          {{ poll = "GET /jobs/{{{{ job }}}}", name = "GET /jobs/{{id}}", effect = "job visible", within = "5s", background = true }},
          {{ request = "GET /status/409", reject = [409] }},
        ]
        [[user]]
        name = "User"
        think = "10ms"
        journeys = {{ Job = 1 }}
        [load.short]
        users = 4
        run_time = "0.5s"
        [load.long]
        users = 4
        run_time = "60s"
        grace = "2s"
        [profile.a]
        [profile.b]
        [experiment]
        baseline = "a"
        treatment = "b"
        load = "short"
        rounds = 1
        [[signals]]
        prometheus = "{host}/metrics"
        every = "50ms"
        signal = [{{ name = "backlog", metric = "known_backlog", unit = "jobs" }}]
        [drain]
        until_zero = "backlog"
        within = "10s"
        "#
    )
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_run_stores_every_request_that_the_server_counted() {
    let bench = Bench::new();
    let text = bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a"]);
    assert!(text.contains("POST /jobs [production]") && text.contains("reports/run-1.html"), "{text}");
    let requests = bench.query("SELECT count(*) FROM samples WHERE run = 1 AND kind = 'request'");
    assert_eq!(requests, bench.counted());
    assert_eq!(bench.query("SELECT count(*) FROM samples WHERE outcome = 'rejected' AND status <> 409"), 0);
    assert!(
        bench.query("SELECT count(*) FROM samples WHERE endpoint = 'job visible' AND outcome = 'ok'") > 10
    );
    assert_eq!(bench.query("SELECT complete FROM run_phase WHERE name = 'drain'"), 1);
    assert_eq!(bench.query("SELECT count(*) FROM samples"), bench.query("SELECT samples FROM run"));
    assert!(bench.path("reports/run-1.html").exists());
}

#[test]
fn the_three_times_are_in_order_for_every_sample() {
    let bench = Bench::new();
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
    let disorder = "SELECT count(*) FROM samples WHERE NOT (intended_us <= sent_us AND sent_us <= first_byte_us \
                    AND first_byte_us <= done_us)";
    assert_eq!(bench.query(disorder), 0);
}

#[test]
fn the_workflow_of_baseline_treatment_compare() {
    let bench = Bench::new();
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a"]);
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "b"]);
    let text = bench.out(&["compare", "a", "b"]);
    assert!(text.contains("a against b") && text.contains("only indicative"), "{text}");
    let page = std::fs::read_to_string(bench.path("reports/compare-1-2.html")).unwrap();
    assert!(page.contains("job visible"));

    let json = bench.json(&["compare", "1", "latest", "--json"]);
    assert_eq!(json["schema"], "loadproof.compare/1");
    let subjects = json["comparison"]["subjects"].as_array().unwrap();
    let jobs = subjects.iter().find(|s| s["subject"]["endpoint"] == "POST /jobs").unwrap();
    let [baseline, treatment] =
        ["baseline", "treatment"].map(|arm| jobs[arm]["response"]["quantiles_us"][2].as_f64().unwrap());
    let ratio = jobs["response_ratios"][2].as_f64().unwrap();
    assert!((ratio - treatment / baseline).abs() < 1e-12);
    assert!(baseline >= 2_000.0, "the server takes 2 ms: {baseline} µs");
}

#[test]
fn runs_of_different_work_are_compared_only_by_force() {
    let bench = Bench::new();
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a"]);
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "b", "--users", "3"]);
    let refused = bench.run(&["compare", "a", "b"]);
    assert_eq!(code(&refused), 2);
    assert!(stderr(&refused).contains("did different work"), "{}", stderr(&refused));
    let forced = bench.out(&["compare", "a", "b", "--force"]);
    assert!(forced.contains("The arms did different work"), "{forced}");
}

#[test]
fn an_experiment_runs_both_arms_with_the_same_seed_per_round() {
    let bench = Bench::new();
    let text =
        bench.out(&["experiment", "scenario.toml", "--rounds", "2", "--seed", "5", "--run-time", "0.3s"]);
    assert!(text.contains("reports/experiment-1.html"), "{text}");
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE experiment = 1 AND state = 'done'"), 4);
    assert_eq!(bench.query("SELECT count(DISTINCT seed) FROM run"), 2);
    assert_eq!(bench.query("SELECT count(DISTINCT fingerprint) FROM run"), 1);
    let again = bench.out(&["report", "e1", "--json"]);
    assert!(again.contains("loadproof.compare/1"));
}

#[test]
fn a_dry_run_prints_the_plan_and_does_nothing() {
    let bench = Bench::new();
    let plan = bench.out(&["experiment", "scenario.toml", "--rounds", "2", "--seed", "1", "--dry-run"]);
    assert_eq!(plan.lines().count(), 5, "{plan}");
    assert!(!bench.path("reports").exists());
}

#[test]
fn environment_variables_stand_in_for_flags() {
    let bench = Bench::new();
    let output = bench
        .command(&["run", "scenario.toml", "--dry-run", "--profile", "a"])
        .env("LOADPROOF_USERS", "17")
        .env("LOADPROOF_LOAD", "long")
        .env("LOADPROOF_RUN_TIME", "2m")
        .output()
        .unwrap();
    let plan = String::from_utf8(output.stdout).unwrap();
    assert!(plan.contains("17 users") && plan.contains("2 min"), "{plan}");
    for (value, is_json) in [("1", true), ("true", true), ("0", false), ("", false)] {
        let output = bench.command(&["runs"]).env("LOADPROOF_JSON", value).output().unwrap();
        assert_eq!(output.stdout.starts_with(b"{"), is_json, "LOADPROOF_JSON={value}");
    }
}

#[test]
fn exports_hold_every_sample() {
    let bench = Bench::new();
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a"]);
    let samples = usize::try_from(bench.query("SELECT samples FROM run")).unwrap();
    let csv = bench.out(&["export", "1", "--format", "csv"]);
    assert_eq!(csv.lines().count(), samples + 1);
    assert!(csv.starts_with("run,sequence,kind,"));
    let json = bench.out(&["export", "a", "--format", "json"]);
    for line in json.lines() {
        let sample: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(sample["done_us"].as_i64() >= sample["intended_us"].as_i64());
    }
    assert_eq!(json.lines().count(), samples);
}

#[test]
fn secrets_in_headers_reach_neither_store_nor_report_nor_output() {
    let bench = Bench::new();
    let run = ["run", "scenario.toml", "--load", "short", "--profile", "a"];
    let output = bench.command(&run).env("TOKEN", "s3cr3t-token").output().unwrap();
    assert!(output.status.success());
    let mut places = vec![output.stdout, output.stderr];
    for name in ["reports/loadproof.db", "reports/loadproof.db-wal", "reports/run-1.html"] {
        places.extend(std::fs::read(bench.path(name)));
    }
    for place in places {
        assert!(!place.windows(12).any(|w| w == b"s3cr3t-token"));
    }
}

/// Starts a command and waits until it has stored samples.
fn started(bench: &Bench, arguments: &[&str]) -> Child {
    let child = bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while stored_so_far(bench) < 50 {
        assert!(begun.elapsed() < Duration::from_secs(20), "no samples within 20 s");
        std::thread::sleep(Duration::from_millis(50));
    }
    child
}

/// Samples of the newest run; none while there is no store yet.
fn stored_so_far(bench: &Bench) -> i64 {
    let Ok(store) = rusqlite::Connection::open(bench.path("reports/loadproof.db")) else { return 0 };
    store.query_row("SELECT coalesce(max(samples), 0) FROM run", [], |row| row.get(0)).unwrap_or(0)
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn a_killed_run_keeps_its_samples_and_is_shown_as_crashed() {
    let bench = Bench::new();
    let mut child = started(&bench, &["run", "scenario.toml", "--load", "long", "--profile", "a"]);
    std::thread::sleep(Duration::from_millis(1500));
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let counted = bench.counted();
    let list = bench.out(&["runs"]);
    assert!(list.contains("crashed"), "{list}");
    let stored = bench.query("SELECT count(*) FROM samples WHERE run = 1 AND kind = 'request'");
    let per_second = bench.query("SELECT count(*) * 1000000 / max(done_us) FROM samples WHERE run = 1");
    assert!(stored > 0 && counted - stored < per_second * 2, "{stored} of {counted}, {per_second} a second");
    bench.out(&["report", "1"]);
}

#[test]
fn an_interrupted_run_is_stored_with_what_it_has() {
    let bench = Bench::new();
    let child = started(&bench, &["run", "scenario.toml", "--load", "long", "--profile", "a"]);
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 105, "{}", stderr(&output));
    let requests = bench.query("SELECT count(*) FROM samples WHERE run = 1 AND kind = 'request'");
    assert_eq!(requests, bench.counted());
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE state = 'interrupted'"), 1);
}

#[test]
fn each_cause_of_failure_has_its_exit_code() {
    let bench = Bench::new();
    bench.write("bad.toml", "name = \"x\"\nhots = \"http://127.0.0.1:1\"\n");
    bench.write("no-store.db", "this is no database, and it is long enough to be read as a header of one");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = format!("http://{free}");
    let run = ["run", "scenario.toml", "--load", "short", "--profile", "a"];
    for (arguments, expected, words) in [
        (vec!["check", "scenario.toml"], 0, ""),
        (vec!["check", "bad.toml"], 104, "did you mean `host`?"),
        (vec!["run", "bad.toml"], 104, "did you mean `host`?"),
        (vec!["run", "missing.toml"], 104, "cannot read file `missing.toml`"),
        (vec!["run", "scenario.toml", "--load", "shrot", "--profile", "a"], 104, "did you mean `short`?"),
        (vec!["run", "scenario.toml", "--load", "short"], 2, "which profile?"),
        (vec!["frobnicate"], 2, "unrecognized subcommand"),
        ([&run[..], &["--rate", "5"]].concat(), 2, "`--rate` means nothing for this load"),
        ([&run[..], &["--host", &gone]].concat(), 100, "cannot reach"),
        ([&run[..], &["--store", "no-store.db"]].concat(), 106, "not a database"),
        (vec!["report", "99"], 2, "no run `99`"),
    ] {
        let output = bench.run(&arguments);
        assert_eq!(code(&output), expected, "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn help_is_grouped_and_has_examples() {
    let bench = Bench::new();
    let help = bench.out(&["--help"]);
    for words in ["Make load:", "Look at results:", "Examples:", "Exit codes:"] {
        assert!(help.contains(words), "{help}");
    }
}

#[test]
fn plain_progress_has_no_control_characters_and_goes_to_stderr() {
    let bench = Bench::new();
    let output = bench.run(&[
        "run",
        "scenario.toml",
        "--load",
        "short",
        "--profile",
        "a",
        "--progress-interval",
        "100ms",
    ]);
    let progress = stderr(&output);
    assert!(progress.contains("phase=steady") && progress.contains("p95="), "{progress}");
    assert!(!progress.contains(['\u{1b}', '\r']));
    assert!(!String::from_utf8(output.stdout).unwrap().contains('\u{1b}'));
}

/// The testbed's program, which is built beside loadproof's.
fn testbed_program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_loadproof")).with_file_name("testbed");
    assert!(program.exists(), "build the workspace first: cargo test --workspace");
    program
}

fn free_ports() -> [u16; 2] {
    let listeners = [0, 0].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|l| l.local_addr().unwrap().port())
}

/// The project's scenario, on free ports.
fn lanes(bench: &Bench, ports: [u16; 2], arguments: &[&str]) -> Command {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/shopstream/priority_lanes.toml");
    let (verb, rest) = arguments.split_first().unwrap();
    let mut command = bench.command(&[&[verb, scenario.to_str().unwrap()], rest].concat());
    command
        .env("TESTBED", testbed_program())
        .env("SHOPSTREAM_PORT", ports[0].to_string())
        .env("OBSERVATORY_PORT", ports[1].to_string());
    command
}

fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn the_priority_lanes_show_in_effect_latency() {
    let bench = Bench::new();
    let ports = free_ports();
    let arguments = ["experiment", "--load", "demo", "--rounds", "1", "--run-time", "4s", "--seed", "3"];
    let output = lanes(&bench, ports, &arguments).output().unwrap();
    // One round is indicative: the claims are undecided, and nothing passes a gate.
    assert_eq!(code(&output), 97, "{}", stderr(&output));
    assert!(stdout(&output).contains("1 round: indicative (supported"), "{}", stdout(&output));
    assert!(!is_open(ports[0]) && !is_open(ports[1]), "the services were stopped");
    let slowest = |arm: &str| {
        bench.query(&format!(
            "SELECT max(response_us) FROM samples WHERE arm = '{arm}' AND endpoint = 'order visible' AND outcome = 'ok'"
        ))
    };
    let (off, on) = (slowest("baseline"), slowest("treatment"));
    assert!(off > 2 * on, "lanes off {off} µs, on {on} µs");
    // The manipulation is to be seen: events waited in backfill streams with lanes on only.
    let waited = |arm: &str| {
        bench.query(&format!(
            "SELECT CAST(max(d.value) AS INTEGER) FROM readings d JOIN run r ON r.id = d.run \
             WHERE r.arm = '{arm}' AND d.signal = 'backfill_length'"
        ))
    };
    assert_eq!(waited("baseline"), 0);
    assert!(waited("treatment") > 0);
    assert_eq!(bench.query("SELECT min(complete) FROM run_phase WHERE name = 'drain'"), 1);
}

#[test]
fn a_switch_that_does_nothing_makes_every_claim_invalid() {
    let bench = Bench::new();
    let arguments = ["experiment", "--load", "demo", "--run-time", "3s", "--seed", "3"];
    let output = lanes(&bench, free_ports(), &arguments).env("HONOUR_PRIORITY", "false").output().unwrap();
    assert_eq!(code(&output), 98, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("NOT HELD  lanes-on: `run.max('backfill_length') > 0` held in 0 of 1 runs"),
        "{text}"
    );
    assert!(!text.contains("SUPPORTED ") && text.contains("8 invalid."), "{text}");
    assert_eq!(bench.query("SELECT count(*) FROM run"), 2, "no further round could help");
    assert_eq!(bench.query("SELECT count(*) FROM verdict WHERE verdict = 'invalid'"), 8);
}

#[test]
fn a_service_that_dies_in_mid_run_ends_it_with_its_log_quoted() {
    let bench = Bench::new();
    let [port, _] = free_ports();
    let script = format!(
        "echo out of memory >&2; exec timeout 1.5 {} known --port {port}",
        testbed_program().display()
    );
    let service = format!(
        "[[profile.dying.service]]\nname = 'known'\ncommand = ['sh', '-c', '{script}']\nready = 'tcp://127.0.0.1:{port}'\n"
    );
    let host = format!("http://127.0.0.1:{port}");
    bench.write("dying.toml", &format!("{}\n{service}", scenario(&host)));
    let output = bench.run(&["run", "dying.toml", "--load", "long", "--profile", "dying"]);
    assert_eq!(code(&output), 100, "{}", stderr(&output));
    assert!(stderr(&output).contains("service `known` ended") && stderr(&output).contains("| out of memory"));
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE state = 'failed'"), 1);
    assert!(bench.query("SELECT count(*) FROM samples") > 50, "what was measured is stored");
}

#[test]
fn services_are_stopped_when_loadproof_is_killed() {
    let bench = Bench::new();
    let ports = free_ports();
    let mut child = lanes(&bench, ports, &["run", "--load", "demo", "--profile", "lanes-on"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let wait_for = |open: bool| {
        let begun = Instant::now();
        while is_open(ports[0]) != open {
            assert!(begun.elapsed() < Duration::from_secs(20), "port open = {open}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for(true);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    wait_for(false);
}
