//! Faults: each kind is carried out at its time, and what it did is told as long as it was planted. The server takes 40 ms
//! for each request, so that a busy machine adds little to that.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use testbed::known::{self, ServiceTime, Truth};

use crate::support::OneFile;
use crate::support::bench::{Bench, code, signal, started, stderr, stdout, testbed_program, wait_until};
use crate::support::ports::free_port;

/// 50 requests a second.
fn scenario(base_url: &str, run_time: &str, rest: &str) -> String {
    format!(
        r#"
        name = "faults"
        base_url = "{base_url}"
        [[journey]]
        name = "Read"
        steps = [{{ request = "GET /a", timeout = "10s" }}]
        [[user_class]]
        name = "Reader"
        journeys = {{ Read = 1 }}
        [load.level]
        rate = 50
        run_time = "{run_time}"
        max_in_flight = 1000
        drop_after = "10s"
        {rest}
        "#
    )
}

/// The server of known truth as a service.
fn service(port: u16) -> String {
    format!(
        r#"
        [profile.a]
        [[profile.a.service]]
        name = "api"
        command = ["{}", "known", "--port", "{port}", "--service-time", "40ms"]
        ready = "http://127.0.0.1:{port}/health"
        "#,
        testbed_program().display()
    )
}

fn fault(name: &str, at: &str, rest: &str) -> String {
    format!("[[fault]]\nname = '{name}'\nat = '{at}'\n{rest}\n")
}

fn claim(title: &str, rest: &str) -> String {
    format!("[[claim]]\ntitle = '{title}'\n{rest}\n")
}

fn bench(text: &str) -> Bench {
    let bench = Bench::new();
    bench.write("scenario.toml", text);
    bench
}

/// The report of a run of the scenario, whose objectives are met.
fn report(bench: &Bench) -> Value {
    let output = bench.run(&["run", "scenario.toml", "--json", "--html", "report.html"]);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Seconds between start and end of a fault, and how late it began, from the store.
fn lasted(bench: &Bench, name: &str) -> (f64, f64) {
    let us =
        |what: &str| bench.query(&format!("SELECT {what} FROM fault WHERE name = '{name}'")) as f64 / 1e6;
    (us("end_us - start_us"), us("start_us - due_us"))
}

/// The summary of a fault.
fn told<'a>(report: &'a Value, name: &str) -> &'a Value {
    let faults = report["run"]["faults"].as_array().unwrap_or_else(|| panic!("{report:#}"));
    faults.iter().find(|fault| fault["name"] == name).unwrap_or_else(|| panic!("{faults:#?}"))
}

/// Seconds of a time that is told; infinite if it never happened.
fn seconds(fault: &Value, of: &str) -> f64 {
    let told = fault[of].get("seconds").unwrap_or_else(|| panic!("{of}: {fault:#}"));
    told.as_f64().unwrap_or(f64::INFINITY)
}

#[test]
fn faults_of_a_service_are_told_as_they_were_planted() {
    let port = free_port();
    let rest = [
        service(port),
        fault("pause", "6s", "for = '3s'\nkind = 'pause'\nservice = 'api'"),
        fault("kill", "14s", "for = '1.5s'\nkind = 'kill'\nservice = 'api'"),
        fault("restart", "20s", "kind = 'restart'\nservice = 'api'"),
        claim("It comes back", "recovers_after = 'pause'\nat_most = '3s'"),
        claim("It shows", "detected_after = 'kill'\nat_most = '1s'"),
        claim("Nothing is answered", "value = 'run.ok'\nat_most = 5\nselect = { phase = 'kill' }"),
    ];
    let bench = bench(&scenario(&format!("http://127.0.0.1:{port}"), "24s", &rest.concat()));
    let report = report(&bench);
    let (paused, late) = lasted(&bench, "pause");
    assert!((3.0..3.5).contains(&paused) && late < 0.5, "{paused} {late}");
    let pause = told(&report, "pause");
    assert_eq!(seconds(pause, "errors_s"), f64::INFINITY, "everything is answered in the end: {pause:#}");
    let latency = seconds(pause, "latency_s");
    assert!((0.05..1.5).contains(&latency), "more of a second's requests than are slow by chance: {pause:#}");
    assert!(seconds(pause, "recovery_s") <= 1.0, "{pause:#}");
    assert_eq!(pause["unexpected"], 0, "{pause:#}");
    let kill = told(&report, "kill");
    assert!(seconds(kill, "errors_s") < 0.5, "connections are refused at once: {kill:#}");
    assert!(seconds(kill, "recovery_s") <= 2.0, "{kill:#}");
    assert!(kill["unexpected"].as_u64().unwrap() >= 70 && kill["n"].as_u64().unwrap() >= 75, "{kill:#}");
    assert!(kill["missing"].as_f64().unwrap() >= 60.0, "{kill:#}");
    assert!(kill["note"].as_str().unwrap().starts_with("api was ready again"), "{kill:#}");
    let restart = told(&report, "restart");
    assert!(seconds(restart, "recovery_s") <= 2.0, "{restart:#}");
    assert!(
        stdout(&bench.run(&["runs", "show", "latest"]))
            .contains("fault        pause (pause api for 3 s): 6.0")
    );
}

