//! The program as a user meets it: commands, files, exit codes.

use crate::support::bench;

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bench::*;
use rustix::process::Signal;

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
    assert!(text.contains("a against b") && text.contains("only indicates"), "{text}");
    let page = std::fs::read_to_string(bench.path("reports/compare-1-2.html")).unwrap();
    assert!(page.contains("job visible"));

    let json = bench.json(&["compare", "1", "latest", "--json"]);
    assert_eq!(json["schema"], "loadproof.compare/2");
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
    assert!(again.contains("loadproof.compare/2"));
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
    assert_eq!(code(&bench.run(&["report", "1"])), 98, "a run that was cut short is no evidence");
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
    bench.write("bad.toml", "name = \"x\"\nbase_ulr = \"http://127.0.0.1:1\"\n");
    bench.write("no-store.db", "this is no database, and it is long enough to be read as a header of one");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = format!("http://{free}");
    let run = ["run", "scenario.toml", "--load", "short", "--profile", "a"];
    for (arguments, expected, words) in [
        (vec!["check", "scenario.toml"], 0, ""),
        (vec!["check", "bad.toml"], 104, "did you mean `base_url`?"),
        (vec!["run", "bad.toml"], 104, "did you mean `base_url`?"),
        (vec!["run", "missing.toml"], 104, "cannot read file `missing.toml`"),
        (vec!["run", "scenario.toml", "--load", "shrot", "--profile", "a"], 104, "did you mean `short`?"),
        (vec!["run", "scenario.toml", "--load", "short"], 2, "which profile?"),
        (vec!["frobnicate"], 2, "unrecognized subcommand"),
        ([&run[..], &["--rate", "5"]].concat(), 2, "`--rate` does not apply to this load"),
        ([&run[..], &["--base-url", &gone]].concat(), 100, "cannot reach"),
        ([&run[..], &["--store", "no-store.db"]].concat(), 106, "not a database"),
        (vec!["report", "99", "--store", "typo.db"], 2, "the store `typo.db` does not exist"),
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
    let arguments = ["experiment", "--load", "demo", "--run-time", "3s", "--seed", "3", "--no-pilot"];
    let output = lanes(&bench, free_ports(), &arguments).env("HONOUR_PRIORITY", "false").output().unwrap();
    assert_eq!(code(&output), 98, "{}", stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("NOT OBSERVED  lanes-on: `run.max('backfill_length') > 0` observed in 0 of 1 runs"),
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

#[test]
fn an_endpoint_is_loaded_without_a_scenario_file_and_compared() {
    let bench = Bench::new();
    let url = format!("{}/", bench.server.url());
    for label in ["before", "after"] {
        let text = bench.out(&["http", &url, "-n", "60", "-c", "3", "--label", label, "--progress", "none"]);
        assert!(
            text.contains("GET /") && text.contains("all 60 requests were answered as expected"),
            "{text}"
        );
    }
    assert_eq!(bench.counted(), 120);
    let text = bench.out(&["compare", "before", "after"]);
    assert!(text.contains("before") && text.contains("GET /"), "{text}");
    // At a rate: an open load of so many in all, evenly spread.
    let document = bench.json(&[
        "http",
        &url,
        "-n",
        "50",
        "-q",
        "500",
        "-c",
        "4",
        "--seed",
        "3",
        "--json",
        "--progress",
        "none",
    ]);
    assert_eq!(document["run"]["runs"][0]["load_text"], "50 journeys, 4 at a time, over 0.1 s");
    let refused = bench.run(&["http", "ftp://host/"]);
    assert_eq!(code(&refused), 2);
}
