//! What is not known is neither waited for nor made up: sources that cannot be read, drains that nobody watched, times
//! without an end.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::bench::*;
use crate::support::ports::free_port;

/// The bench's scenario with a source of its own for the backlog.
fn with_source(bench: &Bench, place: &str, more: &str) -> String {
    let base_url = bench.server.url();
    scenario(&base_url)
        .replace(
            &format!("prometheus = \"{base_url}/metrics\""),
            &format!("prometheus = \"{place}\"\n{more}"),
        )
        .replace("within = \"10s\"", "within = \"60s\"")
}

/// Claims about what the source alone knows.
const CLAIMS: &str = r#"
[[claim]]
title = "Drains at once"
value = "run.drain_time"
at_most = "1s"
[[claim]]
title = "Nothing waits"
value = "run.last('backlog')"
at_most = 0
[[claim]]
title = "Answers"
value = "run.ok_share + run.rejected_share"
at_least = "99%"
"#;

#[test]
fn a_source_that_cannot_be_read_is_not_waited_for_and_voids_what_needs_it() {
    let bench = Bench::new();
    let gone = format!("http://127.0.0.1:{}/metrics", free_port());
    bench.write("scenario.toml", &format!("{}{CLAIMS}", with_source(&bench, &gone, "")));
    let begun = Instant::now();
    let output = bench.run(&["run", "scenario.toml", "--profile", "a", "--load", "short"]);
    // Far less than the 60 s of the drain, however busy the machine is.
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(code(&output), 98, "{}{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("the source of `backlog` could not be read"), "{text}");
    assert!(!text.contains("did not drain"), "{text}");
    let unknown = "SELECT count(*) FROM run_phase WHERE name = 'drain' AND complete = 0 AND unknown <> ''";
    assert_eq!(bench.query(unknown), 1);
    let of = |title: &str| {
        bench.query(&format!("SELECT verdict = 'invalid' FROM verdict WHERE title = '{title}'"))
    };
    assert_eq!((of("Drains at once"), of("Nothing waits"), of("Answers")), (1, 1, 0));
}

#[test]
fn a_run_that_is_ended_during_its_drain_has_its_load() {
    let bench = Bench::new();
    // A backlog that never empties.
    let text = scenario(&bench.server.url())
        .replace("metric = \"known_backlog\"", "metric = \"known_requests_total\"")
        .replace("within = \"10s\"", "within = \"60s\"");
    bench.write("scenario.toml", &format!("{text}{CLAIMS}"));
    let arguments = ["run", "scenario.toml", "--profile", "a", "--load", "short", "--progress", "plain"];
    let mut command = bench.command(&[&arguments[..], &["--progress-interval", "100ms"]].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(progress.any(|line| line.contains("phase=drain")));
    // Effects are seen within 30 ms of their causes.
    std::thread::sleep(Duration::from_secs(1));
    signal(&child, Signal::INT);
    let rest: Vec<String> = progress.collect();
    assert_eq!(child.wait().unwrap().code(), Some(105), "{rest:?}");
    assert_eq!(bench.query("SELECT count(*) FROM run WHERE state = 'done'"), 1);
    assert_eq!(bench.query("SELECT min(complete) FROM run_phase WHERE name = 'steady'"), 1);
    let judged: serde_json::Value =
        serde_json::from_str(&stdout(&bench.run(&["report", "1", "--json"]))).unwrap();
    let claims = judged["judgement"]["claims"].as_array().unwrap();
    let verdict = |place: usize| claims[place]["verdict"].as_str().unwrap();
    assert_eq!((verdict(0), verdict(2)), ("invalid", "supported"), "{judged}");
    assert!(claims[0]["reason"].as_str().unwrap().contains("the run was ended before"), "{judged}");
}

/// A page that answers after a while, every time.
fn slow_page(after: Duration) -> String {
    use std::io::{Read, Write};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 1024]);
                std::thread::sleep(after);
                let body = "known_backlog 0\n";
                let head = "HTTP/1.1 200 OK\r\nconnection: close";
                let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            });
        }
    });
    url
}

#[test]
fn a_slow_source_is_read_with_a_timeout_of_its_own() {
    let bench = Bench::new();
    let page = slow_page(Duration::from_millis(700));
    let run = |more: &str| {
        bench.write("scenario.toml", &format!("{}{CLAIMS}", with_source(&bench, &page, more)));
        bench.run(&["run", "scenario.toml", "--profile", "a", "--load", "short", "--progress", "plain"])
    };
    let output = run("timeout = \"100ms\"");
    assert_eq!(code(&output), 98, "{}", stderr(&output));
    assert!(stderr(&output).contains("no answer within 0.1 s"), "{}", stderr(&output));
    let output = run("timeout = \"20s\"");
    assert_ne!(code(&output), 98, "{}{}", stdout(&output), stderr(&output));
    assert_eq!(bench.query("SELECT complete FROM run_phase WHERE run = 2 AND name = 'drain'"), 1);
}

#[test]
fn a_timeout_that_would_hold_a_run_up_for_ever_is_refused() {
    let bench = Bench::new();
    for wrong in ["0s", "2h"] {
        let text = with_source(&bench, "http://127.0.0.1:1/metrics", &format!("timeout = \"{wrong}\""));
        bench.write("scenario.toml", &text);
        let output = bench.run(&["check", "scenario.toml"]);
        assert!(!output.status.success());
        assert!(stderr(&output).contains("not a valid timeout of a source"), "{}", stderr(&output));
    }
}
