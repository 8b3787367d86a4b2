//! Saved baselines: small files that later runs are compared with.

use loadproof::checksum::sha256;

use crate::support::{bench, change_samples, seal_anew};
use std::os::unix::fs::PermissionsExt;

use bench::*;

const CLAIM: &str = r#"
[[claim]]
title = "No slower than before"
value = "treatment.p50 / baseline.p50"
at_most = "+100%"
"#;

/// A saved baseline as loadproof wrote it when some keys had other names.
fn first_form(file: &str) -> String {
    let mut text = file.replace("baseline/2", "baseline/1");
    for (new, old) in [
        ("traffic_class", "class"),
        ("is_counter", "is_total"),
        ("max_in_flight", "places"),
        ("deployments", "environments"),
    ] {
        assert!(text.contains(&format!("\"{new}\":")), "{new}");
        text = text.replace(&format!("\"{new}\":"), &format!("\"{old}\":"));
    }
    let stated = regex::Regex::new("\"checksum\":\"[0-9a-f]*\"").unwrap();
    let one_line = text.trim_end().replace('\n', "");
    let checksum = sha256(stated.replace(&one_line, "\"checksum\":\"\"").as_ref());
    stated.replace(&text, format!("\"checksum\":\"{checksum}\"")).into_owned()
}

#[test]
fn an_invalid_run_is_no_baseline() {
    let bench = Bench::new();
    bench.write("claims.toml", &format!("{}\n{CLAIM}", scenario(&bench.server.url())));
    for _ in 0..2 {
        bench.run(&["run", "claims.toml", "--load", "short", "--profile", "a", "--seed", "1"]);
    }
    // Nine of ten requests of the first run were not answered.
    let store = rusqlite::Connection::open(bench.path("reports/loadproof.db")).unwrap();
    change_samples(&store, "UPDATE sample SET outcome = 3, status = 0 WHERE id < 2 << 32 AND id % 10 > 0");
    seal_anew(&bench.path("reports/loadproof.db"));
    let refused = bench.run(&["baseline", "save", "v1", "1"]);
    let said = stderr(&refused);
    assert_eq!(code(&refused), 2, "{said}");
    assert!(said.contains("run 1 is INVALID and cannot be a baseline: answers: "), "{said}");
    assert!(!bench.path("baselines/v1.json").exists());

    // It may be kept, marked, but nothing is decided by it.
    let saved = bench.out(&["baseline", "save", "v1", "1", "--allow-invalid"]);
    assert!(saved.contains("(1 INVALID)") && saved.contains("audit INVALID"), "{saved}");
    assert!(bench.out(&["baseline", "list"]).contains("(1 INVALID)"));
    for further in [&[][..], &["--allow-invalid"]] {
        let compared = bench.run(&[&["compare", "--baseline", "v1", "2", "--json"], further].concat());
        let document: serde_json::Value = serde_json::from_slice(&compared.stdout).unwrap();
        assert_eq!((code(&compared), &document["verdict"]), (98, &"invalid".into()), "{further:?}");
    }
}

