//! Keys with a stated popularity, and records of feeders: from the scenario to the samples.

use crate::support;
use std::path::Path;

use loadproof::sample::{Outcome, Sample};
use loadproof::scenario;
use support::{Drive, Files, Taken, drive};
use testbed::known::{self, Truth};

const PEOPLE: &str = "name,mail\nAda,ada@example.org\nBob,bob@example.org\nCleo,cleo@example.org\n";

/// A scenario of one journey with these variables and this load.
fn text(tables: &str, variables: &str, load: &str) -> String {
    format!(
        r#"
name = "keys"
base_url = "http://127.0.0.1:1"
{tables}
[[journey]]
name = "Only"
let = {variables}
steps = [{{ request = "GET /{{{{ id }}}}", name = "GET /id" }}]
[[user_class]]
name = "User"
journeys = {{ Only = 1 }}
[load.test]
{load}
"#
    )
}

fn run(tables: &str, variables: &str, load: &str, seed: u64) -> Taken {
    let server = known::spawn(Truth::default()).unwrap();
    let text = text(tables, variables, load);
    let files = Files(&[("scenario.toml", &text), ("people.csv", PEOPLE)]);
    let scenario = scenario::compile(Path::new("scenario.toml"), &files).unwrap();
    drive(&scenario.into(), &server.url(), Drive { seed, ..Drive::default() })
}

fn mistakes(tables: &str, variables: &str) -> String {
    let text = text(tables, variables, "iterations = 1\nconcurrency = 1");
    let files = Files(&[("scenario.toml", &text), ("people.csv", PEOPLE), ("empty.csv", "name\n")]);
    scenario::compile(Path::new("scenario.toml"), &files).unwrap_err().to_string()
}

fn numbers(taken: &Taken) -> Vec<u64> {
    let mut samples: Vec<&Sample> = taken.samples().collect();
    samples.sort_by_key(|s| s.intended_us);
    samples.iter().map(|s| s.key.parts().map_or(0, |(_, number)| number)).collect()
}

#[test]
fn samples_know_the_key_that_they_were_about() {
    let keys = "[keys.product]\nof = 1000\nzipf = 1.1";
    let load = "rate = 1000\nrun_time = '1s'";
    let first = numbers(&run(keys, r#"{ id = { key = "product" } }"#, load, 7));
    assert_eq!(first.len(), 1000);
    assert!(first.iter().all(|key| (1..=1000).contains(key)));
    // A Zipf distribution of exponent 1.1 over 1000 keys gives the first key 18 % of all draws.
    let hottest = first.iter().filter(|key| **key == 1).count();
    assert!((130..240).contains(&hottest), "{hottest}");
    assert_eq!(
        first,
        numbers(&run(keys, r#"{ id = { key = "product" } }"#, load, 7)),
        "same seed, same keys"
    );
    assert_ne!(first, numbers(&run(keys, r#"{ id = { key = "product" } }"#, load, 8)));
}

#[test]
fn a_feeder_deals_its_records_out_in_turn() {
    let feeder = "[feeder.people]\nfile = 'people.csv'";
    let variables = r#"{ person = { feed = "people" }, id = "{{ person.mail }}" }"#;
    let taken = run(feeder, variables, "rate = 100\nrun_time = '0.06s'", 1);
    assert_eq!(numbers(&taken), [1, 2, 3, 1, 2, 3], "{:?}", taken.reasons());
    assert!(taken.samples().all(|s| s.outcome == Outcome::Ok));
}

#[test]
fn records_that_are_unique_run_out_and_that_is_said() {
    let feeder = "[feeder.people]\nfile = 'people.csv'\norder = 'unique'";
    let variables = r#"{ person = { feed = "people" }, id = "{{ person.name }}" }"#;
    let taken = run(feeder, variables, "users = 2\nrun_time = '2s'", 1);
    // Two users share three records; each notes once that it found none left, and stops.
    assert_eq!(taken.outcomes(), [3, 0, 0, 0, 2]);
    assert_eq!(taken.reasons(), ["no unused record left"]);
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    insta::assert_snapshot!(mistakes(
        "[keys.product]\nof = 10\nzipf = -1\nhot = { keys = 10, share = 0.9 }",
        r#"{ id = { key = "prodcut" } }"#
    ));
    insta::assert_snapshot!(mistakes(
        "[feeder.people]\nfile = 'people.csv'\norder = 'randomly'\n[feeder.none]\nfile = 'empty.csv'\n[feeder.gone]\nfile = 'gone.json'",
        r#"{ id = { feed = "peple", key = "x" }, other = { fed = "people" } }"#
    ));
}
