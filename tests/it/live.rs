//! The live page: what it tells, what it does, and whom it lets in.

use crate::support::bench;
use crate::support::live;

use std::net::TcpListener;
use std::process::Command;

use bench::*;
use live::{Event, Served, is_done, ticks};
use rustix::process::Signal;
use serde_json::{Value, json};

const TOKEN: &str = "a-token-nobody-knows-0123456789";

/// A run with a page on a free port.
fn with_page(bench: &Bench, arguments: &[&str]) -> Served {
    Served::start(ui_command(bench, &[arguments, &["--ui"]].concat()))
}

fn ui_command(bench: &Bench, arguments: &[&str]) -> Command {
    bench.command(&[arguments, &["--ui-bind", "127.0.0.1:0"]].concat())
}

/// Minutes of load, unless somebody ends it.
const LONG: [&str; 8] = ["run", "scenario.toml", "--load", "long", "--profile", "a", "--progress", "none"];

#[test]
fn a_late_joiner_is_told_everything_and_then_every_second() {
    let bench = Bench::new();
    let page = with_page(&bench, &LONG);
    let snapshot = page.until("two ticks", |state| ticks(state) >= 2);
    let state = &snapshot["state"];
    assert_eq!(snapshot["schema"], "loadproof.live/2");
    assert_eq!((&state["stage"], &state["begin"]["scenario"]), (&json!("running"), &json!("jobs")));
    assert_eq!(state["begin"]["load_s"], 60.0);
    let names: Vec<&str> =
        state["begin"]["endpoints"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["POST /jobs", "job visible", "GET /status/409"]);
    let last = &state["last"];
    let p50 = last["endpoints"][0]["times"][0].as_f64().unwrap();
    assert!(p50 >= 1.9, "the server takes 2 ms: {last}");
    assert_eq!(last["endpoints"][2]["n"][0], 0, "a 409 is no ok: {last}");
    assert!(last["endpoints"][2]["n"][1].as_u64().unwrap() > 0, "{last}");
    assert_eq!(last["users"], 4);
    assert!(last["signals"].as_array().unwrap().iter().any(|s| s[0] == "backlog"), "{last}");

    let after = format!("/events?after={}", snapshot["last_id"]);
    let told: Vec<Event> = page.events(&after, &[]).filter(|e| e.name == "tick").take(2).collect();
    assert!(told[0].id > snapshot["last_id"].as_u64().unwrap() && told[1].id > told[0].id, "{told:?}");
    let times: Vec<f64> =
        told.iter().map(|e| serde_json::from_str::<Value>(&e.data).unwrap()["t"].as_f64().unwrap()).collect();
    assert!(times[1] > times[0], "{times:?}");
    assert!(told.iter().all(|e| e.data.len() < 2048), "{}", told[0].data);
}