#[test]
fn later_runs_are_compared_with_a_saved_baseline() {
    let bench = Bench::new();
    let text = format!("{}\n{CLAIM}", scenario(&bench.server.url())).replace("rounds = 1", "rounds = 5");
    bench.write("claims.toml", &text);
    bench.out(&["experiment", "claims.toml", "--seed", "1"]);
    let saved = bench.out(&["baseline", "save", "v1"]);
    assert!(saved.contains("runs         5 with") && saved.contains("baselines/v1.json"), "{saved}");
    assert!(std::fs::metadata(bench.path("baselines/v1.json")).unwrap().len() < 60_000);
    assert!(bench.out(&["baseline", "list"]).contains("v1"));
    assert_eq!(code(&bench.run(&["baseline", "save", "v1"])), 2, "a name is not taken twice");

    // The figures of the rebuilt runs are those of the samples, within the histogram's steps.
    let p50 =
        |json: &serde_json::Value| json["judgement"]["claims"][0]["inputs"][1]["value"].as_f64().unwrap();
    let measured = bench.json(&["report", "e1", "--json"]);
    let rebuilt = bench.json(&["compare", "--baseline", "v1", "e1", "--json"]);
    assert!((p50(&measured) / p50(&rebuilt) - 1.0).abs() < 2e-3, "{} {}", p50(&measured), p50(&rebuilt));
    // Runs that were not made in rounds only indicate.
    assert_eq!((&rebuilt["verdict"], &rebuilt["word"]), (&"undecided".into(), &"indicated".into()));
    let checks = rebuilt["judgement"]["audit"]["between_arms"].to_string();
    assert!(checks.contains("`v1` of") && checks.contains("same machine"), "{checks}");

    // Without the store that it came from, on another machine by its own words.
    std::fs::remove_dir_all(bench.path("reports")).unwrap();
    bench.out(&["run", "claims.toml", "--load", "short", "--profile", "b", "--seed", "9"]);
    // A busy machine may have voided the short run: that is not what is looked at.
    let output = bench.run(&["compare", "--baseline", "v1", "--allow-invalid"]);
    assert_eq!(code(&output), 0, "one run is indicative: {}", stdout(&output));
    let other = bench.run(&["compare", "--baseline", "v2"]);
    assert!(
        code(&other) == 2 && stderr(&other).contains("baseline `v2` was not found"),
        "{}",
        stderr(&other)
    );
    let file = std::fs::read_to_string(bench.path("baselines/v1.json")).unwrap();
    bench.write("baselines/v1.json", &file.replacen("\"status\":201", "\"status\":200", 1));
    let changed = bench.run(&["compare", "--baseline", "v1"]);
    assert!(
        code(&changed) != 0 && stderr(&changed).contains("its checksum does not fit"),
        "{}",
        stderr(&changed)
    );
    bench.write("baselines/v0.json", &first_form(&file));
    let old = bench.run(&["compare", "--baseline", "v0", "--allow-invalid"]);
    assert_eq!((code(&old), stderr(&old)), (0, stderr(&output)), "the form before is read");
    bench.write("baselines/v0.json", &first_form(&file).replacen("\"status\":201", "\"status\":200", 1));
    assert!(stderr(&bench.run(&["compare", "--baseline", "v0"])).contains("its checksum does not fit"));
    bench.out(&["baseline", "remove", "v0"]);
    bench.out(&["baseline", "remove", "v1"]);
    assert!(bench.out(&["baseline", "list"]).contains("no baselines yet"));
}

#[test]
fn a_selftest_qualifies_the_instrument_and_reports_say_so() {
    let bench = Bench::new();
    let program = testbed_program();
    let output = bench
        .command(&[
            "selftest",
            "--rounds",
            "5",
            "--json",
            "--progress",
            "none",
            "--testbed",
            program.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    // Whether it qualifies is for the machine to say, which may be busy: what it says has to agree with itself.
    let is_qualified = code(&output) == 0;
    assert!(is_qualified || code(&output) == 98, "{}{}", stdout(&output), stderr(&output));
    let result: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&result["rounds"], &result["false_claims"]), (&5.into(), &6.into()));
    if is_qualified {
        assert_eq!(result["detected"], 1);
        let ends = [1, 2].map(|place| result["measured"][place].as_f64().unwrap());
        assert!(ends[0] < 1.26 && ends[1] > 1.24, "{ends:?}");
    }
    let report = bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a"]);
    let said = if is_qualified { "selftest    Qualified: " } else { "selftest    NOT qualified: " };
    assert!(report.contains(said), "{report}");
    assert_eq!(bench.query("SELECT count(*) FROM run"), 1, "selftests are nobody's results");
}

#[test]
fn a_planted_fault_is_judged_and_reports_say_nothing_of_one_by_itself() {
    let bench = Bench::new();
    let program = testbed_program();
    let arguments = ["selftest", "--faults=equal", "--progress", "none", "--testbed"];
    let output = bench.command(&[&arguments[..], &[program.to_str().unwrap()]].concat()).output().unwrap();
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("  right  equal ") && text.contains("nothing; the arms are equal"), "{text}");
    assert!(text.contains("1 of 1 planted faults were judged correctly"), "{text}");
    assert!(!bench.path("reports/faults.json").exists());
    let unknown = bench.run(&["selftest", "--faults=hangs"]);
    assert!(code(&unknown) == 2 && stderr(&unknown).contains("expected one of faster, equal"));
}

#[test]
fn a_wrong_verdict_about_a_planted_fault_fails() {
    let bench = Bench::new();
    // A testbed that plants nothing: the treatment that should be faster is not.
    let program = bench.path("idle-testbed");
    let script = format!(
        "#!/bin/sh\nexec '{}' known --port \"$3\" --service-time 20ms\n",
        testbed_program().display()
    );
    bench.write("idle-testbed", &script);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let arguments = ["selftest", "--faults=faster", "--progress", "none", "--json", "--testbed"];
    let output = bench.command(&[&arguments[..], &[program.to_str().unwrap()]].concat()).output().unwrap();
    assert_eq!(code(&output), 98, "{}{}", stdout(&output), stderr(&output));
    let result: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let found = &result["found"][0];
    assert_ne!(found["verdict"], "supported");
    assert_eq!(found["right"], serde_json::json!(["supported"]));
}