#[test]
fn faults_of_the_network_are_told_as_they_were_planted() {
    let service_time = ServiceTime::Constant(Duration::from_millis(40));
    let server = known::spawn(Truth { service_time, ..Truth::default() }).unwrap();
    let port = free_port();
    let of_proxy = |name: &str, at: &str, rest: &str| {
        fault(name, at, &format!("proxy = 'front'\nkind = '{name}'\n{rest}"))
    };
    let rest = [
        format!("[[proxy]]\nname = 'front'\nlisten = '127.0.0.1:{port}'\nto = '{}'\n", server.address()),
        of_proxy("delay", "6s", "for = '2s'\ndelay = '300ms'\njitter = '50ms'"),
        of_proxy("reset", "12s", "for = '1s'"),
        of_proxy("blackhole", "17s", "for = '2s'"),
        of_proxy("cut", "23s", "for = '1s'"),
        claim("Late", "value = 'run.p50'\nwithin = ['500ms', '900ms']\nselect = { phase = 'delay' }"),
        claim("Reset", "value = 'run.error_share'\nat_least = '85%'\nselect = { phase = 'reset' }"),
        claim(
            "Late, and answered",
            "value = 'run.ok_share'\nat_least = '85%'\nselect = { phase = 'blackhole' }",
        ),
        claim("Refused", "value = 'run.error_share'\nat_least = '85%'\nselect = { phase = 'cut' }"),
    ];
    let bench = bench(&scenario(&format!("http://127.0.0.1:{port}"), "28s", &rest.concat()));
    let report = report(&bench);
    for (name, planted) in [("delay", 2.0), ("reset", 1.0), ("blackhole", 2.0), ("cut", 1.0)] {
        let (lasted, late) = lasted(&bench, name);
        assert!((planted..planted + 0.5).contains(&lasted) && late < 0.5, "{name}: {lasted} {late}");
        let fault = told(&report, name);
        let by = if ["reset", "cut"].contains(&name) { "errors_s" } else { "latency_s" };
        assert!(seconds(fault, by) < 1.5, "{fault:#}");
        assert!(seconds(fault, "recovery_s") <= 3.0, "{fault:#}");
    }
    let page = std::fs::read_to_string(bench.path("report.html")).unwrap();
    assert!(page.contains("id=\"faults\"") && page.contains("delay front by 300 ms ± 50.0 ms for 2 s"));
}

/// A run of a second with a command that makes a file, and its undo, which removes it.
fn commanded(url: &str, run_time: &str, command: &str) -> String {
    let command = format!("kind = 'command'\n{command}");
    scenario(url, run_time, &fault("broken", "0.1s", &command))
}

const BREAK: &str = "run = ['touch', 'broken']\nundo = ['rm', 'broken']";

#[test]
fn a_command_is_undone_even_after_a_kill() {
    let bench = Bench::new();
    let url = bench.server.url();
    bench.write("scenario.toml", &commanded(&url, "60s", BREAK));
    let mut child = started(&bench, &["run", "scenario.toml"]);
    wait_until("the fault begins", || bench.path("broken").exists());
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    assert!(bench.path("broken").exists(), "nobody was there to undo it");
    bench.write("scenario.toml", &scenario(&url, "0.5s", ""));
    let next = bench.run(&["run", "scenario.toml"]);
    assert!(
        stderr(&next).contains("undid fault `broken`, which an earlier run had left"),
        "{}",
        stderr(&next)
    );
    assert!(!bench.path("broken").exists());
    // And at the end of a run, whose reports say so.
    bench.write("scenario.toml", &commanded(&url, "1s", BREAK));
    bench.out(&["run", "scenario.toml"]);
    assert!(!bench.path("broken").exists());
    assert_eq!(bench.query("SELECT count(*) FROM fault WHERE outcome = 'done' AND end_us IS NULL"), 1);
}

