//! Results of other tools, through the binary: each file under `tests/it/imports` is as its tool writes it.

use crate::support::bench;

use std::path::Path;

use bench::*;
use serde_json::{Value, json};

fn file(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/imports").join(name).to_str().unwrap().to_owned()
}

fn import(bench: &Bench, name: &str, flags: &[&str]) -> Value {
    bench.json(&[&["import", &file(name), "--json"], flags].concat())
}

fn rows(bench: &Bench, sql: &str) -> Value {
    bench.json(&["store", "query", sql, "--format", "json"])
}

/// Facts of the environment of the newest run.
fn facts(bench: &Bench) -> Value {
    let sql =
        "SELECT name, value FROM environment WHERE run = (SELECT max(id) FROM run) AND name <> 'loadproof'";
    let facts = rows(bench, sql);
    facts
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["name"].as_str().unwrap().to_owned(), f["value"].clone()))
        .collect()
}

#[test]
fn each_format_is_seen_and_every_request_is_counted() {
    let bench = Bench::new();
    let expected = [
        // (file, format, [ok, failed, error], endpoints)
        ("locust.csv", "locust-csv", [22, 15, 3], 4),
        ("locust.json", "locust-json", [293, 0, 0], 2),
        ("k6.csv", "k6-csv", [22, 1, 1], 3),
        ("k6.json", "k6-json", [22, 1, 1], 3),
        ("jmeter.jtl", "jmeter-csv", [17, 2, 1], 3),
        ("jmeter_few_columns.csv", "jmeter-csv", [2, 1, 0], 1),
        ("jmeter.xml", "jmeter-xml", [1, 0, 0], 1),
        ("vegeta.csv", "vegeta-csv", [14, 1, 1], 2),
        ("vegeta.json", "vegeta-json", [14, 1, 1], 2),
        ("oha.csv", "oha-csv", [17, 1, 0], 1),
    ];
    for (name, format, [ok, failed, error], endpoints) in expected {
        let said = import(&bench, name, &[]);
        assert_eq!((&said["format"], &said["endpoints"]), (&json!(format), &json!(endpoints)), "{name}");
        assert_eq!(said["samples"], ok + failed + error, "{name}");
        let sql = "SELECT sum(outcome = 'ok') AS ok, sum(outcome = 'failed') AS failed, sum(outcome = 'error') AS error, \
                   (SELECT state FROM run WHERE id = run) AS state FROM samples \
                   WHERE run = (SELECT max(id) FROM run)";
        let counted = json!([{ "ok": ok, "failed": failed, "error": error, "state": "done" }]);
        assert_eq!(rows(&bench, sql), counted, "{name}");
    }
}

#[test]
fn times_and_words_are_those_of_the_file() {
    let bench = Bench::new();
    import(&bench, "vegeta.json", &[]);
    import(&bench, "jmeter.jtl", &[]);
    let sql = "SELECT endpoint, status, outcome, reason, user_class, user, intended_us, sent_us, first_byte_us, done_us, \
               bytes_in, bytes_out FROM samples WHERE run = 2 AND sequence IN (0, 9, 13)";
    let sample = |endpoint: &str,
                  status: u16,
                  outcome: &str,
                  reason: Value,
                  user: u32,
                  at: i64,
                  took: [i64; 2]| {
        json!({
            "endpoint": endpoint, "status": status, "outcome": outcome, "reason": reason, "user_class": "Shop users",
            "user": user, "intended_us": at, "sent_us": at, "first_byte_us": at + took[0], "done_us": at + took[1],
            "bytes_in": 1432, "bytes_out": 231
        })
    };
    let text = "Test failed: text expected to contain /thanks/";
    let silent = "Non HTTP response message: Read timed out";
    assert_eq!(
        rows(&bench, sql),
        json!([
            sample("Home page", 200, "ok", json!(null), 0, 0, [16_000, 20_000]),
            sample("Checkout", 200, "failed", json!(text), 1, 990_000, [43_000, 47_000]),
            sample("Checkout", 0, "error", json!(silent), 1, 1_430_000, [59_000, 59_000]),
        ])
    );
    let started = rows(&bench, "SELECT started_unix_us AS at FROM run ORDER BY id");
    assert_eq!(started, json!([{ "at": 1_795_276_600_000_000_i64 }, { "at": 1_795_276_500_123_000_i64 }]));
    // vegeta's latencies are 1.5 ms and a quarter more each time; every fourth request is a POST, and one of these failed.
    let report = bench.json(&["report", "1", "--json"]);
    let posts = report["run"]["summaries"].as_array().unwrap();
    let posts = posts.iter().find(|summary| summary["subject"]["endpoint"] == "POST /orders").unwrap();
    assert_eq!(posts["counts"]["failed"], 1);
    assert_eq!(posts["response"]["quantiles_us"][0], 2500.0, "{posts}");
    assert_eq!(posts["response"]["max_us"], 4500.0);
}

