//! `loadproof capacity` against a server whose capacity is known.

use crate::support::bench;

use bench::*;

/// An open load makes exactly as many requests as it is told to: an objective that bounds them is met
/// up to 100 per second, on any machine.
const CAPACITY: &str = r#"
[[journey]]
name = "Ask"
steps = [{ request = "GET /" }]
[[user_class]]
name = "Asker"
journeys = { Ask = 1 }
[profile.a]
[load.raised]
rate = 60
run_time = '1s'
max_in_flight = 50
[capacity]
objective = ['run.requests <= 100', 'run.ok_share >= 0.99']
load = 'raised'
to = 200
repeats = 1
"#;

fn bench() -> Bench {
    let bench = Bench::new();
    let text = format!("name = \"raised\"\nbase_url = \"{}\"\n{CAPACITY}", bench.server.url());
    bench.write("scenario.toml", &text);
    bench
}

#[test]
fn a_rate_is_raised_until_the_objective_is_missed() {
    let bench = bench();
    let document =
        bench.json(&["capacity", "scenario.toml", "--profile", "a", "--json", "--progress", "none"]);
    assert_eq!(document["schema"], "loadproof.capacity/1");
    let capacity = &document["capacity"];
    let found = capacity["found"].as_f64().unwrap();
    let missed = capacity["missed"].as_f64().unwrap();
    // How near it comes is for the search's own tests: a machine that is busy otherwise may miss earlier.
    assert!((60.0..=100.0).contains(&found) && missed > found, "{capacity}");
    assert!(capacity["broke_first"][0]["seen"].is_string(), "{capacity}");
    let points = capacity["curve"]["points"].as_array().unwrap();
    assert_eq!(
        points.iter().map(|p| p["tries"].as_i64().unwrap()).sum::<i64>(),
        bench.query("SELECT count(*) FROM run")
    );
    assert_eq!(
        bench.query("SELECT count(*) FROM run WHERE label = 'capacity'"),
        bench.query("SELECT count(*) FROM run")
    );
    let beyond = points.iter().filter(|p| p["load"].as_f64().unwrap() > 100.0);
    for point in beyond {
        assert_eq!(point["met"], 0, "{point}");
        let requests =
            |b: &serde_json::Value| b["condition"] == "run.requests <= 100" && b["mode"] == "errors";
        assert!(point["broken"].as_array().unwrap().iter().any(requests), "{point}");
    }
}

#[test]
fn the_curve_is_a_table_and_a_page() {
    let bench = bench();
    let text =
        bench.out(&["capacity", "scenario.toml", "--profile", "a", "--no-beyond", "--progress", "none"]);
    assert!(text.contains("Capacity: ") && text.contains("First condition missed: "), "{text}");
    assert!(text.contains("per second") && text.contains("achieved, /s"), "{text}");
    let pages: Vec<_> = std::fs::read_dir(bench.path("reports"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "html"))
        .collect();
    assert_eq!(pages.len(), 1, "{pages:?}");
    let page = std::fs::read_to_string(&pages[0]).unwrap();
    assert!(page.contains("All loads") && page.matches("<svg").count() >= 2);
}

#[test]
fn an_objective_that_nothing_meets_and_one_that_is_none() {
    let bench = bench();
    let flags = [
        "capacity",
        "scenario.toml",
        "--profile",
        "a",
        "--progress",
        "none",
        "--repeats",
        "1",
        "--no-beyond",
    ];
    let never = bench.run(&[&flags[..], &["--objective", "run.p50 <= 0.001"]].concat());
    assert_eq!(code(&never), 99, "{}", stderr(&never));
    assert!(stdout(&never).contains("No load meets the objective"), "{}", stdout(&never));
    let wrong = bench.run(&[&flags[..], &["--objective", "run.p5O <= 50"]].concat());
    assert_eq!(code(&wrong), 104);
    assert!(stderr(&wrong).contains("--objective"), "{}", stderr(&wrong));
}
