//! Stored runs that are judged by claims which were made after them.

use crate::support::evidence;

use std::process::Output;

use evidence::{Shelf, USUAL};
use rusqlite::Connection;
use serde_json::Value;

const SAID: &str = "made after the fact";

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A shelf with an experiment, and a scenario file that claims something else of it.
fn shelf(other: (&str, &str)) -> Shelf {
    let shelf = Shelf::new();
    shelf.experiment(USUAL);
    let scenario = shelf.read("scenarios/shop.toml");
    assert!(scenario.contains(other.0));
    shelf.write("other.toml", &scenario.replacen(other.0, other.1, 1));
    shelf
}

fn verdicts(shelf: &Shelf) -> Vec<(String, String)> {
    let store = Connection::open(shelf.database()).unwrap();
    let mut statement = store.prepare("SELECT title, verdict FROM verdict ORDER BY id").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn a_mistyped_bound_does_not_cost_the_experiment_again() {
    let shelf = shelf(("at_least = \"1.9x\"", "at_least = \"2.9x\""));
    assert_eq!(code(&shelf.run(&["report", "e1"])), 0);
    let before = verdicts(&shelf);
    let own_page = shelf.read("reports/experiment-1.html");
    let output = shelf.run(&[
        "report",
        "e1",
        "--claims",
        "other.toml",
        "--junit",
        "j.xml",
        "--markdown",
        "m.md",
        "--html",
        "p.html",
    ]);
    let said = text(&output);
    // Twice as fast, but not 2.9 times.
    assert_eq!(code(&output), 99, "{said}");
    assert!(said.contains("REFUTED") && said.contains(SAID) && said.contains("`other.toml`"), "{said}");
    for file in ["j.xml", "m.md", "p.html"] {
        let form = shelf.read(file);
        assert!(form.contains(SAID), "{file}: {form}");
    }
    let json = shelf.run(&["report", "e1", "--claims", "other.toml", "--json"]);
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(document["page"]["judged"]["after_the_fact"].as_str().unwrap().contains(SAID));
    assert_eq!(document["verdict"], "refuted");
    // What was decided by the runs' own claims stands, in the store and on its page.
    assert_eq!(verdicts(&shelf), before);
    assert_eq!(code(&shelf.run(&["report", "e1", "--claims", "other.toml"])), 99);
    assert!(shelf.path("reports/experiment-1-by-other.html").exists());
    assert_eq!(shelf.read("reports/experiment-1.html"), own_page);
    assert!(!own_page.contains(SAID));
    // It can be made again from the store.
    let verified = shelf.run(&["verify", "p.html"]);
    assert_eq!(code(&verified), 0, "{}", text(&verified));
}

#[test]
fn claims_that_were_made_after_the_fact_do_not_count_for_a_sign_off() {
    let shelf = shelf(("at_least = \"1.9x\"", "at_least = \"2.9x\""));
    assert_eq!(code(&shelf.run(&["report", "e1", "--claims", "other.toml"])), 99);
    shelf.write(
        "release.toml",
        "product = \"Shop\"\nmax_age = \"14d\"\n[[require]]\nname = \"Rewrite\"\nscenario = \"shop\"\nclaims = [\"Twice as fast\"]\n",
    );
    let signed = shelf.run(&["signoff", "release.toml", "--release", "1.9.0", "--commit", "4f1c2e9a00b1"]);
    assert_eq!(code(&signed), 0, "{}", text(&signed));
    assert!(text(&signed).contains("2.00x") && !text(&signed).contains(SAID), "{}", text(&signed));
}

#[test]
fn what_was_not_recorded_decides_no_claim() {
    let further = r#"
    [[source]]
    prometheus = "http://127.0.0.1:1/metrics"
    signals = [{ name = "backlog", metric = "backlog", unit = "jobs" }]
    [[claim]]
    title = "The backlog stays small"
    value = "treatment.max('backlog')"
    at_most = 10
    [[claim]]
    title = "The drain is short"
    value = "treatment.drain_time"
    at_most = "1s"
    [[claim]]
    title = "Twice as fast"#;
    let shelf = shelf(("[[claim]]\n    title = \"Twice as fast", further));
    let output = shelf.run(&["report", "e1", "--claims", "other.toml", "--json"]);
    let document: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    assert_eq!(code(&output), 98);
    let claims = document["judgement"]["claims"].as_array().unwrap();
    let verdict = |title: &str| {
        let decided = claims.iter().find(|c| c["claim"]["title"] == title).unwrap();
        (decided["verdict"].as_str().unwrap(), decided["reason"].as_str().unwrap())
    };
    let (backlog, why) = verdict("The backlog stays small");
    assert!(backlog == "invalid" && why.contains("backlog"), "{backlog}: {why}");
    let (drain, why) = verdict("The drain is short");
    assert!(drain == "invalid" && why.contains("drain"), "{drain}: {why}");
    assert_eq!(verdict("Twice as fast").0, "supported", "the others are none the worse for it");
}

#[test]
fn two_runs_are_compared_by_other_claims() {
    let shelf = shelf(("at_least = \"1.9x\"", "at_least = \"2.9x\""));
    let own = shelf.run(&["compare", "1", "2", "--gate"]);
    assert!(code(&own) != 99 && !text(&own).contains("NOT INDICATED"), "{}", text(&own));
    let output = shelf.run(&["compare", "1", "2", "--gate", "--claims", "other.toml"]);
    assert_eq!(code(&output), 99, "{}", text(&output));
    assert!(text(&output).contains(SAID) && text(&output).contains("NOT INDICATED"), "{}", text(&output));
    // A run by itself has objectives only.
    let output = shelf.run(&["report", "2", "--claims", "other.toml"]);
    assert!(text(&output).contains(SAID), "{}", text(&output));
    let cut = shelf.read("other.toml");
    shelf.write("none.toml", &cut[..cut.find("[[claim]]").unwrap()]);
    let none = shelf.run(&["report", "e1", "--claims", "none.toml"]);
    assert_eq!(code(&none), 2);
    assert!(text(&none).contains("`none.toml` has no claims to judge by"), "{}", text(&none));
    assert_eq!(code(&shelf.run(&["report", "e1", "--claims", "missing.toml"])), 104);
}
