//! What helps people at work: questions, single samples, a scenario to begin with, the manual.

use crate::support::bench;

use bench::*;
use serde_json::json;

/// A bench whose run 1 has samples.
fn with_run() -> Bench {
    let bench = Bench::new();
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
    bench
}

#[test]
fn a_question_is_answered_in_three_forms() {
    let bench = with_run();
    let sql = "SELECT id, scenario AS name, NULL AS none, 'a,b' AS pair FROM run";
    assert_eq!(
        bench.json(&["store", "query", sql, "--format", "json"]),
        json!([{ "id": 1, "name": "jobs", "none": null, "pair": "a,b" }])
    );
    assert_eq!(
        bench.out(&["store", "query", sql, "--format", "csv"]),
        "id,name,none,pair\n1,jobs,,\"a,b\"\n"
    );
    let text = bench.out(&["store", "query", sql]);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("jobs"), "{text}");
    let count = bench.json(&["store", "query", "SELECT count(*) AS n FROM samples", "--format", "json"]);
    assert_eq!(count[0]["n"], bench.query("SELECT samples FROM run"));
}

#[test]
fn a_question_changes_nothing() {
    let bench = with_run();
    for sql in [
        "DELETE FROM run",
        "UPDATE run SET label = 'x'",
        "DROP TABLE sample_block",
        "PRAGMA user_version = 9",
    ] {
        let output = bench.run(&["store", "query", sql]);
        assert_eq!(code(&output), 2, "{sql}: {}", stderr(&output));
        assert!(stderr(&output).contains("would change the store"), "{sql}: {}", stderr(&output));
    }
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE label IS NOT 'x'"), 1);
    let output = bench.run(&["store", "query", "SELECT unheard_of FROM run"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("no such column: unheard_of"), "{}", stderr(&output));
    let output = bench.run(&["--store", "none.db", "store", "query", "SELECT 1"]);
    assert!(stderr(&output).contains("none.db"), "{}", stderr(&output));
    assert!(!bench.path("none.db").exists());
}

#[test]
fn a_sample_is_found_by_its_run_and_number() {
    let bench = with_run();
    let by_run = bench.json(&["runs", "show", "1:3", "--json"]);
    assert_eq!(by_run[0]["run"], 1);
    assert_eq!(by_run[0]["sequence"], 3);
    assert_eq!(bench.json(&["runs", "show", "latest:3", "--json"]), by_run);
    assert!(bench.out(&["runs", "show", "latest:3"]).contains("response_us"));
    for (sample, words) in
        [("1:9999999", "run 1 has no sample 9999999"), ("nobody", "no run `nobody`"), ("7:1", "no run `7`")]
    {
        let output = bench.run(&["runs", "show", sample]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

#[test]
fn runs_are_listed_by_filters() {
    let bench = with_run();
    let listed = |filters: &[&str]| {
        let runs = bench.json(&[&["runs", "--json"], filters].concat());
        runs["runs"].as_array().unwrap().len()
    };
    let profile = bench.json(&["runs", "--json"])["runs"][0]["profile"].as_str().unwrap().to_owned();
    assert_eq!(listed(&["--filter", &format!("profile={profile}")]), 1);
    assert_eq!(listed(&["--filter", "scenario=*", "--filter", "state=done"]), 1);
    assert_eq!(listed(&["--filter", "profile=another"]), 0);
    let said = bench.out(&["runs", "list", "--filter", "label=another"]);
    assert!(said.contains("no run matches the filters"), "{said}");
    let output = bench.run(&["runs", "--filter", "colour=red"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("unknown key `colour`"), "{}", stderr(&output));
}

#[test]
fn a_first_scenario_is_right_and_runs_and_is_never_overwritten() {
    let bench = Bench::new();
    let base_url = bench.server.url();
    let said = bench.out(&["init", "first.toml", "--host", &base_url]);
    assert!(said.contains("loadproof check first.toml"), "{said}");
    assert!(bench.out(&["check", "first.toml"]).contains("starter is right"));
    let arguments = ["run", "first.toml", "--load", "smoke", "--run-time", "1s", "--progress", "none"];
    let output = bench.run(&arguments);
    assert!(bench.query("SELECT samples FROM run") > 0, "{}", stderr(&output));
    let output = bench.run(&["init", "first.toml"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("already exists"), "{}", stderr(&output));
    assert!(std::fs::read_to_string(bench.path("first.toml")).unwrap().contains(&base_url));
}

#[test]
fn the_schema_is_printed_for_editors() {
    let bench = Bench::new();
    let schema = bench.json(&["generate", "schema"]);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["journey"]["items"]["$ref"], "#/$defs/journey");
}

#[test]
fn the_doctor_looks_at_everything_and_leaves_nothing() {
    let bench = Bench::new();
    let before = std::fs::read_dir(bench.folder.path()).unwrap().count();
    let said = bench.out(&["doctor"]);
    for what in ["cores", "open files", "other processes", "scheduler", "store"] {
        assert!(said.contains(&format!("{what}: ")), "{what}: {said}");
    }
    assert_eq!(std::fs::read_dir(bench.folder.path()).unwrap().count(), before);
    bench.write("file", "");
    let said = bench.out(&["doctor", "--store", "file/s.db"]);
    assert!(said.contains("WARN  store"), "{said}");
}

#[test]
fn shells_complete_and_every_command_has_a_page() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.out(&["generate", "completions", shell]).contains("experiment"), "{shell}");
    }
    bench.out(&["generate", "man", "pages"]);
    for page in ["loadproof.1", "loadproof-run.1", "loadproof-trend.1", "loadproof-store-query.1"] {
        assert!(std::fs::read_to_string(bench.path("pages").join(page)).unwrap().contains(".TH"), "{page}");
    }
}

#[test]
fn other_tools_get_a_runs_figures_in_their_forms() {
    let bench = with_run();
    let bmf = bench.json(&["export", "1", "--format", "bmf"]);
    let ok = bmf["all requests"]["throughput"]["value"].as_f64().unwrap();
    assert!(ok > 1.0, "{bmf}");
    // Two milliseconds of service, in nanoseconds.
    let p50 = bmf["POST /jobs [production] p50"]["latency"]["value"].as_f64().unwrap();
    assert!((2e6..1e9).contains(&p50), "{bmf}");

    let lines = bench.out(&["export", "1", "--format", "benchstat"]);
    let line = lines.lines().find(|line| line.starts_with("BenchmarkPOST_/jobs_[production] ")).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!((words[2].parse::<f64>().unwrap(), words[3]), (p50, "p50-ns"), "{line}");
    assert!(lines.starts_with("scenario: jobs\n"), "{lines}");

    let text = bench.out(&["export", "1", "--format", "openmetrics", "--output", "m/metrics.txt"]);
    assert_eq!(text, "");
    let text = std::fs::read_to_string(bench.path("m/metrics.txt")).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let (_, value) = text.split_once("endpoint=\"POST /jobs\",quantile=\"0.5\"} ").unwrap();
    let seconds: f64 = value.lines().next().unwrap().parse().unwrap();
    assert!((seconds * 1e9 - p50).abs() < 1.0, "{text}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let bench = with_run();
    let mut child = bench
        .command(&["export", "1", "--format", "ndjson"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

/// Command lines of loadproof in a text: the command, and the flags that follow it, on the same line or on those
/// that begin with a flag.
fn command_lines(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        let line =
            line.split(" # ").next().unwrap().trim().trim_start_matches("- ").trim_start_matches("run: ");
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_flag =
            |word: &&&str| word.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic));
        let flags = || words.iter().filter(is_flag).map(|word| (*word).to_owned());
        match words.as_slice() {
            ["loadproof", command, ..] => found.push(((*command).to_owned(), flags().collect())),
            [first, ..] if first.starts_with("--") => {
                if let Some((_, of_command)) = found.last_mut() {
                    of_command.extend(flags());
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn the_documents_name_commands_and_flags_that_exist() {
    let bench = Bench::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["README.md", "docs/LIVE.md", "docs/SCALE.md", "docs/ci/action.yml", "docs/ci/gitlab-ci.yml"]
    {
        let lines = command_lines(&std::fs::read_to_string(root.join(name)).unwrap());
        assert!(lines.len() >= 2, "{name}: {lines:?}");
        for (command, flags) in lines {
            // Some commands have their flags one deeper.
            let deeper: &[&str] = match command.as_str() {
                "baseline" => &["save"],
                "store" => &["query", "prune", "archive"],
                _ => &["--help"],
            };
            let help: String =
                deeper.iter().map(|deeper| bench.out(&[command.as_str(), deeper, "--help"])).collect();
            for flag in flags {
                assert!(help.contains(&flag), "{name}: `{command}` has no {flag}");
            }
        }
    }
}

#[test]
fn check_warns_of_an_experiment_that_cannot_show_anything() {
    let bench = Bench::new();
    for arguments in [&["check", "scenario.toml"][..], &["check", "scenario.toml", "--json"]] {
        let output = bench.run(arguments);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains("warning: scenario.toml: profiles `a` and `b` are identical"), "{said}");
        assert!(said.contains("profile `b` has no `must_hold`"), "{said}");
    }
}
