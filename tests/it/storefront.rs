//! The project's storefront scenarios, through the binary and on real services: every claim has a
//! value, every manipulation check holds, and one that does not is seen.

use crate::support::bench;

use std::path::Path;
use std::process::Command;

use bench::*;

/// One round of a scenario's smoke load, on free ports.
fn experiment(bench: &Bench, scenario: &str, switch: &str) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/storefront").join(scenario);
    let mut command =
        bench.command(&["experiment", file.to_str().unwrap(), "--load", "smoke", "--rounds", "1"]);
    command.args(["--seed", "1", "--run-time", "1.5s", "--progress", "none", "--json"]);
    // Other tests share the cores: what a busy generator measures is no matter here.
    command.arg("--allow-invalid");
    let ports = [free_ports(), free_ports(), free_ports(), free_ports()].concat();
    let names = [
        "LOOKUP_PORT",
        "LOOKUP_GRPC_PORT",
        "READ_PORT",
        "CHECKOUT_PORT",
        "INTENT_PORT",
        "PLAN_PORT",
        "EXECUTOR_PORT",
    ];
    for (name, port) in names.iter().zip(ports) {
        command.env(name, port.to_string());
    }
    command.env("TESTBED", testbed_program()).env("SWITCH", switch);
    command
}

/// The document of a scenario whose treatment is what it should be.
fn judged(scenario: &str) -> serde_json::Value {
    let bench = Bench::new();
    let output = experiment(&bench, scenario, "after").output().unwrap();
    // One round of a smoke load indicates at most, and nothing is invalid.
    assert!([0, 97].contains(&code(&output)), "{}", stderr(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for held in document["judgement"]["held"].as_array().unwrap() {
        assert_eq!(held["holds"], true, "{held}");
    }
    for claim in document["judgement"]["claims"].as_array().unwrap() {
        assert!(claim["estimate"].is_number(), "{claim}");
        assert_ne!(claim["verdict"], "invalid", "{claim}");
    }
    assert!(bench.query("SELECT count(*) FROM samples WHERE outcome = 'ok'") > 20);
    document
}

/// How many requests to an endpoint ended so in an arm.
fn count(document: &serde_json::Value, arm: &str, endpoint: &str, outcome: &str) -> u64 {
    let subjects = document["comparison"]["subjects"].as_array().unwrap();
    let found = subjects.iter().find(|s| s["subject"]["endpoint"] == endpoint);
    found.map_or(0, |s| s[arm]["counts"][outcome].as_u64().unwrap())
}

fn ok(document: &serde_json::Value, arm: &str, endpoint: &str) -> u64 {
    count(document, arm, endpoint, "ok")
}

#[test]
fn lookups_over_http_and_grpc() {
    let document = judged("lookup.toml");
    for endpoint in ["GET /lookup/{id}", "GRPC GetProduct"] {
        assert!(ok(&document, "baseline", endpoint) > 10 && ok(&document, "treatment", endpoint) > 10);
    }
}

#[test]
fn browsing_with_and_without_a_cache() {
    let document = judged("browse.toml");
    assert!(ok(&document, "treatment", "GET /api/products/{id}") > 20);
}

#[test]
fn checkouts_are_completed_and_the_books_agree() {
    let document = judged("checkout.toml");
    for arm in ["baseline", "treatment"] {
        assert!(ok(&document, arm, "checkout completed") > 10, "{arm}");
    }
}

#[test]
fn shopping_by_sentences_over_three_services() {
    let document = judged("shopping.toml");
    let orders = |arm| ok(&document, arm, "GET /orders/{id}");
    assert!(orders("baseline") > 5 && orders("treatment") > 5);
    // With retries every order is completed.
    assert_eq!(count(&document, "treatment", "GET /orders/{id}", "failed"), 0);
}

#[test]
fn a_treatment_that_is_none_makes_every_claim_invalid() {
    let bench = Bench::new();
    let output = experiment(&bench, "checkout.toml", "before").output().unwrap();
    assert_eq!(code(&output), 98, "{}", stderr(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["verdict"], "invalid");
}
