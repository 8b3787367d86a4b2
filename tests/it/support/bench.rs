//! The program in a folder of its own, beside a server of known truth.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use testbed::known::{self, ServiceTime, Truth};

/// A folder of its own, a server of known truth, and a scenario for it.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) server: known::Running,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let truth = Truth {
            service_time: ServiceTime::Constant(Duration::from_millis(2)),
            effect_delay: Duration::from_millis(30),
            ..Truth::default()
        };
        let bench = Self { folder: tempfile::tempdir().unwrap(), server: known::spawn(truth).unwrap() };
        bench.write("scenario.toml", &scenario(&bench.server.url()));
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadproof"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOADPROOF_")) {
            command.env_remove(name);
        }
        command.env("NO_COLOR", "1");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command prints, which must end well; a run that a busy machine has voided does.
    pub(crate) fn out(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).env("LOADPROOF_ALLOW_INVALID", "1").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.out(arguments)).unwrap()
    }

    /// One value from the store, by SQL.
    pub(crate) fn query(&self, sql: &str) -> i64 {
        let store = rusqlite::Connection::open(self.path("reports/loadproof.db")).unwrap();
        store.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn counted(&self) -> i64 {
        let mut stream = TcpStream::connect(self.server.address()).unwrap();
        write!(stream, "GET /stats HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        serde_json::from_str::<serde_json::Value>(body).unwrap()["requests"].as_i64().unwrap()
    }
}

pub(crate) fn scenario(base_url: &str) -> String {
    format!(
        r#"
        name = "jobs"
        why = "A test."
        base_url = "{base_url}"
        [[journey]]
        name = "Job"
        traffic_class = "production"
        headers = {{ authorization = "Bearer {{{{ env('TOKEN', 'none') }}}}" }}
        steps = [
          {{ request = "POST /jobs", json = {{ n = "{{{{ int(1, 9) }}}}" }}, expect = 201, extract = {{ job = "/job_id" }} }},
          {{ poll = "GET /jobs/{{{{ job }}}}", name = "GET /jobs/{{id}}", effect = "job visible", within = "5s", background = true }},
          {{ request = "GET /status/409", reject = [409] }},
        ]
        [[user_class]]
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
        [[source]]
        prometheus = "{base_url}/metrics"
        every = "50ms"
        signals = [{{ name = "backlog", metric = "known_backlog", unit = "jobs" }}]
        [drain]
        until_zero = "backlog"
        within = "10s"
        "#
    )
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn started(bench: &Bench, arguments: &[&str]) -> Child {
    let child = bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while stored_so_far(bench) < 50 {
        assert!(begun.elapsed() < Duration::from_secs(20), "no samples within 20 s");
        std::thread::sleep(Duration::from_millis(50));
    }
    child
}

/// Samples of the newest run; none while there is no store yet.
pub(crate) fn stored_so_far(bench: &Bench) -> i64 {
    let Ok(store) = rusqlite::Connection::open(bench.path("reports/loadproof.db")) else { return 0 };
    store.query_row("SELECT coalesce(max(samples), 0) FROM run", [], |row| row.get(0)).unwrap_or(0)
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// The testbed's program, which is built beside loadproof's.
pub(crate) fn testbed_program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_loadproof")).with_file_name("testbed");
    assert!(program.exists(), "build the workspace first: cargo test --workspace");
    program
}

pub(crate) fn free_ports() -> [u16; 2] {
    [0, 0].map(|_| super::ports::free_port())
}

/// The project's scenario, on free ports.
pub(crate) fn lanes(bench: &Bench, ports: [u16; 2], arguments: &[&str]) -> Command {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/shopstream/priority_lanes.toml");
    let (verb, rest) = arguments.split_first().unwrap();
    let mut command = bench.command(&[&[verb, scenario.to_str().unwrap()], rest].concat());
    command
        .env("TESTBED", testbed_program())
        .env("SHOPSTREAM_PORT", ports[0].to_string())
        .env("OBSERVATORY_PORT", ports[1].to_string());
    command
}

pub(crate) fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
