//! Invariants: signals from HTTP, SQL and Redis with a bound that every reading keeps to.

use crate::support::bench;
use crate::support::servers;

use std::process::Command;

use bench::{Bench, code, stderr, stdout};

/// The bench's scenario with one more source of signals, and a claim about `stock`.
fn with_source(bench: &Bench, source: &str, bound: &str) {
    let base_url = bench.server.url();
    let more =
        format!("[[source]]\n{source}\n[[claim]]\ntitle = 'Never oversold'\nalways = 'stock'\n{bound}\n");
    bench.write("invariant.toml", &format!("{}\n{more}", bench::scenario(&base_url)));
}

fn run(bench: &Bench) -> std::process::Output {
    bench.run(&["run", "invariant.toml", "--load", "short", "--profile", "b", "--progress", "none"])
}

/// That the bound holds with 10 in stock and is broken with 12.
fn holds_and_is_broken(source: &str, set: impl Fn(i64)) {
    let bench = Bench::new();
    with_source(&bench, source, "at_most = 10");
    set(10);
    let output = run(&bench);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("MET  C1  Never oversold  10"), "{}", stdout(&output));
    set(12);
    let output = run(&bench);
    assert_eq!(code(&output), 99, "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("violated: 12"), "{}", stdout(&output));
}

#[test]
fn an_invariant_in_sqlite_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch("CREATE TABLE stock (n INTEGER); INSERT INTO stock VALUES (0)").unwrap();
    let source = format!(
        "sqlite = '{}'\nevery = '50ms'\nsignals = [{{ name = 'stock', query = 'SELECT sum(n) FROM stock' }}]",
        file.display()
    );
    holds_and_is_broken(&source, |n| {
        database.execute("UPDATE stock SET n = ?1", [n]).unwrap();
    });
}

#[test]
fn a_pipe_in_the_place_of_a_database_holds_nothing_up() {
    let bench = Bench::new();
    let pipe = bench.path("shop.db");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let text = format!(
        r#"
        name = "pipe"
        base_url = "{}"
        [[journey]]
        name = "Read"
        steps = [{{ request = "GET /a" }}]
        [[user_class]]
        name = "Reader"
        journeys = {{ Read = 1 }}
        [load.level]
        rate = 20
        run_time = "1s"
        [[source]]
        sqlite = "{}"
        signals = [{{ name = "stock", query = "SELECT 1" }}]
        "#,
        bench.server.url(),
        pipe.display()
    );
    bench.write("scenario.toml", &text);
    let output = bench.run(&["run", "scenario.toml"]);
    assert!(stderr(&output).contains("it is a pipe or a device, not a file"), "{}", stderr(&output));
}

#[test]
fn an_invariant_in_redis_is_watched() {
    let Some(server) = servers::redis() else { return };
    let source = format!(
        "redis = 'redis://127.0.0.1:{}/0'\nevery = '50ms'\nsignals = [{{ name = 'stock', command = ['XLEN', 'units'] }}]",
        server.port
    );
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/0", server.port)).unwrap();
    let mut connection = client.get_connection().unwrap();
    let connection = std::cell::RefCell::new(&mut connection);
    holds_and_is_broken(&source, |n| {
        let mut connection = connection.borrow_mut();
        redis::cmd("DEL").arg("units").exec(&mut **connection).unwrap();
        for _ in 0..n {
            redis::cmd("XADD").arg(&["units", "*", "k", "v"]).exec(&mut **connection).unwrap();
        }
    });
}

