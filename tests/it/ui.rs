//! `loadproof ui`: runs that are started from a page, and what the history leads to.

use crate::support::bench;
use crate::support::live;

use bench::*;
use live::{Served, is_done, ticks};
use rustix::process::Signal;
use serde_json::{Value, json};

/// `loadproof ui` in a folder with the scenario.
fn ui(bench: &Bench) -> Served {
    std::fs::create_dir_all(bench.path("scenarios")).unwrap();
    bench.write("scenarios/jobs.toml", &scenario(&bench.server.url()));
    bench.write("scenarios/part.toml", "[body.x]\na = 1\n");
    Served::start(bench.command(&["ui", "--ui-bind", "127.0.0.1:0"]))
}

#[test]
fn slow_clients_take_no_place_from_viewers() {
    use std::io::{Read, Write};
    let bench = Bench::new();
    let page = ui(&bench);
    let mut slow = Vec::new();
    // 2000, or as many as this process may open.
    while slow.len() < 2000 {
        let Ok(mut stream) = std::net::TcpStream::connect(&page.address) else { break };
        if stream.write_all(b"GET / HTTP/1.1\r\nHost: ").is_err() {
            break;
        }
        slow.push(stream);
    }
    assert!(slow.len() > 600, "{} connections", slow.len());
    // Files are short where all of them were taken.
    slow.truncate(slow.len() - 20);
    assert_eq!(page.get("/healthz").status, 200);
    // The oldest have made way; the others go when their time is up.
    for stream in slow.iter_mut().take(300) {
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        let ended = stream.read(&mut [0; 512]);
        assert!(
            !ended.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock),
            "a slow client is still there"
        );
    }
    assert_eq!(page.get("/healthz").status, 200);
}

#[test]
fn runs_are_started_and_stopped_from_the_page() {
    let bench = Bench::new();
    let page = ui(&bench);
    let first = page.get("/").body;
    assert!(first.contains("scenarios/jobs.toml"), "{first}");
    assert!(first.contains("scenarios/part.toml"), "no reason is given for what is not offered");
    assert_eq!(page.post("/api/stop", &json!({})).status, 409);

    let form = json!({ "command": "run", "scenario": "scenarios/jobs.toml", "profile": "a", "load": "long",
                       "label": "it's", "seed": "7" });
    let line = page.post("/api/command", &form);
    let shown: Value = serde_json::from_str(&line.body).unwrap();
    let command = "loadproof run scenarios/jobs.toml --profile a --load long --label 'it'\\''s' --seed 7";
    assert_eq!(shown["command"], command);
    let wrong = json!({ "command": "run", "scenario": "scenarios/jobs.toml", "profile": "a", "load": "long",
                        "label": "--html=x" });
    let refused = page.post("/api/start", &wrong);
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("\"field\":\"label\""), "{}", refused.body);
    assert_eq!(page.post("/api/start", &json!({ "html": "x" })).status, 422);
    assert_eq!(page.json("/api/snapshot")["state"]["stage"], "idle");

    assert_eq!(page.post("/api/start", &form).status, 200);
    page.until("a tick", |state| ticks(state) >= 1);
    assert_eq!(page.post("/api/start", &form).status, 409);
    assert_eq!(page.post("/api/stop", &json!({})).status, 202);
    let done = page.until("the end", is_done);
    assert_eq!(done["state"]["done"]["word"], "interrupted");
    assert_eq!(
        bench.query("SELECT count(*) FROM run WHERE state = 'interrupted' AND seed = 7 AND label = 'it''s'"),
        1
    );

    assert_eq!(page.post("/api/start", &form).status, 200);
    page.until("a tick", |state| state["begin"]["run"] == 2 && ticks(state) >= 1);
    assert_eq!(page.post("/api/abort", &json!({})).status, 202);
    let done = page.until("the end", is_done);
    assert_eq!(done["state"]["done"]["exit"], 105);
}

#[test]
fn what_was_started_ends_with_its_page() {
    let bench = Bench::new();
    let page = ui(&bench);
    let form = json!({ "scenario": "scenarios/jobs.toml", "profile": "a", "load": "long" });
    assert_eq!(page.post("/api/start", &form).status, 200);
    page.until("a tick", |state| ticks(state) >= 1);
    signal(&page.child, Signal::TERM);
    let output = page.end();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE state = 'interrupted'"), 1);
}

#[test]
fn a_run_that_fails_says_why() {
    let bench = Bench::new();
    let page = ui(&bench);
    let form = json!({ "scenario": "scenarios/jobs.toml", "profile": "a", "load": "long", "rate": "5" });
    assert_eq!(page.post("/api/start", &form).status, 200);
    let done = page.until("the end", is_done);
    let done = &done["state"]["done"];
    assert_eq!((&done["word"], &done["exit"]), (&json!("failed"), &json!(2)));
    assert!(done["sentence"].as_str().unwrap().contains("`--rate` does not apply to this load"), "{done}");
}

#[test]
fn the_history_leads_to_reports_comparisons_and_trends() {
    let bench = Bench::new();
    let run = |profile: &str| {
        bench.out(&["run", "scenario.toml", "--load", "short", "--profile", profile, "--progress", "none"]);
    };
    run("a");
    run("b");
    bench.run(&["experiment", "scenario.toml", "--run-time", "300ms", "--progress", "none"]);
    let page = ui(&bench);
    let history = page.get("/history").body;
    for link in [
        "/api/report.html?of=1\"",
        "/api/report.html?of=e1\"",
        "/api/trend.html?scenario=jobs\"",
        "<option value=\"4\"",
    ] {
        assert!(history.contains(link), "{link}: {history}");
    }
    for (path, words) in [
        ("/api/report.html?of=e1", "b</span> treatment"),
        ("/api/compare.html?baseline=1&treatment=2", "Comparison"),
        ("/api/trend.html?scenario=jobs", "href=\"run-1.html\""),
        ("/api/run-1.html", "POST /jobs"),
    ] {
        let answer = page.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert!(answer.body.contains(words), "{path} lacks {words}");
    }
    for path in [
        "/api/report.html?of=e7",
        "/api/compare.html?baseline=1&treatment=9",
        "/api/trend.html?scenario=none",
        "/api/run-x.html",
        "/api/report.html",
    ] {
        assert_eq!(page.get(path).status, 404, "{path}");
    }
}
