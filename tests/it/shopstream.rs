//! The `ShopStream` suite through the binary: its invariants hold on the shop, and are refuted on one
//! that oversells; the same with real neighbours.

use crate::support::bench;
use crate::support::servers;

use std::path::{Path, PathBuf};
use std::process::Command;

use bench::*;
use serde_json::Value;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/shopstream").join(name)
}

/// A run of one of the suite's scenarios on free ports, with the shop's data in the bench's folder.
fn shop(bench: &Bench, scenario: &str, profile: &str, load: &str, more: &[&str]) -> Command {
    let path = file(scenario);
    let mut command = bench.command(&["run", path.to_str().unwrap(), "--profile", profile, "--load", load]);
    command.args(["--seed", "1", "--progress", "none", "--json", "--allow-invalid"]).args(more);
    let [api, observatory] = free_ports();
    command
        .env("TESTBED", testbed_program())
        .env("SHOPSTREAM_PORT", api.to_string())
        .env("OBSERVATORY_PORT", observatory.to_string())
        .env("SHOP_DATA", bench.path("shop"));
    for context in ["inventory", "ordering", "payments"] {
        let database = bench.path("shop").join(format!("{context}.db"));
        let name = format!("{}_SQL", context.to_uppercase());
        command.env(name, format!("sqlite:{}", database.display()));
    }
    command
}

