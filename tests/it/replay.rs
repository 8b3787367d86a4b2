//! Recorded starts, made again; arrivals that come in clusters; identifiers on a system that is up.

use crate::support::bench;

use bench::*;
use serde_json::{Value, json};

fn rows(bench: &Bench, sql: &str) -> Value {
    bench.json(&["store", "query", sql, "--format", "json"])
}

/// A scenario of two journeys against the bench's own system, with a load.
fn scenario(bench: &Bench, load: &str) -> String {
    let base_url = format!("base_url = \"{}\"", bench.server.url());
    format!(
        "name = \"replay\"\nwhy = \"w\"\n{base_url}\n[feeder.starts]\nfile = \"starts.csv\"\norder = \"sequential\"\n\
         [[journey]]\nname = \"read\"\nlet = {{ hit = {{ feed = \"starts\" }} }}\nsteps = [{{ request = \"GET /{{{{ hit.path }}}}\" }}]\n\
         [[journey]]\nname = \"write\"\nlet = {{ hit = {{ feed = \"starts\" }} }}\nsteps = [{{ request = \"POST /{{{{ hit.path }}}}\" }}]\n\
         [[user_class]]\nname = \"Log\"\njourneys = {{ read = 1, write = 1 }}\n[load.replay]\n{load}\n"
    )
}

#[test]
fn each_start_performs_its_journey_at_its_time_with_its_line() {
    let bench = Bench::new();
    bench.write("starts.csv", "at,journey,path\n10.0,read,a\n10.1,write,b\n10.3,read,c\n10.4,read,d\n");
    bench.write("replay.toml", &scenario(&bench, "replay = \"starts.csv\"\nspeed_up = 2"));
    bench.run(&["run", "replay.toml", "--progress", "none"]);
    let sql = "SELECT endpoint, intended_us FROM samples ORDER BY intended_us";
    let samples = rows(&bench, sql);
    let due: Vec<i64> =
        samples.as_array().unwrap().iter().map(|s| s["intended_us"].as_i64().unwrap()).collect();
    let gaps: Vec<i64> = due.windows(2).map(|pair| (pair[1] - pair[0]) / 1000).collect();
    assert_eq!(gaps, [50, 100, 50], "twice as fast");
    let called: Vec<&str> = samples
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["endpoint"].as_str().unwrap().split(' ').next().unwrap())
        .collect();
    assert_eq!(called, ["GET", "POST", "GET", "GET"]);
    let report: Value = serde_json::from_slice(&bench.run(&["report", "1", "--json"]).stdout).unwrap();
    let checks = report["judgement"]["audit"]["runs"][0]["checks"].as_array().unwrap();
    let replay = checks.iter().find(|check| check["name"] == "replay").unwrap();
    let text = replay["text"].as_str().unwrap();
    let expected =
        "4 starts of `starts.csv`, 2 times as fast, each with its own journey: 4 were made (100 %), p50 ";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn what_cannot_be_replayed_is_refused_where_it_is_named() {
    let bench = Bench::new();
    bench.write("starts.csv", "at,journey,path\n0,read,a\n1,buy,b\n");
    bench.write("replay.toml", &scenario(&bench, "replay = \"starts.csv\""));
    let output = bench.run(&["check", "replay.toml"]);
    let said = stderr(&output);
    assert!(said.contains("cannot replay `starts.csv`") && said.contains("line 3: "), "{said}");
    bench.write(
        "replay.toml",
        &scenario(&bench, "rate = 5\nrun_time = \"1s\"\narrivals = { dispersion = 0 }"),
    );
    let said = stderr(&bench.run(&["check", "replay.toml"]));
    assert!(said.contains("`dispersion` has to lie between 0.01 and 1000"), "{said}");
    bench.write(
        "replay.toml",
        &scenario(&bench, "rate = 5\nrun_time = \"1s\"\narrivals = { dispersion = 4 }"),
    );
    bench.write("starts.csv", "at,journey,path\n0,read,a\n");
    assert!(bench.out(&["check", "replay.toml"]).contains("is right"));
}

#[test]
fn a_second_run_with_the_same_seed_makes_other_identifiers_where_nothing_is_reset() {
    let bench = Bench::new();
    let text = scenario(&bench, "iterations = 4\nconcurrency = 1")
        .replace("GET /{{ hit.path }}\"", "GET /{{ uuid() }}\", expect = 404")
        .replace("POST /{{ hit.path }}\"", "POST /{{ uuid() }}\", expect = 404");
    bench.write("starts.csv", "at,journey,path\n0,read,a\n");
    bench.write("ids.toml", &text);
    // The answers are not as expected: what was asked for is kept.
    for _ in 0..2 {
        bench.run(&["run", "ids.toml", "--seed", "1", "--progress", "none"]);
    }
    let sql = "SELECT count(DISTINCT request) AS different, count(*) AS kept FROM exchanges";
    let exchanges = rows(&bench, sql);
    assert_eq!(exchanges[0]["different"], exchanges[0]["kept"], "{exchanges}");
    assert_ne!(exchanges[0]["kept"], json!(0));
    let sql = "SELECT DISTINCT seed FROM run";
    assert_eq!(rows(&bench, sql), json!([{ "seed": 1 }]));
}