#[test]
fn two_forms_of_one_tool_give_the_same_run() {
    let bench = Bench::new();
    for (csv, json) in [("vegeta.csv", "vegeta.json"), ("k6.csv", "k6.json")] {
        import(&bench, csv, &["--label", csv]);
        import(&bench, json, &["--label", json]);
        let of = |label: &str| {
            let sql = "SELECT endpoint, outcome, status, reason, user_class, user, service_us, bytes_in, bytes_out \
                       FROM samples JOIN run ON run.id = run WHERE label = ";
            rows(&bench, &format!("{sql}'{label}' ORDER BY sequence"))
        };
        assert_eq!(of(csv), of(json));
    }
    let starts = |label: &str| {
        rows(&bench, &format!("SELECT sent_us FROM samples JOIN run ON run.id = run WHERE label = '{label}'"))
    };
    assert_eq!(starts("vegeta.csv"), starts("vegeta.json"));
}

#[test]
fn what_a_file_does_not_tell_is_said() {
    let bench = Bench::new();
    import(&bench, "k6.csv", &[]);
    let facts_of_k6 = facts(&bench);
    let sum = loadproof::checksum::sha256(std::fs::read(file("k6.csv")).unwrap());
    assert_eq!(
        facts_of_k6,
        json!({
            "imported from": "k6 CSV", "file": "k6.csv", "file SHA-256": sum, "left out": "2 dropped iterations",
            "lacks": "intended start times, first bytes, times within a second"
        })
    );
    import(&bench, "oha.csv", &["--endpoint", "GET /"]);
    assert_eq!(
        facts(&bench)["lacks"],
        "intended start times, requests without an answer, endpoints, users, date"
    );
    import(&bench, "locust.json", &[]);
    insta::assert_snapshot!(audit(&bench.out(&["report", "1"])));
    insta::assert_snapshot!(audit(&bench.out(&["report", "2"])));
    insta::assert_snapshot!(audit(&bench.out(&["report", "3"])));
}

/// The lines of a report that say whether it may be believed.
fn audit(report: &str) -> String {
    let is_check =
        |line: &&str| line.starts_with("     ") && ["WARN", "VALID"].iter().any(|word| line.contains(word));
    report.lines().filter(is_check).collect::<Vec<_>>().join("\n")
}

