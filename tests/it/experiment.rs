//! Experiments: looks, rounds, budgets, matrices, resumption, and a system that is put back
//! whatever happens.

use crate::support::{bench, seal_anew};

use std::process::{Output, Stdio};
use std::time::Duration;

use bench::*;
use rustix::process::Signal;

/// Two equal profiles over the bench's server, with claims that every round decides alike.
fn claims(bench: &Bench, rounds: &str, claims: &str) {
    let base_url = bench.server.url();
    let text = scenario(&base_url).replace("rounds = 1", rounds).replace("0.5s", "0.2s");
    bench.write("claims.toml", &format!("{text}\n{claims}"));
}

/// What is certain of a server that answers in 2 ms and is called at all.
const CERTAIN: &str = r#"
[[claim]]
title = "Answers within a second"
value = "treatment.p50"
at_most = "1s"

[[claim]]
title = "The arms make the same requests"
value = "treatment.requests / baseline.requests"
# Certain on a busy machine, too: runs of 0.2 s differ there by half.
within = [0.05, 20]
"#;

#[test]
fn an_experiment_stops_at_the_first_look_at_which_all_is_decided() {
    let bench = Bench::new();
    claims(&bench, "", CERTAIN);
    let output = experiment(
        &bench,
        &[
            "claims.toml",
            "--seed",
            "1",
            "--no-pilot",
            "--progress",
            "plain",
            "--junit",
            "j.xml",
            "--markdown",
            "m.md",
        ],
    );
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains("look after 5 rounds: every claim is decided"), "{}", stderr(&output));
    assert_eq!(bench.query("SELECT count(*) FROM run"), 10);
    assert_eq!(bench.query("SELECT count(*) FROM experiment WHERE ended = 'decided' AND rounds = 20"), 1);
    // The first of three looks has a fifth of the error, shared by two claims.
    assert_eq!(
        bench.query("SELECT count(*) FROM verdict WHERE verdict = 'supported' AND abs(alpha - 0.005) < 1e-9"),
        2
    );
    assert_eq!(bench.query("SELECT count(*) FROM claim_value WHERE value > 0"), 10);
    let junit = std::fs::read_to_string(bench.path("j.xml")).unwrap();
    assert!(junit.contains("tests=\"2\" failures=\"0\" errors=\"0\""), "{junit}");
    let markdown = std::fs::read_to_string(bench.path("m.md")).unwrap();
    assert!(
        markdown.contains("| ✅ supported | Answers within a second<br>`treatment.p50 ≤ 1 s` |"),
        "{markdown}"
    );
    let json = bench.json(&["report", "e1", "--json"]);
    assert_eq!((&json["schema"], &json["verdict"]), (&"loadproof.compare/2".into(), &"supported".into()));
    assert_eq!(json["judgement"]["claims"][0]["values"].as_array().unwrap().len(), 5);
}

#[test]
fn a_refuted_claim_has_its_exit_code_and_a_claim_that_does_not_gate_has_none() {
    let bench = Bench::new();
    let refuted =
        "[[claim]]\ntitle = 'Answers within a microsecond'\nvalue = 'treatment.p50'\nat_most = '1us'\n";
    claims(&bench, "rounds = 5", &format!("{CERTAIN}{refuted}"));
    let output = experiment(&bench, &["claims.toml", "--seed", "1"]);
    assert_eq!(code(&output), 99, "{}", stdout(&output));
    assert!(stdout(&output).contains("REFUTED  C3  Answers within a microsecond"), "{}", stdout(&output));
    claims(&bench, "rounds = 5", &format!("{CERTAIN}{refuted}gate = false\n"));
    let output = experiment(&bench, &["claims.toml", "--seed", "1"]);
    assert_eq!(code(&output), 0, "{}", stdout(&output));
}

#[test]
fn a_budget_begins_no_round_that_it_has_no_room_for() {
    let bench = Bench::new();
    claims(&bench, "rounds = 20", CERTAIN);
    let output = experiment(&bench, &["claims.toml", "--budget", "1s", "--progress", "plain"]);
    assert_eq!(code(&output), 97, "{}", stdout(&output));
    assert!(stderr(&output).contains("the budget does not allow another round"), "{}", stderr(&output));
    let runs = bench.query("SELECT count(*) FROM run");
    assert!((2..10).contains(&runs) && runs % 2 == 0, "{runs}");
    assert!(stdout(&output).contains("indicative"), "{}", stdout(&output));
}