#[test]
fn an_invariant_in_postgresql_is_watched_and_nothing_can_be_written() {
    let Some(server) = servers::postgres() else { return };
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port);
    let psql = |sql: &str| {
        let output = Command::new("psql").args([&url, "-v", "ON_ERROR_STOP=1", "-c", sql]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    psql("CREATE TABLE stock (n numeric); INSERT INTO stock VALUES (0)");
    let source = format!(
        "postgres = '{url}'\nevery = '50ms'\nsignals = [{{ name = 'stock', query = 'SELECT sum(n) FROM stock' }}]"
    );
    holds_and_is_broken(&source, |n| psql(&format!("UPDATE stock SET n = {n}")));
    let bench = Bench::new();
    with_source(
        &bench,
        &source.replace("SELECT sum(n) FROM stock", "UPDATE stock SET n = 1 RETURNING n"),
        "at_most = 10",
    );
    let output =
        bench.run(&["run", "invariant.toml", "--load", "short", "--profile", "b", "--progress", "plain"]);
    assert_eq!(code(&output), 98, "a signal that is never seen proves nothing: {}", stdout(&output));
    assert!(stderr(&output).contains("read-only transaction"), "{}", stderr(&output));
}

#[test]
fn an_invariant_in_a_json_answer_is_watched() {
    let bench = Bench::new();
    let source = format!(
        "json = '{}/stats'\nevery = '50ms'\nsignals = [{{ name = 'stock', pointer = '/requests', counter = true }}]",
        bench.server.url()
    );
    with_source(&bench, &source, "at_least = 0");
    assert_eq!(code(&run(&bench)), 0);
    with_source(&bench, &source, "at_most = 3");
    assert_eq!(code(&run(&bench)), 99);
}

#[test]
fn mistakes_in_sources_are_shown_where_they_are() {
    let bench = Bench::new();
    for (source, words) in [
        ("every = '1s'\nsignals = []", "a source needs exactly one of"),
        (
            "redis = 'redis://127.0.0.1:1'\nsignals = [{ name = 'stock', command = ['DEL', 'x'] }]",
            "`DEL` would change the system",
        ),
        (
            "postgres = '127.0.0.1'\nsignals = [{ name = 'stock', query = 'SELECT 1' }]",
            "not a valid postgres URL",
        ),
        (
            "json = 'http://127.0.0.1:1'\nsignals = [{ name = 'stock', pointer = 'a/b' }]",
            "this is not a JSON pointer",
        ),
    ] {
        with_source(&bench, source, "at_most = 10");
        let output = bench.run(&["check", "invariant.toml"]);
        assert_eq!(code(&output), 104);
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    }
}

/// The last reading of a signal of the newest run; none if it was never seen.
fn last(bench: &Bench, signal: &str) -> Option<f64> {
    let store = rusqlite::Connection::open(bench.path("reports/loadproof.db")).unwrap();
    let sql = "SELECT value FROM readings WHERE run = (SELECT max(id) FROM run) AND signal = ?1 \
               ORDER BY at_us DESC LIMIT 1";
    store.query_row(sql, [signal], |row| row.get(0)).ok()
}

#[test]
fn a_signal_may_have_several_names_and_stand_in_a_log_or_a_control_group() {
    let bench = Bench::new();
    let group = bench.path("group");
    std::fs::create_dir(&group).unwrap();
    std::fs::write(group.join("cpu.stat"), "usage_usec 1500000\n").unwrap();
    std::fs::write(group.join("memory.current"), "4096\n").unwrap();
    std::fs::write(bench.path("shop.log"), "batch saved: 1 message\n").unwrap();
    let url = bench.server.url();
    bench.write(
        "signals.toml",
        &format!(
            r#"{}
            [[source]]
            prometheus = "{url}/metrics"
            every = "50ms"
            signals = [{{ name = "by its other name", metric = ["jobs_waiting", 'known_backlog'] }}]
            [[source]]
            json = "{url}/stats"
            every = "50ms"
            signals = [{{ name = "requests", pointer = ["/total", "/requests"] }}]
            [[source]]
            log = "{}"
            every = "50ms"
            signals = [
              {{ name = "batches", pattern = "batch saved", counter = true }},
              {{ name = "batch size", pattern = 'batch saved: (\d+)' }},
            ]
            [[source]]
            control_group = "{}"
            signals = [{{ name = "db used", usage = "cpu", counter = true }}, {{ name = "db holds", usage = "memory" }}]
            [[source]]
            container = "shop-db"
            signals = [{{ name = "container holds", usage = "memory" }}]
            [[profile.b.hook]]
            name = "somebody writes"
            run = ["sh", "-c", "echo 'batch saved: 7 messages' >> {}"]
            moment = "beside"
            at = "200ms"
            "#,
            bench::scenario(&url),
            bench.path("shop.log").display(),
            group.display(),
            bench.path("shop.log").display(),
        ),
    );
    let arguments = ["run", "signals.toml", "--load", "short", "--profile", "b", "--progress", "plain"];
    let mut command = bench.command(&arguments);
    let output = command.env("LOADPROOF_CONTAINER_CLIENT", "/nowhere/docker").output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(last(&bench, "by its other name"), Some(0.0));
    assert!(last(&bench, "requests") > Some(10.0));
    assert_eq!((last(&bench, "batches"), last(&bench, "batch size")), (Some(1.0), Some(7.0)));
    assert_eq!((last(&bench, "db used"), last(&bench, "db holds")), (Some(1.5), Some(4096.0)));
    assert_eq!(last(&bench, "container holds"), None);
    assert!(stderr(&output).contains("cannot ask `/nowhere/docker`"), "{}", stderr(&output));
}