#[test]
fn imports_of_one_tool_are_compared_without_force() {
    let bench = Bench::new();
    import(&bench, "jmeter.jtl", &["--label", "before"]);
    import(&bench, "jmeter.jtl", &["--label", "after"]);
    import(&bench, "vegeta.csv", &["--label", "other"]);
    let compared = bench.json(&["compare", "before", "after", "--json"]);
    let checks = compared["judgement"]["audit"]["between_arms"].as_array().unwrap();
    let shown: Vec<String> = checks
        .iter()
        .map(|c| {
            format!(
                "{} {}: {}",
                c["grade"].as_str().unwrap(),
                c["name"].as_str().unwrap(),
                c["text"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
    let page = std::fs::read_to_string(bench.path("reports/compare-1-2.html"));
    assert!(page.is_err(), "JSON writes no page");
    bench.out(&["compare", "before", "after"]);
    let page = std::fs::read_to_string(bench.path("reports/compare-1-2.html")).unwrap();
    assert!(!page.contains("--seed"), "an import draws nothing");
    assert!(page.contains("coordinated omission") && page.contains("JMeter CSV"));
    let output = bench.run(&["compare", "before", "other"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("did different work"), "{}", stderr(&output));
}

#[test]
fn a_scenario_file_lends_its_name_its_claims_and_its_work() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(bench.path("scenario.toml")).unwrap();
    let claim = "[[claim]]\ntitle = \"orders are answered\"\nvalue = \"treatment.p95\"\nat_most = \"1s\"\n";
    bench.write("claims.toml", &format!("{text}\n{claim}"));
    bench.out(&["run", "claims.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
    let flags = ["--scenario", "claims.toml", "--load", "short", "--profile", "b"];
    import(&bench, "vegeta.csv", &flags);
    let runs = rows(&bench, "SELECT scenario, load, profile, arm, fingerprint FROM run ORDER BY id");
    assert_eq!(runs[0]["fingerprint"], runs[1]["fingerprint"]);
    assert_eq!((&runs[1]["scenario"], &runs[1]["arm"]), (&json!("jobs"), &json!("treatment")));
    let output = bench.run(&["report", "2", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["judgement"]["claims"][0]["claim"]["title"], "orders are answered");
    bench.run(&["compare", "1", "2"]);
    assert!(bench.path("reports/compare-1-2.html").exists());
    let series = bench.json(&["trend", "jobs", "--metric", "throughput", "--json"]);
    let profiles: Vec<&Value> = series["series"].as_array().unwrap().iter().map(|s| &s["profile"]).collect();
    assert_eq!(profiles, ["a", "b"]);
    let output = bench.run(&["import", &file("vegeta.csv"), "--scenario", "claims.toml", "--load", "shrot"]);
    assert_eq!(code(&output), 104);
    assert!(stderr(&output).contains("`shrot`") && stderr(&output).contains("short"), "{}", stderr(&output));
}

#[test]
fn an_imported_run_is_exported_as_any_other() {
    let bench = Bench::new();
    import(&bench, "oha.csv", &["--endpoint", "GET /health"]);
    let csv = bench.out(&["export", "1"]);
    let mut lines = csv.lines();
    let columns: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| columns.iter().position(|c| *c == name).unwrap();
    let (sent, done, status) = (column("sent_us"), column("done_us"), column("status"));
    let exported: Vec<(i64, i64, String)> = lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |place: usize| fields[place].parse::<i64>().unwrap();
            (number(sent), number(done) - number(sent), fields[status].to_owned())
        })
        .collect();
    let expected: Vec<(i64, i64, String)> = (0..18)
        .map(|i| (i * 10_000, 2100 + i * 500, if i == 11 { "503" } else { "200" }.to_owned()))
        .collect();
    assert_eq!(exported, expected);
}

#[test]
fn what_holds_no_samples_is_refused_with_a_way_out() {
    let bench = Bench::new();
    bench.write("empty.csv", "");
    bench.write("notes.txt", "dear diary\n");
    bench.write("nothing.csv", "timeStamp,elapsed,label,responseCode,success\n");
    std::fs::write(bench.path("k6.csv.gz"), [0x1f, 0x8b, 8, 0]).unwrap();
    std::fs::write(bench.path("results.bin"), [3, 0, 255, 0]).unwrap();
    let folder = format!("{}/", file(""));
    let mut said = Vec::new();
    for name in
        ["locust_stats.csv", "locust_failures.json", "oha.json", "k6_summary.json", "vegeta_report.json"]
    {
        said.push(bench.run(&["import", &file(name)]));
    }
    for name in ["empty.csv", "notes.txt", "nothing.csv", "k6.csv.gz", "results.bin", "gone.csv"] {
        said.push(bench.run(&["import", name]));
    }
    said.push(bench.run(&["import", &file("k6.csv"), "--format", "jmeter-csv"]));
    for output in &said {
        assert_eq!(code(output), 104, "{}", stderr(output));
    }
    let text: String = said.iter().map(stderr).collect();
    insta::assert_snapshot!(text.replace(folder.trim_end_matches('/'), "…"));
    assert!(!bench.path("reports/loadproof.db").exists(), "nothing is stored of them");
}

#[test]
fn nothing_is_stored_of_a_file_with_a_broken_line() {
    let bench = Bench::new();
    let whole = std::fs::read_to_string(file("locust.csv")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let (last, before) = lines.split_last().unwrap();
    let cut = before[before.len() - 1].split(',').take(3).collect::<Vec<_>>().join(",");
    bench.write("broken.csv", &format!("{}\n{cut}\n{last}\n", before[..before.len() - 1].join("\n")));
    let output = bench.run(&["import", "broken.csv"]);
    assert_eq!(code(&output), 104);
    assert!(stderr(&output).contains("`broken.csv`, line 40: "), "{}", stderr(&output));
    assert!(!bench.path("reports/loadproof.db").exists());
    let line = |i: usize| format!("1795276500000,12,/orders/{i},200,true\n");
    let many: String = (0..1001).map(line).collect();
    bench.write("ids.csv", &format!("timeStamp,elapsed,label,responseCode,success\n{many}"));
    let output = bench.run(&["import", "ids.csv"]);
    assert!(stderr(&output).contains("line 1002: more than 1000 different endpoints"), "{}", stderr(&output));
    let said = bench.json(&["import", "ids.csv", "--endpoint", "GET /orders/{id}", "--json"]);
    assert_eq!((&said["samples"], &said["endpoints"]), (&json!(1001), &json!(1)));
}