#[test]
fn a_fault_that_fails_voids_the_run() {
    let bench = Bench::new();
    let text = commanded(&bench.server.url(), "1s", "run = ['sh', '-c', 'exit 3']");
    let claims = claim("Errors", "value = 'run.error_share'\nat_most = '50%'\nselect = { phase = 'broken' }");
    bench.write("scenario.toml", &format!("{text}\n{claims}"));
    let output = bench.run(&["run", "scenario.toml"]);
    let (out, err) = (stdout(&output), stderr(&output));
    assert_ne!(code(&output), 0, "{out}{err}");
    assert!(out.contains("INVALID  faults: fault `broken` was not carried out: exit code 3"), "{out}");
    assert!(err.contains("fault broken: failed: exit code 3"), "{err}");
}

/// As when the system is not told the address of its proxy.
#[test]
fn a_fault_of_a_proxy_that_nothing_passes_voids_the_run() {
    let bench = Bench::new();
    let rest = [
        format!("[[proxy]]\nname = 'front'\nlisten = '127.0.0.1:{}'\nto = '127.0.0.1:1'\n", free_port()),
        fault("cut", "0.5s", "for = '200ms'\nproxy = 'front'\nkind = 'cut'"),
        claim("Recovers", "recovers_after = 'cut'\nat_most = '3s'"),
    ];
    bench.write("scenario.toml", &scenario(&bench.server.url(), "2s", &rest.concat()));
    let output = bench.run(&["run", "scenario.toml"]);
    let out = stdout(&output);
    assert_ne!(code(&output), 0, "{out}");
    let why = "fault `cut` was not carried out: no connection goes through proxy `front`: check that the system uses the proxy's address";
    assert!(out.contains(&format!("INVALID  faults: {why}")), "{out}");
    assert!(!out.contains("MET"), "{out}");
}

#[test]
fn a_claim_of_recovery_from_what_never_showed_says_so() {
    let bench = Bench::new();
    let rest = [
        fault("nothing", "6s", "kind = 'command'\nrun = ['true']"),
        claim("Recovers", "recovers_after = 'nothing'\nat_most = '3s'"),
    ];
    bench.write("scenario.toml", &scenario(&bench.server.url(), "9s", &rest.concat()));
    let out = stdout(&bench.run(&["run", "scenario.toml"]));
    assert!(out.contains("`nothing` never showed in run 1"), "{out}");
}

#[test]
fn refusals_that_the_scenario_expects_are_no_recovery() {
    let faults = known::Faults {
        unavailable: 0.9,
        unavailable_after: Duration::from_secs(7),
        ..known::Faults::default()
    };
    let server = known::spawn(Truth { faults, ..Truth::default() }).unwrap();
    let bench = Bench::new();
    let rest = [
        fault("nothing", "6s", "kind = 'command'\nrun = ['true']"),
        claim("Recovers", "recovers_after = 'nothing'\nat_most = '3s'"),
        // The server's clock begins with the run.
        "[profile.a]\nreset = 'POST /reset'\n".to_owned(),
    ];
    let text = scenario(&server.url(), "12s", &rest.concat());
    bench.write("scenario.toml", &text.replace("timeout = \"10s\"", "timeout = \"10s\", reject = [503]"));
    let out = stdout(&bench.run(&["run", "scenario.toml"]));
    assert!(!out.contains("never showed") && !out.contains("  MET"), "{out}");
    assert!(out.contains("MISSED") || out.contains("INVALID"), "{out}");
}