fn document(command: &mut Command, exit_code: i32) -> Value {
    let output = command.output().unwrap();
    assert_eq!(code(&output), exit_code, "{}\n{}", stdout(&output), stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The verdicts of a document's claims, by id.
fn verdicts(document: &Value) -> Vec<(String, String)> {
    let claims = document["judgement"]["claims"].as_array().unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    claims.iter().map(|c| (word(&c["claim"]["id"]), word(&c["verdict"]))).collect()
}

fn races(document: &Value) -> &Vec<Value> {
    document["run"]["races"].as_array().unwrap()
}

const QUICK: [&str; 6] = ["--run-time", "3s", "--users", "20", "--spawn-rate", "40"];

#[test]
fn every_event_of_an_ordinary_day_is_processed_and_nothing_fails() {
    let bench = Bench::new();
    let prefix = bench.path("results/smoke");
    let mut command = shop(&bench, "mixed.toml", "embedded", "smoke", &QUICK);
    let document = document(command.args(["--csv", prefix.to_str().unwrap()]), 0);
    assert_eq!(verdicts(&document).len(), 2);
    let raised = &document["judgement"]["claims"][1]["inputs"];
    assert!(raised.as_array().unwrap().len() > 10, "{raised}");

    let stats = std::fs::read_to_string(bench.path("results/smoke_stats.csv")).unwrap();
    assert!(stats.starts_with("Type,Name,Request Count,Failure Count,Median Response Time,"));
    let total = stats.lines().last().unwrap().split(',').nth(2).unwrap().parse::<i64>().unwrap();
    assert_eq!(total, bench.query("SELECT count(*) FROM samples WHERE kind = 'request'"));
    for end in ["_stats_history.csv", "_failures.csv", "_exceptions.csv", "_outcomes.csv"] {
        assert!(bench.path(&format!("results/smoke{end}")).exists(), "{end}");
    }
}

#[test]
fn complete_orders_and_sagas_leave_nothing_unaccounted_for() {
    let bench = Bench::new();
    let quick = ["--run-time", "6s", "--users", "30", "--spawn-rate", "60"];
    let document = document(&mut shop(&bench, "cross_domain.toml", "embedded", "saga", &quick), 0);
    assert_eq!(verdicts(&document), [("S1".to_owned(), "supported".to_owned())]);
    // The journeys come as far as payment, where user and shop note it both: once it counts.
    assert!(bench.query("SELECT count(*) FROM samples WHERE endpoint LIKE '%payment/pending'") > 3);
}

fn assert_races(document: &Value) {
    for (id, verdict) in verdicts(document) {
        assert_eq!(verdict, "supported", "{id}: {document}");
    }
    let cancel = races(document).iter().find(|race| race["name"] == "cancel or pay").unwrap();
    assert!(cancel["races"].as_u64().unwrap() > 3);
    assert_eq!(cancel["entrants"], serde_json::json!([3, 3]));
    assert!(cancel["overlap"].as_f64().unwrap() > 0.9, "{cancel}");
    assert!(!cancel["endings"].as_array().unwrap().is_empty());
}

#[test]
fn races_are_run_and_leave_the_shop_consistent() {
    let bench = Bench::new();
    let quick = ["--run-time", "6s", "--users", "20", "--spawn-rate", "40"];
    let document = document(&mut shop(&bench, "cross_domain.toml", "embedded", "race", &quick), 0);
    assert_races(&document);
    assert!(bench.query("SELECT count(*) FROM entrants WHERE status = 409") > 0, "some conflict");
    assert_eq!(bench.query("SELECT count(*) FROM samples WHERE outcome NOT IN ('ok', 'rejected')"), 0);
}

#[test]
fn a_flash_sale_sells_ten_units_to_those_who_come_at_once() {
    let bench = Bench::new();
    let document = document(&mut shop(&bench, "cross_domain.toml", "embedded", "flash-sale", &QUICK), 0);
    assert_eq!(verdicts(&document).len(), 4);
    assert_eq!(bench.query("SELECT count(*) FROM samples WHERE endpoint = 'POST /warehouses'"), 1);
    let first = &races(&document)[0]["endings"];
    assert!(first.as_array().unwrap().len() >= 2, "one race is won by some, the others by none: {first}");
}

#[test]
fn a_shop_that_oversells_is_found_out() {
    let bench = Bench::new();
    let document = document(&mut shop(&bench, "cross_domain.toml", "oversell", "flash-sale", &QUICK), 99);
    let refuted: Vec<String> = verdicts(&document)
        .into_iter()
        .filter(|(_, verdict)| verdict == "refuted")
        .map(|(id, _)| id)
        .collect();
    assert_eq!(refuted, ["F1", "F2", "F3"]);
}

#[test]
fn a_sale_without_a_refusal_is_a_warning_sign() {
    let bench = Bench::new();
    let quick = ["--run-time", "1s", "--users", "1"];
    let output = shop(&bench, "cross_domain.toml", "embedded", "flash-sale", &quick).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let symptoms = document["judgement"]["symptoms"].as_array().unwrap();
    let symptom = symptoms.iter().find(|symptom| symptom["title"].as_str().unwrap().contains("no refusal"));
    // One user reserves one to three units at a time, five times a second.
    assert!(
        symptom.is_none() == (bench.query("SELECT count(*) FROM samples WHERE outcome = 'rejected'") > 0)
    );
}

#[test]
fn the_same_holds_on_postgresql_and_redis() {
    let (Some(postgres), Some(redis)) = (servers::postgres(), servers::redis()) else { return };
    let base = format!("postgres://postgres@127.0.0.1:{}", postgres.port);
    let real = |bench: &Bench, scenario: &str, load: &str, more: &[&str]| {
        let mut command = shop(bench, scenario, "real", load, more);
        command
            .env("POSTGRES_URL", format!("{base}/postgres"))
            .env("REDIS_URL", format!("redis://127.0.0.1:{}", redis.port));
        for context in ["inventory", "ordering", "payments"] {
            let name = format!("{}_SQL", context.to_uppercase());
            command.env(name, format!("{base}/{context}_local"));
        }
        command
    };
    let bench = Bench::new();
    let quick = ["--run-time", "5s", "--users", "20", "--spawn-rate", "40"];
    assert_races(&document(&mut real(&bench, "cross_domain.toml", "race", &quick), 0));
    assert_eq!(bench.query("SELECT count(*) FROM samples WHERE outcome NOT IN ('ok', 'rejected')"), 0);
    // The next run finds a shop that was reset, streams included.
    document(&mut real(&bench, "cross_domain.toml", "flash-sale", &QUICK), 0);
    document(&mut real(&bench, "mixed.toml", "smoke", &QUICK), 0);
}

#[test]
fn every_file_of_the_suite_is_right_by_itself() {
    let bench = Bench::new();
    for entry in std::fs::read_dir(file("")).unwrap() {
        let path = entry.unwrap().path();
        // These two are parts of the others.
        let parts = ["payloads", "system"].map(|name| file(&format!("{name}.toml")));
        if !parts.contains(&path) {
            bench.out(&["check", path.to_str().unwrap()]);
        }
    }
}
