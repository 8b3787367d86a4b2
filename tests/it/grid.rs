//! Grids: every combination of variables' values as an arm, on a server whose capacity is known.

use crate::support::{bench, ports};

use bench::*;

/// A server with `places` places and a service time, called by four users without a pause: with fewer places than users
/// it answers `places / time` requests a second.
fn tuned(bench: &Bench) {
    let (port, program) = (ports::free_port(), testbed_program());
    let text = format!(
        r#"
name = "tuned"
why = "A test."
base_url = "http://127.0.0.1:{port}"
[vars]
places = '{{{{ env("PLACES", "1") }}}}'
time = "20ms"
unused = 1
[[journey]]
name = "Job"
traffic_class = "production"
steps = [{{ request = "GET /status/200" }}]
[[user_class]]
name = "User"
journeys = {{ Job = 1 }}
[load.closed]
users = 4
run_time = "0.6s"
[profile.server]
[[profile.server.service]]
name = "known"
command = ["{}", "known", "--port", "{port}", "--service-time", "{{{{ vars.time }}}}", "--places", "{{{{ vars.places }}}}"]
ready = "tcp://127.0.0.1:{port}"
[[claim]]
title = "Answers"
value = "run.answered_share"
at_least = "50%"
profiles = ["server"]
"#,
        program.display()
    );
    bench.write("tuned.toml", &text);
}

fn grid(bench: &Bench, arguments: &[&str]) -> std::process::Output {
    bench.run(&[&["experiment", "tuned.toml", "--load", "closed", "--seed", "1"], arguments].concat())
}

#[test]
fn a_grid_runs_every_combination_and_finds_what_each_factor_does() {
    let bench = Bench::new();
    tuned(&bench);
    let output = grid(
        &bench,
        &[
            "--grid",
            "PLACES=1,4",
            "--grid",
            "time=20ms,60ms",
            "--scales",
            "PLACES=4:2",
            "--rounds",
            "2",
            "--allow-invalid",
            "--json",
        ],
    );
    let (text, told) = (stdout(&output), stderr(&output));
    assert!([0, 97, 98].contains(&code(&output)), "{text}{told}");
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE state = 'done'"), 8);
    assert_eq!(
        bench.query("SELECT count(*) FROM run WHERE profile = 'PLACES=1,time=20ms' AND arm = 'baseline'"),
        2
    );
    assert_eq!(
        bench.query("SELECT count(*) FROM environment WHERE name = 'factor PLACES' AND value = '4'"),
        4
    );
    let first = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>().next();
    let json = first.unwrap().unwrap();
    let grid = &json["grid"];
    assert_eq!(grid["cells"].as_array().unwrap().len(), 4);
    let effects = &grid["effects"][0];
    assert_eq!(effects["metric"], "throughput");
    let ratio = |of: &str, place: usize| effects[of][place]["ratio"].as_f64().unwrap();
    // Four times the places serve up to four times as many, and three times the time a third: on a busy machine less
    // than that, but never the other way round.
    assert!((1.5..6.0).contains(&ratio("main", 0)), "{effects}");
    assert!((0.2..0.8).contains(&ratio("main", 1)), "{effects}");
    let best = grid["cells"].as_array().unwrap().iter().find(|cell| cell["profile"] == "PLACES=4,time=20ms");
    assert_eq!(best.unwrap()["standing"]["standing"], "undominated", "{grid}");
    // Claims about the base profile are about its cells, and the scaling is one more.
    let terminal = stdout(&bench.run(&["report", "e1", "--allow-invalid"]));
    for words in
        ["4 cells of PLACES × time · 2 rounds", "Effects on throughput", "scales throughput", "Answers"]
    {
        assert!(terminal.contains(words), "{words}: {terminal}");
    }
    let page = std::fs::read_to_string(bench.path("reports/experiment-1-PLACES-4-time-20ms.html")).unwrap();
    assert!(page.contains("<h2>Grid</h2>") && page.contains("id=\"trade-off\""));
}

#[test]
fn a_screening_round_leaves_out_what_is_clearly_beaten() {
    let bench = Bench::new();
    tuned(&bench);
    let output = grid(
        &bench,
        &[
            "--grid",
            "places=1,4",
            "--grid",
            "time=20ms,200ms",
            "--screen",
            "0.5s",
            "--rounds",
            "1",
            "--allow-invalid",
        ],
    );
    let (text, told) = (stdout(&output), stderr(&output));
    assert!(
        told.contains("screening e1: 2 of 4 combinations are left: places=1,time=20ms; places=4,time=20ms"),
        "{told}{text}"
    );
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE experiment = 1"), 4);
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE experiment = 2"), 2);
    assert!(text.contains("2 cells of places × time · 1 round"), "{text}");
}

#[test]
fn mistakes_in_a_grid_are_shown_where_they_are() {
    let bench = Bench::new();
    tuned(&bench);
    let mistakes = [
        &["--grid", "place=1,2"][..],
        &["--grid", "unused=1,2"],
        &["--grid", "places=1,2", "--var", "places=3"],
        &["--grid", "places=1,2", "--scales", "places=3:2"],
        &["--grid", "places=1,2", "--baseline", "serve"],
    ];
    let told = mistakes.map(|arguments| {
        let output = grid(&bench, &[arguments, &["--dry-run"]].concat());
        assert_eq!(code(&output), 104, "{}", stderr(&output));
        stderr(&output)
    });
    insta::assert_snapshot!(told.join("\n"));
    for usage in [&["--grid", "places=1"][..], &["--grid", "places=1,2", "--grid", "places=3,4"]] {
        assert_eq!(code(&grid(&bench, usage)), 2);
    }
}