#[test]
fn a_fault_that_cannot_happen_is_a_mistake() {
    let of = |rest: &str| {
        let text = scenario("http://127.0.0.1:1", "10s", rest);
        match loadproof::scenario::compile(std::path::Path::new("scenario.toml"), &OneFile(&text)) {
            Ok(_) => panic!("it is right: {rest}"),
            Err(error) => error.to_string(),
        }
    };
    let service = "[profile.a]\nservice = [{ name = 'api', command = 'x', ready = 'tcp://h:1' }]\n";
    let proxy = "[[proxy]]\nname = 'p'\nlisten = '127.0.0.1:9'\nto = 'h:1'\n";
    let kill = |at: &str, rest: &str| fault("f", at, &format!("kind = 'kill'\nservice = 'api'\n{rest}"));
    let second = |rest: &str| fault("g", "2s", rest);
    for (rest, mistake) in [
        (kill("2s", ""), "profile `direct` starts no service `api`"),
        (format!("{service}{}", kill("2s", "").replace("'api'", "'apo'")), "did you mean `api`?"),
        (format!("{service}{}", kill("20s", "")), "load `level` has ended before this fault is due"),
        (format!("{service}{}", kill("2s", "from = 'drain'")), "no `[drain]`"),
        (format!("{service}{}", kill("2s", "loads = 'lvel'")), "did you mean `level`?"),
        (format!("{service}{}", kill("2s", "profiles = 'b'")), "unknown profile `b`"),
        (format!("{service}{}{}", kill("2s", ""), kill("3s", "")), "two faults of one run are called `f`"),
        (
            format!(
                "{service}{}{}",
                kill("1s", "for = '3s'"),
                second("for = '1s'\nkind = 'pause'\nservice = 'api'")
            ),
            "fault `g` begins before fault `f` is over",
        ),
        (format!("{service}{}", kill("2s", "").replace("kill", "pause")), "`for` is missing in fault"),
        (
            format!("{service}{}", kill("2s", "for = '1s'").replace("kill", "restart")),
            "lasts as long as it takes",
        ),
        (fault("f", "2s", "kind = 'cut'\nproxy = 'p'"), "unknown proxy `p`"),
        (
            format!("{proxy}{}", fault("f", "2s", "kind = 'delay'\nproxy = 'p'")),
            "`delay` is missing in fault",
        ),
        (
            format!(
                "{proxy}{}",
                fault("f", "2s", "kind = 'delay'\nproxy = 'p'\ndelay = '1s'\njitter = '2s'")
            ),
            "`jitter` is longer than `delay`",
        ),
        (
            format!("{proxy}{}", fault("f", "2s", "kind = 'delay'\nproxy = 'p'\ndelay = '1e9s'")),
            "`delay` is longer than an hour",
        ),
        (proxy.replace("h:1", "h"), "`h` is not an address to connect to"),
        (proxy.replace("127.0.0.1:9", "localhost"), "`localhost` is not an address to listen at"),
        (format!("{proxy}{}", proxy.replace("'p'", "'q'")), "two proxies listen at `127.0.0.1:9`"),
        (fault("f", "2s", "kind = 'kil'"), "did you mean `kill`?"),
        (
            fault("f", "2s", "kind = 'command'\nrun = 'x'\nfor = '1s'"),
            "a command without `undo` cannot have a duration",
        ),
        (fault("steady", "2s", "kind = 'command'\nrun = 'x'"), "a fault cannot be called `steady`"),
        ("[[fault]]\nname = 'f'\nkind = 'command'\nrun = 'x'".to_owned(), "`at` is missing in fault"),
        (
            format!(
                "[profile.a]\n[profile.b]\n[experiment]\nbaseline = 'a'\ntreatment = 'b'\nload = 'level'\n{}",
                fault("f", "2s", "kind = 'command'\nrun = 'x'\nprofiles = 'b'")
            ),
            "fault `f` happens in one arm only of the experiment",
        ),
    ] {
        let error = of(&rest);
        assert!(error.contains(mistake), "{rest}: {error}");
        assert_eq!(error.matches("error: ").count(), 1, "{rest}: {error}");
    }
}

#[test]
fn claims_that_name_a_fault_are_about_the_runs_that_have_it() {
    let text = scenario(
        "http://127.0.0.1:1",
        "10s",
        &[
            "[load.other]\nusers = 1\nrun_time = '9s'\n[profile.a]\n[profile.b]\n".to_owned(),
            fault("f", "6s", "kind = 'command'\nrun = 'x'\nloads = 'level'\nprofiles = 'b'"),
            claim("a", "recovers_after = 'f'\nat_most = '1s'"),
            claim("b", "value = 'run.p95'\nat_most = '1s'\nselect = { phase = 'f' }"),
        ]
        .concat(),
    );
    let scenario = crate::support::scenario(&text);
    for claim in &scenario.claims {
        assert_eq!((claim.loads.join(","), claim.profiles.join(",")), ("level".to_owned(), "b".to_owned()));
    }
    assert_eq!(scenario.faults_under("level", "b").len(), 1);
    assert!(scenario.faults_under("other", "b").is_empty() && scenario.faults_under("level", "a").is_empty());
    let load = &scenario.loads["level"];
    let with = scenario.fingerprint(load, &scenario.faults_under("level", "b"));
    assert_ne!(with, scenario.fingerprint(load, &[]), "a run with a fault did other work");
}