#[test]
fn a_matrix_compares_one_baseline_with_every_other_profile() {
    let bench = Bench::new();
    claims(&bench, "rounds = 5", &format!("[profile.c]\n{CERTAIN}"));
    let output =
        experiment(&bench, &["claims.toml", "--profiles", "b,a,c", "--baseline", "a", "--rounds", "5"]);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE profile = 'a' AND arm = 'baseline'"), 5);
    assert_eq!(bench.query("SELECT count(DISTINCT profile) FROM run WHERE arm = 'treatment'"), 2);
    for profile in ["b", "c"] {
        assert!(bench.path(&format!("reports/experiment-1-{profile}.html")).exists());
    }
    // Four gating claims share the error of the only look.
    assert_eq!(bench.query("SELECT count(*) FROM verdict WHERE abs(alpha - 0.0125) < 1e-9"), 4);
}

#[test]
fn an_interrupted_experiment_goes_on_where_it_was() {
    let bench = Bench::new();
    claims(&bench, "rounds = 5", CERTAIN);
    let mut child = bench
        .command(&["experiment", "claims.toml", "--seed", "4", "--progress", "plain"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("three runs", || bench.path("reports/loadproof.db").exists() && runs_so_far(&bench) >= 3);
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(105));
    let output = experiment(&bench, &["claims.toml", "--resume"]);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    assert_eq!(
        bench.query("SELECT count(DISTINCT round || arm) FROM run WHERE state = 'done' AND experiment = 1"),
        10
    );
    assert_eq!(bench.query("SELECT count(*) FROM experiment"), 1);
    let output = experiment(&bench, &["claims.toml", "--resume", "e1"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("would exceed the error"), "{}", stderr(&output));
}

/// An experiment where other tests keep the cores busy. What the audit makes of that is not asked here, and has tests
/// of its own.
fn experiment(bench: &Bench, arguments: &[&str]) -> Output {
    let mut command = bench.command(&[&["experiment"], arguments].concat());
    command.env("LOADPROOF_ALLOW_INVALID", "1").output().unwrap()
}

fn runs_so_far(bench: &Bench) -> i64 {
    let store = rusqlite::Connection::open(bench.path("reports/loadproof.db")).unwrap();
    store.query_row("SELECT count(*) FROM run WHERE state = 'done'", [], |row| row.get(0)).unwrap_or(0)
}

#[test]
fn other_work_is_no_continuation() {
    let bench = Bench::new();
    claims(&bench, "rounds = 6", CERTAIN);
    experiment(&bench, &["claims.toml", "--budget", "1ms"]);
    let output = experiment(&bench, &["claims.toml", "--resume", "--users", "7"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert!(stderr(&output).contains("had a different workload"), "{}", stderr(&output));
}

/// A claim that no number of short rounds decides: its interval is wider than what it allows.
const OPEN: &str = r#"
[[claim]]
title = "The arms are alike to a millionth"
value = "treatment.p50 / baseline.p50"
within = "0.0001%"
"#;

/// A claim for whose sake a pilot is made.
const HIGH: &str = r#"
[[claim]]
title = "The arms are alike at p99 to a millionth"
value = "treatment.p99 / baseline.p99"
within = "0.0001%"
"#;

#[test]
fn exactly_so_many_rounds_have_one_look_with_all_of_the_error_and_no_pilot() {
    let bench = Bench::new();
    claims(&bench, "", &format!("{CERTAIN}{HIGH}"));
    let output = experiment(&bench, &["claims.toml", "--rounds", "6", "--progress", "plain"]);
    assert!(!stderr(&output).contains("look after 5 rounds"), "{}", stderr(&output));
    assert_eq!(bench.query("SELECT count(*) FROM run"), 12);
    let look =
        "SELECT count(*) FROM look WHERE rounds = 6 AND abs(alpha - 0.05) < 1e-9 AND occasion = 'planned'";
    assert_eq!((bench.query(look), bench.query("SELECT count(*) FROM look")), (1, 1));
    assert_eq!(bench.query("SELECT count(*) FROM experiment WHERE is_exact = 1 AND pilot IS NULL"), 1);
}

#[test]
fn every_look_of_an_experiment_that_was_cut_short_is_paid_for_once() {
    let bench = Bench::new();
    claims(&bench, "", OPEN);
    let mut child = bench
        .command(&["experiment", "claims.toml", "--seed", "4", "--progress", "none"])
        .env("LOADPROOF_ALLOW_INVALID", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("six rounds", || bench.path("reports/loadproof.db").exists() && runs_so_far(&bench) >= 12);
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(105));
    let planned =
        "SELECT count(*) FROM look WHERE rounds = 5 AND abs(alpha - 0.01) < 1e-9 AND occasion = 'planned'";
    assert_eq!(bench.query(planned), 1);
    // A 64th of what the first look has left: somebody chose the time.
    let unplanned = "SELECT count(*) FROM look WHERE rounds > 5 AND abs(alpha - 0.04 / 64) < 1e-9 AND occasion = 'interruption'";
    assert_eq!(bench.query(unplanned), 1);
    let report = ["report", "e1", "--allow-invalid"];
    bench.run(&report);
    bench.run(&report);
    assert_eq!(bench.query("SELECT count(*) FROM look"), 2, "the same rounds cost once");
    assert_eq!(bench.query("SELECT count(*) FROM verdict WHERE abs(alpha - 0.04 / 64) < 1e-9"), 1);
    let verified = bench.run(&["verify", "reports/experiment-1.html"]);
    assert_eq!(code(&verified), 0, "{}{}", stdout(&verified), stderr(&verified));
}

#[test]
fn a_pilot_sets_the_run_time_and_is_no_evidence() {
    let bench = Bench::new();
    claims(&bench, "rounds = 6", HIGH);
    let output = experiment(&bench, &["claims.toml", "--seed", "4", "--progress", "plain"]);
    assert!(stderr(&output).contains("pilot: Runs last 0.8 s in place of 0.2 s"), "{}", stderr(&output));
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE round = 0 AND load_text LIKE '%, 0.2 s'"), 2);
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE round > 0 AND load_text LIKE '%, 0.8 s'"), 12);
    let json = bench.run(&["report", "e1", "--json", "--allow-invalid"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(json["judgement"]["rounds"], 6);
    assert_eq!(
        bench.query("SELECT count(DISTINCT fingerprint) FROM run"),
        1,
        "longer runs are the same work"
    );
    assert!(json["judgement"]["conduct"]["pilot"].as_str().unwrap().starts_with("Runs last 0.8 s"));
    assert!(json["page"]["judged"]["level"].as_str().unwrap().contains("A pilot round"));
    let runs = json["page"]["runs"].as_array().unwrap();
    assert!(runs.len() == 12 && runs.iter().all(|run| run["round"] != "0"), "{runs:?}");
    // It is continued with the run time that the pilot has set, and without a second one.
    let store = rusqlite::Connection::open(bench.path("reports/loadproof.db")).unwrap();
    store.execute("UPDATE run SET state = 'crashed' WHERE round = 6", []).unwrap();
    store.execute("UPDATE experiment SET ended = ''", []).unwrap();
    drop(store);
    seal_anew(&bench.path("reports/loadproof.db"));
    let output = experiment(&bench, &["claims.toml", "--resume", "--progress", "plain"]);
    assert!(!stderr(&output).contains("pilot:"), "{}", stderr(&output));
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE round = 0"), 2);
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE round > 0 AND load_text LIKE '%, 0.8 s'"), 14);
}

/// The bench's experiment under another load, with a claim for whose sake a pilot is made.
fn under(bench: &Bench, load: &str, rounds: &str) {
    let text = scenario(&bench.server.url()).replace("rounds = 1", rounds);
    let short = "users = 4\n        run_time = \"0.5s\"";
    assert!(text.contains(short));
    bench.write("claims.toml", &format!("{}\n{HIGH}", text.replace(short, load)));
}

#[test]
fn a_pilot_sets_how_many_journeys_are_made_and_so_does_what_continues_the_experiment() {
    let bench = Bench::new();
    under(&bench, "iterations = 60\nconcurrency = 4", "rounds = 6");
    let output =
        experiment(&bench, &["claims.toml", "--seed", "4", "--budget", "1ms", "--progress", "plain"]);
    assert!(
        stderr(&output).contains("pilot: Runs stay at 60 journeys, though")
            && stderr(&output).contains("The budget leaves too little for runs of 240 journeys in 5 rounds"),
        "{}",
        stderr(&output)
    );
    let output = experiment(&bench, &["claims.toml", "--seed", "4", "--progress", "plain"]);
    assert!(
        stderr(&output).contains("pilot: Runs make 240 journeys in place of 60 journeys"),
        "{}",
        stderr(&output)
    );
    let longer =
        "SELECT count(*) FROM run WHERE experiment = 2 AND round > 0 AND load_text LIKE '240 journeys%'";
    assert_eq!(bench.query(longer), 12);
    let store = rusqlite::Connection::open(bench.path("reports/loadproof.db")).unwrap();
    store.execute("UPDATE run SET state = 'crashed' WHERE experiment = 2 AND round = 6", []).unwrap();
    store.execute("UPDATE experiment SET ended = '' WHERE id = 2", []).unwrap();
    drop(store);
    seal_anew(&bench.path("reports/loadproof.db"));
    experiment(&bench, &["claims.toml", "--resume", "--progress", "plain"]);
    assert_eq!(bench.query(longer), 14);
}

#[test]
fn stages_that_follow_each_other_are_not_made_longer_and_that_is_said() {
    let bench = Bench::new();
    let stages = "stages = [{ users = 2, hold = \"0.2s\" }, { users = 4, hold = \"0.2s\" }]";
    under(&bench, stages, "rounds = 6");
    let output = experiment(&bench, &["claims.toml", "--budget", "1ms", "--progress", "plain"]);
    assert!(
        stderr(&output).contains("no pilot: runs cannot be made longer, for its stages keep their times"),
        "{}",
        stderr(&output)
    );
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE round = 0"), 0);
    let output = experiment(&bench, &["claims.toml", "--pilot", "--budget", "1ms", "--progress", "plain"]);
    let stays = "pilot: Runs stay at 0.4 s, though";
    assert!(
        stderr(&output).contains(stays) && stderr(&output).contains("They are not made longer: its stages"),
        "{}",
        stderr(&output)
    );
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE round = 0"), 2);
}

#[test]
fn without_a_pilot_runs_last_as_stated() {
    let bench = Bench::new();
    claims(&bench, "", HIGH);
    experiment(&bench, &["claims.toml", "--no-pilot", "--budget", "1ms"]);
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE round = 1 AND load_text LIKE '%, 0.2 s'"), 2);
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE round = 0"), 0);
    let plan = bench.out(&["experiment", "claims.toml", "--dry-run", "--rounds", "2", "--pilot"]);
    assert!(plan.starts_with("6 run(s)") && plan.contains("  1. pilot   baseline   a at "), "{plan}");
    let output = bench.run(&["experiment", "claims.toml", "--pilot", "--no-pilot"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn a_round_that_was_disturbed_from_outside_is_given_up_and_made_again() {
    let bench = Bench::new();
    claims(&bench, "", OPEN);
    experiment(&bench, &["claims.toml", "--seed", "4", "--rounds", "3"]);
    // The clock was set during the first run of the second round, and the experiment was cut short.
    let store = rusqlite::Connection::open(bench.path("reports/loadproof.db")).unwrap();
    store.execute("UPDATE run SET clock_step_us = 60000000 WHERE id = 3", []).unwrap();
    store.execute("UPDATE experiment SET ended = 'interrupted'", []).unwrap();
    drop(store);
    seal_anew(&bench.path("reports/loadproof.db"));
    let output = bench.run(&["experiment", "claims.toml", "--resume", "--progress", "plain"]);
    let said = stderr(&output);
    assert!(
        said.contains("round 2 was disturbed (run 3: clock: ") && said.contains("; it is repeated"),
        "{said}"
    );
    let given_up = "SELECT count(*) FROM repetition WHERE run = 3 AND round = 2 AND last_run = 4";
    assert_eq!(bench.query(given_up), 1);
    assert!(bench.query("SELECT count(*) FROM run WHERE round = 2 AND state = 'done'") >= 4);
    let report = bench.run(&["report", "e1", "--json", "--allow-invalid"]);
    let json: serde_json::Value = serde_json::from_str(&stdout(&report)).unwrap();
    assert_eq!(json["judgement"]["rounds"], 3);
    let audited = json["judgement"]["audit"]["runs"].as_array().unwrap();
    assert!(audited.iter().all(|run| run["run"] != 3 && run["run"] != 4), "{audited:?}");
    let checks = json["judgement"]["audit"]["between_arms"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "repeated rounds"), "{checks:?}");
    // Tables and claims are of the same runs.
    let runs = json["page"]["runs"].as_array().unwrap();
    assert!(runs.iter().all(|run| run["id"] != "3" && run["id"] != "4"), "{runs:?}");
}

#[test]
fn what_is_invalid_at_a_look_ends_no_experiment_as_decided() {
    let bench = Bench::new();
    let empty = "[[claim]]\ntitle = 'Nobody calls it'\nvalue = 'treatment.p50'\nat_most = '1s'\n\
                 select = { endpoint = 'POST /jobs', outcome = 'failed' }\n";
    claims(&bench, "", empty);
    let output = experiment(&bench, &["claims.toml", "--no-pilot", "--progress", "plain"]);
    assert_eq!(code(&output), 98, "{}{}", stdout(&output), stderr(&output));
    assert!(stderr(&output).contains("look after 5 rounds: 1 claim is invalid"), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("to continue: loadproof experiment claims.toml --resume e1"),
        "{}",
        stderr(&output)
    );
    assert_eq!(bench.query("SELECT count(*) FROM experiment WHERE ended = 'invalid'"), 1);
    let output = experiment(&bench, &["claims.toml", "--resume", "--budget", "1ms"]);
    assert_ne!(code(&output), 2, "{}", stderr(&output));
    assert!(bench.query("SELECT count(*) FROM run") > 10);
}

/// A profile whose service is a server of the testbed, whose settings file is patched, and which has
/// hooks around its runs; each leaves a file when it is run. `drained`: the signal whose 0 ends a drain.
fn patched(bench: &Bench, port: u16, drained: &str) -> String {
    let program = testbed_program();
    format!(
        r#"
        name = "patched"
        base_url = "http://127.0.0.1:{port}"
        [[journey]]
        name = "Ask"
        steps = [{{ request = "GET /" }}]
        [[user_class]]
        name = "User"
        think = "20ms"
        journeys = {{ Ask = 1 }}
        [load.short]
        users = 2
        run_time = "0.6s"
        [load.long]
        users = 2
        run_time = "60s"
        [profile.on]
        [[profile.on.patch]]
        file = "{folder}/settings.toml"
        set = {{ "lanes.enabled" = true }}
        [[profile.on.service]]
        name = "known"
        command = ["sh", "-c", "grep -q 'enabled = true' {folder}/settings.toml && exec {program} known --port {port}"]
        ready = "http://127.0.0.1:{port}/"
        [[source]]
        prometheus = "http://127.0.0.1:{port}/metrics"
        every = "50ms"
        signals = [{{ name = "backlog", metric = "known_backlog" }}, {{ name = "never 0", metric = "known_stamped" }}]
        [drain]
        until_zero = "{drained}"
        within = "60s"
        [[hook]]
        name = "seed"
        moment = "before"
        run = ["sh", "-c", "test $LOADPROOF_RUN_PROFILE = on && touch {folder}/before && sleep 0.3"]
        [[hook]]
        name = "migration"
        moment = "beside"
        at = "100ms"
        run = ["sh", "-c", "touch {folder}/beside; sleep 0.1; exit 7"]
        may_fail = true
        [[hook]]
        name = "watch the drain"
        moment = "beside"
        at = "900ms"
        run = ["sh", "-c", "touch {folder}/drain; sleep 30"]
        may_fail = true
        [[hook]]
        name = "count"
        moment = "after"
        run = ["sh", "-c", "touch {folder}/after; sleep 0.3"]
        "#,
        folder = bench.folder.path().display(),
        program = program.display(),
    )
}

/// The phases of a run: the file by which each is known to have begun, its load, and what ends its drain.
const PHASES: [(&str, &str, &str); 4] = [
    ("before", "short", "backlog"),
    ("beside", "long", "backlog"),
    ("drain", "short", "never 0"),
    ("after", "short", "backlog"),
];

/// A run that has come to a phase; none of them for one whose service is still starting.
fn in_phase(bench: &Bench, port: u16, phase: Option<(&str, &str, &str)>) -> std::process::Child {
    bench.write("settings.toml", SETTINGS);
    let (file, load, drained) = phase.unwrap_or(("settings.toml", "short", "backlog"));
    bench.write("patched.toml", &patched(bench, port, drained));
    let child = bench
        .command(&["run", "patched.toml", "--load", load])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("the patch", || settings(bench).contains("enabled = true"));
    wait_until(file, || bench.path(file).exists());
    child
}

fn settings(bench: &Bench) -> String {
    std::fs::read_to_string(bench.path("settings.toml")).unwrap()
}

/// Odd on purpose, to be put back byte for byte.
const SETTINGS: &str = "# lanes\r\n[lanes]\nenabled = false   # opt-in\r\n\ncount=1";

#[test]
fn a_profile_patches_a_file_runs_its_hooks_and_puts_the_file_back() {
    let bench = Bench::new();
    let [port, _] = free_ports();
    bench.write("settings.toml", SETTINGS);
    bench.write("patched.toml", &patched(&bench, port, "backlog"));
    let output = bench.run(&["run", "patched.toml", "--load", "short"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(settings(&bench), SETTINGS);
    let hooks = "SELECT count(*) FROM hook WHERE (name, moment, exit_code) IN \
                 (VALUES ('seed', 'before', 0), ('migration', 'beside', 7), ('count', 'after', 0))";
    assert_eq!(bench.query(hooks), 3);
    let beside = "SELECT start_us BETWEEN 90000 AND 400000 AND end_us - start_us BETWEEN 90000 AND 400000 \
                  FROM hook WHERE name = 'migration'";
    assert_eq!(bench.query(beside), 1);
    let page = std::fs::read_to_string(bench.path("reports/run-1.html")).unwrap();
    assert!(page.contains("<h2>Hooks</h2>") && page.contains("exit code 7"));
}

#[test]
fn a_kill_in_any_phase_leaves_a_system_that_the_next_start_puts_back() {
    for phase in PHASES.map(Some).into_iter().chain([None]) {
        let bench = Bench::new();
        let [port, _] = free_ports();
        let mut child = in_phase(&bench, port, phase);
        signal(&child, Signal::KILL);
        child.wait().unwrap();
        wait_until("the end of the service", || !is_open(port));
        assert!(settings(&bench).contains("enabled = true"), "a killed process puts nothing back");
        let output = bench.run(&["run", "patched.toml", "--load", "short", "--dry-run"]);
        assert_eq!(code(&output), 0, "a dry run touches nothing: {}", stderr(&output));
        assert!(settings(&bench).contains("enabled = true"));
        bench.write("patched.toml", &patched(&bench, port, "backlog"));
        let output = bench.run(&["run", "patched.toml", "--load", "short"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(stderr(&output).contains("which an earlier run had left patched"), "{}", stderr(&output));
        assert_eq!(settings(&bench), SETTINGS, "killed in {phase:?}");
    }
}

#[test]
fn every_signal_that_ends_a_process_puts_everything_back() {
    for kind in [Signal::HUP, Signal::QUIT, Signal::TERM] {
        let bench = Bench::new();
        let [port, _] = free_ports();
        let mut child = in_phase(&bench, port, Some(PHASES[1]));
        signal(&child, kind);
        assert_eq!(child.wait().unwrap().code(), Some(105), "{kind:?}");
        assert_eq!(settings(&bench), SETTINGS, "{kind:?}");
        assert!(!is_open(port), "{kind:?}");
        assert_eq!(bench.query("SELECT count(*) FROM run WHERE state = 'interrupted'"), 1, "{kind:?}");
    }
}

#[test]
fn a_second_signal_hastens_the_end_and_puts_files_back_all_the_same() {
    for phase in PHASES[..3].iter().copied().map(Some) {
        let bench = Bench::new();
        let [port, _] = free_ports();
        let mut child = in_phase(&bench, port, phase);
        for kind in [Signal::INT, Signal::TERM, Signal::INT] {
            signal(&child, kind);
        }
        assert_eq!(child.wait().unwrap().code(), Some(105), "in {phase:?}");
        assert_eq!(settings(&bench), SETTINGS, "in {phase:?}");
        wait_until("the end of the service", || !is_open(port));
    }
}

#[test]
fn an_interrupt_in_any_phase_puts_everything_back() {
    // Once the after-hooks run, everything is measured: the run ends by itself.
    for phase in PHASES[..3].iter().copied().map(Some).chain([None]) {
        let bench = Bench::new();
        let [port, _] = free_ports();
        let mut child = in_phase(&bench, port, phase);
        signal(&child, Signal::INT);
        assert_eq!(child.wait().unwrap().code(), Some(105), "in {phase:?}");
        assert_eq!(settings(&bench), SETTINGS, "in {phase:?}");
        assert!(!is_open(port));
    }
}

#[test]
fn a_hook_that_fails_before_the_load_says_so() {
    let bench = Bench::new();
    let [port, _] = free_ports();
    bench.write("settings.toml", SETTINGS);
    bench.write(
        "patched.toml",
        &patched(&bench, port, "backlog").replace("test $LOADPROOF_RUN_PROFILE = on", "echo no seed; exit 5"),
    );
    let output = bench.run(&["run", "patched.toml", "--load", "short"]);
    assert_eq!(code(&output), 100);
    assert!(
        stderr(&output).contains("hook `seed` failed with exit code 5")
            && stderr(&output).contains("| no seed")
    );
    assert_eq!(settings(&bench), SETTINGS);
}

#[test]
fn objectives_of_a_single_run_are_decided_per_deployment() {
    let bench = Bench::new();
    let objective = |bound: &str, env: &str| {
        format!(
            "[[claim]]\ntitle = 'Fast in {env}'\nvalue = 'run.p50'\nat_most = '{bound}'\nenvironments = '{env}'\n"
        )
    };
    claims(&bench, "rounds = 5", &format!("{}{}", objective("1s", "dev"), objective("1us", "staging")));
    let run = |more: &[&str]| {
        let output =
            bench.run(&[&["run", "claims.toml", "--load", "short", "--profile", "b"], more].concat());
        (code(&output), stdout(&output))
    };
    let (dev, text) = run(&["--deployment", "dev"]);
    assert_eq!(dev, 0, "{text}");
    assert!(text.contains("MET  C1  Fast in dev") && text.contains("applies to this run only"), "{text}");
    assert_eq!(run(&["--deployment", "staging"]).0, 99);
    assert_eq!(run(&[]).0, 0, "no claim is about a deployment without a name");
}

#[test]
fn a_run_is_aborted_when_its_condition_is_seen() {
    let bench = Bench::new();
    let text = scenario(&bench.server.url())
        .replace("[load.long]", "[load.long]\nabort_when = 'run.rejected_share > 0.2'\nabort_after = '0.5s'");
    bench.write("abort.toml", &text);
    let begun = std::time::Instant::now();
    let output = bench.run(&["run", "abort.toml", "--load", "long", "--profile", "a"]);
    assert_eq!(code(&output), 99, "{}", stderr(&output));
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(
        stderr(&output).contains("abort_when `run.rejected_share > 0.2`: rejected_share was 0."),
        "{}",
        stderr(&output)
    );
    assert_eq!(
        bench.query("SELECT count(*) FROM run WHERE state = 'failed' AND end_note LIKE 'abort_when%'"),
        1
    );
    assert!(bench.query("SELECT count(*) FROM samples") > 20, "what was measured is stored");
}

#[test]
fn experiments_of_several_scenarios_end_in_one_table() {
    let bench = Bench::new();
    let named = |name: &str, id: &str| {
        claims(&bench, "rounds = 1", &CERTAIN.replacen("[[claim]]", &format!("[[claim]]\nid = \"{id}\""), 1));
        let text = std::fs::read_to_string(bench.path("claims.toml")).unwrap();
        let (before, rest) = text.split_once("name = \"").unwrap();
        let (_, after) = rest.split_once('"').unwrap();
        bench.write(&format!("{name}.toml"), &format!("{before}name = \"{name}\"{after}"));
    };
    named("one", "G1");
    named("two", "G2");
    let output = experiment(
        &bench,
        &["one.toml", "two.toml", "--progress", "none", "--allow-invalid", "--html", "r.html"],
    );
    // One round of each: all is undecided.
    assert_eq!(code(&output), 97, "{}{}", stdout(&output), stderr(&output));
    let table = |text: &str| text[text.find("0 of 4 claims supported").expect(text)..].to_owned();
    let ended = table(&stdout(&output));
    for part in ["G1", "G2", "e1 ", "e2 ", "Answers within a second", "UNDECIDED"] {
        assert!(ended.contains(part), "{part}: {ended}");
    }
    let again = bench.run(&["report", "e1", "e2", "--allow-invalid", "--html", "r.html"]);
    assert_eq!((code(&again), table(&stdout(&again))), (97, ended));
    assert_eq!(
        std::fs::read_dir(bench.folder.path())
            .unwrap()
            .filter(|e| { e.as_ref().unwrap().file_name().to_string_lossy().starts_with("r-") })
            .count(),
        4
    );
    let resumed = experiment(&bench, &["one.toml", "two.toml", "--resume"]);
    assert_eq!(code(&resumed), 2);
}