#[test]
fn who_was_away_goes_on_where_it_was() {
    let bench = Bench::new();
    let page = with_page(&bench, &LONG);
    let first: Vec<Event> = page.events("/events?after=0", &[]).take(5).collect();
    assert_eq!(first.iter().map(|e| e.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let begins = first.iter().position(|e| e.name == "begin").unwrap();
    let phase = first.iter().position(|e| e.name == "phase").unwrap();
    assert!(begins < phase, "{first:?}");
    let again: Vec<Event> = page.events("/events", &[("last-event-id", "2")]).take(3).collect();
    assert_eq!(again, first[2..]);
    // Numbers of another server, or from too long ago.
    assert_eq!(page.events("/events", &[("last-event-id", "99999")]).next().unwrap().name, "reset");
}

#[test]
fn stop_leaves_a_run_with_its_samples_and_a_summary() {
    let bench = Bench::new();
    let page = with_page(&bench, &LONG);
    page.until("a tick", |state| ticks(state) >= 1);
    // The server waits for those who follow: this one does until the report is there.
    let mut events = page.events("/events", &[]);
    assert_eq!(page.post("/api/stop", &json!({})).status, 202);
    let done = events.find(|event| event.name == "done").unwrap();
    let done: Value = serde_json::from_str(&done.data).unwrap();
    assert_eq!((&done["word"], &done["exit"]), (&json!("interrupted"), &json!(105)));
    assert_eq!(done["reports"], json!(["1"]));
    let report = page.get("/api/report.html");
    assert_eq!(report.status, 200);
    assert!(report.body.contains("<title>") && report.body.contains("POST /jobs"));
    drop(events);
    let output = page.end();
    assert_eq!(code(&output), 105, "{}", stderr(&output));
    assert!(stdout(&output).contains("reports/run-1.html"), "{}", stdout(&output));
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE state = 'interrupted'"), 1);
    assert!(bench.query("SELECT count(*) FROM sample") > 0);
}

#[test]
fn abort_ends_it_at_once() {
    let bench = Bench::new();
    let page = with_page(&bench, &LONG);
    page.until("a tick", |state| ticks(state) >= 1);
    // The answer may or may not come through before the end.
    let body = page.get("/").body;
    let key = body.split("data-key=\"").nth(1).unwrap().split('"').next().unwrap();
    let origin = format!("http://{}", page.address);
    let headers = [("origin", &*origin), ("x-loadproof-key", key), ("content-type", "application/json")];
    page.told("POST", "/api/abort", &headers);
    let output = page.end();
    assert_eq!(code(&output), 105, "{}", stderr(&output));
    bench.out(&["runs"]);
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE state = 'crashed'"), 1);
}

#[test]
fn a_command_ends_with_its_page_unless_it_is_to_linger() {
    let bench = Bench::new();
    let short = ["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"];
    let output = with_page(&bench, &short).end();
    assert_eq!(code(&output), 0, "{}", stderr(&output));

    let page = with_page(&bench, &[&short[..], &["--ui-linger", "10m"]].concat());
    page.until("the end", is_done);
    for path in ["/api/report.html?of=2", "/api/run-2.html", "/api/report.html"] {
        assert_eq!(page.get(path).status, 200, "{path}");
    }
    assert_eq!(page.get("/api/report.html?of=9").status, 404);
    let samples = page.get("/api/samples.csv?of=2");
    assert_eq!(samples.status, 200);
    let rows = i64::try_from(samples.body.lines().count() - 1).unwrap();
    assert_eq!(rows, bench.query("SELECT samples FROM run WHERE id = 2"));
    assert_eq!(page.post("/api/stop", &json!({})).status, 409);
    signal(&page.child, Signal::INT);
    assert_eq!(code(&page.end()), 0);
}

#[test]
fn nothing_is_read_from_the_store_while_a_run_goes_on() {
    let bench = Bench::new();
    let page = with_page(&bench, &LONG);
    page.until("a tick", |state| ticks(state) >= 1);
    for path in ["/api/report.html?of=1", "/api/samples.csv?of=1", "/api/trend.html?scenario=jobs"] {
        let answer = page.get(path);
        assert_eq!(answer.status, 409, "{path}");
        assert!(answer.body.contains("a run is in progress"), "{path}");
    }
    let stats = page.json("/api/stats.json");
    assert_eq!(stats["begin"]["run"], 1);
}

#[test]
fn a_run_is_told_to_prometheus() {
    let bench = Bench::new();
    let page = with_page(&bench, &LONG);
    page.until("a tick", |state| ticks(state) >= 1);
    let answer = page.get("/metrics");
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    let line = regex::Regex::new(r#"^[a-z_]+\{([a-z_]+="([^"\\]|\\.)*"(,|$|\}))*\}? ?[0-9.eE+-]+$"#).unwrap();
    let mut families = std::collections::BTreeSet::new();
    for text in answer.body.lines() {
        if let Some(rest) = text.strip_prefix("# TYPE ") {
            assert!(families.insert(rest.split(' ').next().unwrap()), "{rest} stands twice");
        } else if !text.starts_with("# HELP ") {
            assert!(line.is_match(text), "{text}");
            assert!(families.contains(text.split('{').next().unwrap()), "{text}");
        }
    }
    assert!(answer.body.contains("endpoint=\"POST /jobs\",outcome=\"ok\"} "), "{}", answer.body);
    assert!(answer.body.contains("phase=\"steady\"} 1"), "{}", answer.body);
    assert_eq!(page.get("/healthz").body, "ok\n");
}

#[test]
fn strangers_are_refused() {
    let bench = Bench::new();
    let page = with_page(&bench, &LONG);
    assert_eq!(page.ask("GET", "/", &[("host", "evil.test")], "").status, 421);
    let ours = format!("http://{}", page.address);
    for headers in [
        vec![("content-type", "application/json")],
        vec![("content-type", "application/json"), ("origin", &*ours)],
        vec![("content-type", "application/json"), ("origin", &*ours), ("x-loadproof-key", "guessed")],
        vec![("content-type", "application/json"), ("origin", "http://evil.test")],
    ] {
        assert_eq!(page.ask("POST", "/api/stop", &headers, "{}").status, 403, "{headers:?}");
    }
    assert_eq!(page.get("/api/stop").status, 405);
    let head = page.get("/").head;
    for part in [
        "content-security-policy: default-src 'none'; connect-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(head.contains(part), "{part}: {head}");
    }
    assert_eq!(page.json("/api/snapshot")["state"]["stage"], "running");
}

#[test]
fn only_this_machine_is_let_in_without_a_token() {
    let bench = Bench::new();
    let short = ["run", "scenario.toml", "--load", "short", "--profile", "a", "--ui", "--ui-bind"];
    let output = bench.run(&[&short[..], &["0.0.0.0:0"]].concat());
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("`0.0.0.0:0`") && stderr(&output).contains("--ui-token"),
        "{}",
        stderr(&output)
    );
    let output = bench.run(&[&short[..], &["127.0.0.1:0", "--ui-token", "short"]].concat());
    assert_eq!(code(&output), 2);
    assert!(!stderr(&output).contains("short"), "{}", stderr(&output));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _holds_it = TcpListener::bind(taken).unwrap();
    let output = bench.run(&[&short[..], &[&taken.to_string()]].concat());
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains(&format!("cannot listen on `{taken}`")), "{}", stderr(&output));
    assert!(!bench.path("reports").exists());
}

#[test]
fn a_token_lets_in_and_is_found_nowhere() {
    let bench = Bench::new();
    let page = with_page(&bench, &[&LONG[..], &["--ui-token", TOKEN, "--label", "by flag"]].concat());
    assert_eq!(page.get("/").status, 401);
    assert_eq!(page.get("/?token=another-token-0123456789").status, 401);
    let welcome = page.get(&format!("/?token={TOKEN}"));
    assert_eq!(welcome.status, 303);
    let cookie = welcome.head.split("set-cookie: ").nth(1).unwrap().split("\r\n").next().unwrap();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let page_text = page.ask("GET", "/", &[("cookie", pair)], "").body;
    assert!(page_text.contains("data-key"), "{page_text}");
    let bearer = format!("Bearer {TOKEN}");
    let metrics = || page.ask("GET", "/metrics", &[("authorization", &bearer)], "");
    assert_eq!(metrics().status, 200);
    wait_until("the run has begun", || metrics().body.contains("loadproof_users"));
    signal(&page.child, Signal::INT);
    let output = page.end();
    let equals = format!("--ui-token={TOKEN}");
    let again = with_page(
        &bench,
        &["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "json", &equals],
    );
    let again = again.end();
    for text in [stdout(&output), stderr(&output), stdout(&again), stderr(&again), page_text] {
        assert!(!text.contains(TOKEN), "{text}");
    }
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE command LIKE '%--ui-token%…%'"), 2);
    for entry in std::fs::read_dir(bench.path("reports")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn events_go_to_stderr_one_a_line() {
    let bench = Bench::new();
    let arguments = [
        "run",
        "scenario.toml",
        "--load",
        "short",
        "--run-time",
        "1500ms",
        "--profile",
        "a",
        "--progress",
        "json",
    ];
    let output = bench.run(&arguments);
    let names: Vec<String> = stderr(&output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((names[0].as_str(), names.last().unwrap().as_str()), ("begin", "done"), "{names:?}");
    assert!(names.iter().any(|name| name == "tick"), "{names:?}");
    assert!(stdout(&output).contains("reports/run-1.html"));
}

#[test]
fn claims_so_far_have_intervals_and_no_verdicts() {
    let bench = Bench::new();
    let text = scenario(&bench.server.url())
        + "[[claim]]\ntitle = \"As fast\"\nvalue = \"treatment.p50 / baseline.p50\"\nwithin = \"50%\"\n";
    bench.write("scenario.toml", &text);
    // A busy machine would have rounds repeated.
    let arguments = [
        "experiment",
        "scenario.toml",
        "--rounds",
        "3",
        "--run-time",
        "300ms",
        "--progress",
        "json",
        "--allow-invalid",
    ];
    let output = bench.run(&arguments);
    let events: Vec<Value> =
        stderr(&output).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let claims: Vec<&Value> = events.iter().filter(|event| event["event"] == "claims").collect();
    assert_eq!(claims.iter().map(|c| &c["rounds"]).collect::<Vec<_>>(), [&json!(1), &json!(2)]);
    assert_eq!(claims[1]["rows"][0]["title"], "As fast");
    assert!(claims[1]["rows"][0]["interval"].as_str().unwrap().starts_with('['), "{}", claims[1]);
    assert!(!claims[1].to_string().contains("supported"), "{}", claims[1]);
    assert_eq!(events.last().unwrap()["reports"], json!(["e1"]));
    let begins: Vec<&Value> = events.iter().filter(|event| event["event"] == "begin").collect();
    assert_eq!(begins.len(), 6);
    assert_eq!((&begins[5]["part"]["round"], &begins[5]["part"]["rounds"]), (&json!(3), &json!(3)));
}

/// The texts of a dashboard under a key, wherever they stand in it.
fn texts(node: &Value, key: &str, found: &mut Vec<String>) {
    match node {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if name == key => found.push(text.to_owned()),
                    _ => texts(value, key, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, key, found)),
        _ => {}
    }
}

fn dashboard(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/grafana").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_metric_and_label_of_the_dashboard_exists() {
    let bench = Bench::new();
    let page = with_page(&bench, &LONG);
    // Processes are read twice before their increase is known.
    page.until("a figure of its own", |state| state["last"]["own_cores"].is_number());
    let told = page.get("/metrics").body;
    let (mut expressions, metric) = (Vec::new(), regex::Regex::new("loadproof_[a-z_]+").unwrap());
    let label = regex::Regex::new(r#"([a-z_]+)=~?""#).unwrap();
    texts(&dashboard("live.json"), "expr", &mut expressions);
    texts(&dashboard("live.json"), "query", &mut expressions);
    assert!(expressions.len() > 8, "{expressions:?}");
    for expression in &expressions {
        let labels: Vec<&str> =
            label.captures_iter(expression).map(|found| found.get(1).unwrap().as_str()).collect();
        for name in metric.find_iter(expression).map(|found| found.as_str()) {
            let line = told.lines().find(|line| line.split('{').next() == Some(name));
            let line = line.unwrap_or_else(|| panic!("`{name}` of `{expression}` is not told:\n{told}"));
            for label in &labels {
                assert!(line.contains(&format!("{label}=\"")), "`{expression}` asks for `{label}`: {line}");
            }
        }
    }
}

#[test]
fn every_question_of_the_other_dashboard_can_be_asked() {
    let bench = Bench::new();
    bench.out(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--progress", "none"]);
    let mut questions = Vec::new();
    for key in ["queryText", "rawQueryText", "query"] {
        texts(&dashboard("store.json"), key, &mut questions);
    }
    questions.retain(|question| question.starts_with("SELECT"));
    assert!(questions.len() > 12, "{questions:?}");
    for question in questions {
        let answer = bench.json(&["store", "query", &question.replace("$run", "1"), "--format", "json"]);
        // A run without claims has no verdicts.
        assert!(question.contains("FROM verdict") || answer[0].is_object(), "{question}");
    }
}

#[test]
fn metrics_are_sent_while_a_run_goes_on_and_a_reader_that_is_gone_is_named() {
    let bench = Bench::new();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (otlp, remote_write) = (format!("http://{gone}"), format!("http://me:s3cret@{gone}/api/v1/write"));
    let output = bench.run(&[
        "run",
        "scenario.toml",
        "--load",
        "short",
        "--profile",
        "a",
        "--progress",
        "none",
        "--otlp",
        &otlp,
        "--remote-write",
        &remote_write,
    ]);
    let said = stderr(&output);
    for to in [otlp.as_str(), &format!("http://{gone}/api/v1/write")] {
        let lost = format!("messages with metrics were not delivered to {to}: ");
        let lost = said.lines().filter(|line| line.contains(&lost));
        assert_eq!(lost.count(), 1, "{said}");
    }
    assert!(!said.contains("s3cret"), "{said}");
    let output =
        bench.run(&["run", "scenario.toml", "--load", "short", "--profile", "a", "--otlp", "nowhere"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("--otlp: `nowhere` is not a valid URL"), "{}", stderr(&output));
}