#[test]
fn the_scenario_of_the_document_is_right() {
    let document = std::fs::read_to_string("docs/FAULTS.md").unwrap();
    let mut blocks = document.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let whole = blocks.next().unwrap();
    assert_eq!(crate::support::scenario(whole).faults.len(), 2);
    let fault = blocks.next().unwrap();
    assert_eq!(crate::support::scenario(&format!("{whole}\n{fault}")).faults.len(), 3);
}

/// A scenario of the project, on free ports; its report.
fn project(file: &str, arguments: &[&str]) -> (Bench, Value) {
    let (bench, output) = carried_out(file, arguments);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (bench, report)
}

/// The same, whatever it came to.
fn carried_out(file: &str, arguments: &[&str]) -> (Bench, std::process::Output) {
    let bench = Bench::new();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(file);
    let mut command = bench.command(&[&["run", path.to_str().unwrap(), "--json"], arguments].concat());
    for name in
        ["CHECKOUT_PORT", "PAYMENT_PORT", "REDIS_PORT", "BROKER_PORT", "SHOPSTREAM_PORT", "OBSERVATORY_PORT"]
    {
        command.env(name, free_port().to_string());
    }
    let output =
        command.env("TESTBED", testbed_program()).env("SHOP_DATA", bench.path("shop")).output().unwrap();
    (bench, output)
}

#[test]
fn a_shop_outlives_its_payment_provider() {
    let (bench, report) = project("storefront/payment_down.toml", &["--profile", "after"]);
    let (lasted, _) = lasted(&bench, "payment down");
    assert!((5.0..5.5).contains(&lasted), "{lasted}");
    let claims = report["judgement"]["claims"].as_array().unwrap();
    assert_eq!(claims.len(), 6, "{claims:#?}");
    let reaction = claims.iter().find(|claim| claim["claim"]["id"] == "F4").unwrap();
    assert!(reaction["estimate"].as_f64().unwrap() < 1000.0, "{reaction:#}");
    assert!(bench.query("SELECT count(*) FROM samples WHERE outcome = 'rejected'") >= 150, "compensated");
}

#[test]
fn a_saga_goes_on_when_its_broker_is_back() {
    if crate::support::servers::redis().is_none() {
        return;
    }
    let (bench, output) = carried_out("storefront/broker_down.toml", &[]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (lasted, _) = lasted(&bench, "broker down");
    assert!(lasted >= 4.0, "{lasted}");
    let claims = report["judgement"]["claims"].as_array().unwrap();
    // How soon it is as fast as before (K5) depends on how busy the machine is.
    for id in ["K1", "K2", "K3", "K4"] {
        let claim = claims.iter().find(|claim| claim["claim"]["id"] == id).unwrap();
        assert_eq!(claim["verdict"], "supported", "{claim:#}");
    }
    let waited = "SELECT count(*) FROM samples WHERE kind = 'effect' AND done_us - intended_us > 1000000";
    assert!(bench.query(waited) >= 50, "checkouts of the first seconds wait for the broker");
}

#[test]
fn nothing_is_lost_or_done_twice_when_an_engine_is_killed_in_mid_drain() {
    let (bench, report) = project("shopstream/engine_killed.toml", &[]);
    let fault = told(&report, "engine killed");
    assert!(fault["recovery_s"]["unknown"].is_string(), "nothing was due any more: {fault:#}");
    let began_in_drain = "SELECT count(*) FROM fault f JOIN run_phase p ON p.run = f.run AND p.name = 'drain' \
                          WHERE f.start_us > p.start_us AND f.end_us < p.end_us AND f.outcome = 'done'";
    assert_eq!(bench.query(began_in_drain), 1);
}

#[test]
fn both_arms_of_an_experiment_have_the_same_faults() {
    let port = free_port();
    let rest = [
        service(port),
        "[profile.b]\nextend = 'a'\n[experiment]\nbaseline = 'a'\ntreatment = 'b'\nload = 'level'\n"
            .to_owned(),
        fault("pause", "0.5s", "for = '0.5s'\nkind = 'pause'\nservice = 'api'"),
    ];
    let bench = bench(&scenario(&format!("http://127.0.0.1:{port}"), "2s", &rest.concat()));
    let output =
        bench.run(&["experiment", "scenario.toml", "--rounds", "1", "--allow-invalid", "--html", "e.html"]);
    assert!(stdout(&output).contains("pause api for 0.5 s"), "{}{}", stdout(&output), stderr(&output));
    let alike = "SELECT count(DISTINCT fingerprint) * 10 + count(*) FROM run JOIN fault ON fault.run = run.id WHERE outcome = 'done'";
    assert_eq!(bench.query(alike), 12);
}
