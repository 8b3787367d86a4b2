//! The project's ingestor scenario through the binary: what is sent is accepted, committed and counted alike, in the process and
//! on real neighbours; the lines that load scripts print are there.

use crate::support::bench;
use crate::support::servers;

use std::path::Path;
use std::process::Command;

use bench::*;
use serde_json::Value;

/// A run of the scenario on a free port, with the ingestor's data in the bench's folder.
fn ingestor(bench: &Bench, profile: &str, load: &str, more: &[&str]) -> Command {
    of_file("ingestor.toml", bench, profile, load, more)
}

fn of_file(file: &str, bench: &Bench, profile: &str, load: &str, more: &[&str]) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/ingestor").join(file);
    let mut command = bench.command(&["run", file.to_str().unwrap(), "--profile", profile, "--load", load]);
    // Other tests share the cores: what a busy generator measures is no matter here.
    command.args(["--seed", "1", "--allow-invalid"]).args(more);
    let [port, _] = free_ports();
    let data = bench.path("ingestor");
    command
        .env("TESTBED", testbed_program())
        .env("INGESTOR_PORT", port.to_string())
        .env("MESSAGES_SQL", format!("sqlite:{}", data.join("messages.db").display()))
        .env("INGESTOR_DATA", data)
        // Whoever runs the tests may have other batches in mind.
        .env("BATCH_SIZE", "50")
        .env("BATCH_TIMEOUT", "0.2")
        .env("WORKERS", "2");
    command
}

fn document(command: &mut Command) -> Value {
    let output = command.args(["--progress", "none", "--json"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}\n{}", stdout(&output), stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The claims that gate hold; the others say how the guide's expectations came out.
fn assert_accounts(document: &Value, messages: u64) {
    let claims = document["judgement"]["claims"].as_array().unwrap();
    for claim in claims {
        assert!(claim["claim"]["gates"] == false || claim["verdict"] == "supported", "{claim}");
        assert_ne!(claim["verdict"], "invalid", "{claim}");
    }
    let ids = ["M1", "M2", "M3"];
    assert_eq!(
        claims.iter().filter(|claim| ids.contains(&claim["claim"]["id"].as_str().unwrap())).count(),
        3
    );
    assert_eq!(document["run"]["total"]["counts"]["ok"], messages);
}

#[test]
fn every_message_is_accepted_committed_and_a_row() {
    let bench = Bench::new();
    let document = document(&mut ingestor(&bench, "embedded", "quick", &["--iterations", "600"]));
    assert_accounts(&document, 600);
    let last = |signal: &str| {
        bench.query(&format!(
            "SELECT CAST(value AS INTEGER) FROM reading JOIN signal ON signal.id = reading.signal \
             WHERE signal.name = '{signal}' ORDER BY at_us DESC LIMIT 1"
        ))
    };
    assert_eq!(
        (last("rows"), last("committed"), last("queue_length"), last("commit_unknown")),
        (600, 600, 0, 0)
    );
    assert!(last("batch_messages") > 0, "the workers' log is read");
}

#[test]
fn the_same_on_a_real_redis_and_a_real_postgresql() {
    let (Some(redis), Some(postgres)) = (servers::redis(), servers::postgres()) else { return };
    let base = format!("postgres://postgres@127.0.0.1:{}", postgres.port);
    let bench = Bench::new();
    // In one process, and in two that share both; the second run finds what the first has left, and deletes it.
    for profile in ["real", "split"] {
        let mut command = ingestor(&bench, profile, "quick", &["--iterations", "600", "--users", "20"]);
        command
            .env("POSTGRES_URL", format!("{base}/postgres"))
            .env("MESSAGES_SQL", format!("{base}/messages_db"))
            .env("REDIS_URL", format!("redis://127.0.0.1:{}", redis.port));
        assert_accounts(&document(&mut command), 600);
    }
}

#[test]
fn nothing_is_lost_while_a_worker_is_killed_and_the_database_cut_off() {
    let (Some(redis), Some(postgres)) = (servers::redis(), servers::postgres()) else { return };
    let base = format!("postgres://postgres@127.0.0.1:{}", postgres.port);
    let bench = Bench::new();
    let [proxy, _] = free_ports();
    let mut command = of_file("faults.toml", &bench, "split", "faults", &["--run-time", "13s"]);
    command
        .env("DATABASE_PORT", postgres.port.to_string())
        .env("DATABASE_PROXY_PORT", proxy.to_string())
        .env("MESSAGES_SQL", format!("{base}/messages_db"))
        .env("REDIS_URL", format!("redis://127.0.0.1:{}", redis.port));
    assert_accounts(&document(&mut command), 1300);
}

#[test]
fn a_run_ends_in_the_block_of_load_scripts() {
    let bench = Bench::new();
    let block =
        ["--iterations", "300", "--summary", "block", "--progress", "line", "--progress-interval", "0.1s"];
    let output = ingestor(&bench, "embedded", "stress", &block).output().unwrap();
    assert_eq!(code(&output), 0, "{}\n{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    let ending: Vec<&str> = text.trim_end().lines().rev().take(10).collect();
    assert_eq!(ending[9], "LOAD TEST RESULTS");
    for (place, line) in [
        (7, "Total Messages:       300"),
        (6, "Successful Requests:  300 (100.00%)"),
        (5, "Failed Requests:      0"),
    ] {
        assert_eq!(ending[place], line);
    }
    assert!(
        ending[1].starts_with("Mean Response Time:   ") && ending[2].ends_with("(elapsed / messages)"),
        "{text}"
    );
    let progress = stderr(&output);
    let line = progress.lines().rfind(|line| line.starts_with('[')).unwrap_or_default();
    assert!(
        line.contains("/300 (") && line.contains(" | Success: ") && line.contains(" | ETA: "),
        "{progress}"
    );
}
