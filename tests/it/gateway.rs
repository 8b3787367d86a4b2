//! The project's gateway scenario through the binary: every arm brings what it accepts into the replica, service levels depend on
//! the deployment, and `make` takes the environment of a soak apart.

use crate::support::bench;
use crate::support::servers;

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bench::*;
use ring::hmac;
use serde_json::Value;

/// A short run of the smoke load on a free port, with the gateway's data in the bench's folder.
fn gateway(bench: &Bench, profile: &str, more: &[&str]) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/gateway/gateway.toml");
    let mut command =
        bench.command(&["run", file.to_str().unwrap(), "--profile", profile, "--load", "smoke"]);
    // Other tests share the cores: what a busy generator measures is no matter here.
    command.args(["--seed", "1", "--allow-invalid", "--progress", "none", "--rate", "20"]);
    let [port, _] = free_ports();
    let data = bench.path("gateway");
    for name in ["REQUEST_PATH", "JWT", "TENANT", "PERSONA_ID", "MESSAGE", "METRICS_URL"] {
        command.env_remove(name);
    }
    command
        .args(more)
        .env("LOADPROOF_RUN_TIME", "3s")
        .env("TESTBED", testbed_program())
        .env("GATEWAY_PORT", port.to_string())
        .env("TARGET_URL", format!("http://127.0.0.1:{port}"))
        .env("REPLICA_SQL", format!("sqlite:{}", data.join("replica.db").display()))
        .env("GATEWAY_DATA", data);
    command
}

/// The body of a page.
fn get(address: std::net::SocketAddr, path: &str) -> Vec<u8> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    answer.split_off(head + 4)
}

fn document(command: &mut Command) -> Value {
    let output = command.arg("--json").output().unwrap();
    assert_eq!(code(&output), 0, "{}\n{}", stdout(&output), stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The ids of the claims, each of which holds.
fn supported(document: &Value) -> Vec<String> {
    let claims = document["judgement"]["claims"].as_array().unwrap();
    let id = |claim: &Value| {
        assert_eq!(claim["verdict"], "supported", "{claim}");
        claim["claim"]["id"].as_str().unwrap().to_owned()
    };
    claims.iter().map(id).collect()
}

#[test]
fn with_write_through_every_counter_and_every_row_is_accounted_for() {
    let bench = Bench::new();
    let document = document(&mut gateway(&bench, "write-through", &["--var", "follow=1"]));
    assert_eq!(supported(&document), ["W1", "W4", "W5", "W6", "W7", "W8", "W9", "W10", "W11", "W12", "W13"]);
    let followed = "SELECT count(*) FROM samples WHERE endpoint = 'event in the replica' AND outcome = 'ok'";
    assert_eq!(bench.query(followed), 60);
}

#[test]
fn without_it_the_outbox_brings_the_same_to_the_replica() {
    let bench = Bench::new();
    let ids = supported(&document(&mut gateway(&bench, "outbox", &[])));
    assert_eq!(ids, ["W1", "W8", "W9", "W10", "W11", "W12", "W13"]);
}

#[test]
fn the_latency_that_is_promised_depends_on_the_deployment() {
    let bench = Bench::new();
    for (deployment, promised, other) in [("dev", "W2", "W3"), ("staging", "W3", "W2")] {
        let command = ["--deployment", deployment, "--run-time", "1s"];
        let output = gateway(&bench, "write-through", &command).arg("--json").output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let claims = document["judgement"]["claims"].as_array().unwrap();
        let has = |id: &str| claims.iter().any(|claim| claim["claim"]["id"] == id);
        assert!(has(promised) && !has(other), "{deployment}");
    }
}

#[test]
fn a_token_is_sent_where_there_is_one_and_its_lack_is_a_failure() {
    let signed =
        [r#"{"alg":"HS256"}"#, r#"{"sub":"load"}"#].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"secret"), signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
    let bench = Bench::new();
    let mut command = gateway(&bench, "auth", &[]);
    let with_token = document(command.env("GATEWAY_JWT_SECRET", "secret").env("JWT", &token));
    assert!(supported(&with_token).contains(&"W12".to_owned()));
    let stored = std::fs::read(bench.path("reports/loadproof.db")).unwrap();
    assert!(!stored.windows(token.len()).any(|bytes| bytes == token.as_bytes()), "the token is not kept");
    let output = gateway(&bench, "auth", &[]).env("GATEWAY_JWT_SECRET", "secret").output().unwrap();
    assert_ne!(code(&output), 0, "{}", stdout(&output));
    assert_eq!(bench.query("SELECT count(*) FROM samples WHERE run = 2 AND status = 401"), 60);
}

#[test]
fn a_run_against_a_gateway_that_is_up_ends_in_a_line_of_json() {
    let bench = Bench::new();
    let up = testbed::gateway::spawn(testbed::gateway::Config::default()).unwrap();
    let mut command = gateway(&bench, "running", &["--summary", "json"]);
    let output = command.env("TARGET_URL", up.url()).env("TENANT", "acme").output().unwrap();
    assert_eq!(code(&output), 0, "{}\n{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    let line: Value = serde_json::from_str(text.trim_end().lines().next_back().unwrap()).unwrap();
    assert_eq!((&line["count"], &line["ok"], &line["err"]), (&60.into(), &60.into(), &0.into()));
    assert!(line["p50"].is_number() && line["p95"].is_number() && line["p99"].is_number(), "{line}");
    // Nothing is asked of metrics that are out of reach.
    let mut command = gateway(&bench, "bare", &["--var", "follow=0"]);
    command.env("TARGET_URL", up.url()).env("METRICS_URL", "http://127.0.0.1:9/metrics");
    assert_eq!(supported(&document(&mut command)), ["W1"]);
}

#[test]
fn the_replica_may_be_a_real_postgresql() {
    let Some(postgres) = servers::postgres() else { return };
    let base = format!("postgres://postgres@127.0.0.1:{}", postgres.port);
    let bench = Bench::new();
    let mut command = gateway(&bench, "real", &[]);
    command.env("POSTGRES_URL", format!("{base}/postgres")).env("REPLICA_SQL", format!("{base}/gateway_db"));
    assert!(supported(&document(&mut command)).contains(&"W13".to_owned()));
}

/// What `make` would do, and what it says of it.
fn make(arguments: &[&str]) -> (String, String) {
    let mut command = Command::new("make");
    command.arg("-n").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    for name in ["RPS", "DURATION", "CONCURRENCY", "TARGET_URL", "GATEWAY", "MAKEFLAGS", "REQUEST_PATH"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    (stdout(&output), stderr(&output))
}

#[test]
fn make_takes_the_environment_of_a_soak_apart() {
    let described = ["TARGET_URL=http://127.0.0.1:8010", "RPS=25", "DURATION=120", "CONCURRENCY=50"];
    let (soak, said) = make(&[&["load-soak"], &described[..]].concat());
    for part in ["--load soak", "--profile running", "--rate 25 --run-time 120s --users 50", "--summary json"]
    {
        assert!(soak.contains(part), "{part} in {soak}");
    }
    assert_eq!(said, "");
    // A PATH that is one of a request does not take the programs away, and is said to be taken for what it is.
    let (soak, said) = make(&["load-soak", "PATH=/v1/session/other"]);
    assert!(
        soak.contains("--var path=/v1/session/other ") && said.contains("say REQUEST_PATH= in its place"),
        "{said}"
    );
    let (soak, _) = make(&["load-soak", "REQUEST_PATH=/a", "PATH=/v1/session/other"]);
    assert!(soak.contains("--var path=/a "), "{soak}");
    let (_, said) = make(&["load-soak", "PATH=/usr/bin"]);
    assert_eq!(said, "", "a folder of programs is no path of a request");
    let (quick, _) = make(&["load-quick", "MESSAGES=5000", "CONCURRENT=100", "URL=http://127.0.0.1:8000"]);
    for part in ["--iterations 5000 --users 100", "--profile running --var url=http://127.0.0.1:8000"] {
        assert!(quick.contains(part), "{part} in {quick}");
    }
}

/// The names of metrics that an expression of Prometheus speaks of.
fn metrics_of(expression: &str) -> Vec<String> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = expression.split(|c| !is_of_name(c)).map(str::to_owned);
    words
        .filter(|word| ["gateway", "ingestor", "memory", "outbox"].iter().any(|of| word.starts_with(of)))
        .collect()
}

#[test]
fn rules_and_dashboards_speak_of_metrics_that_are_exported() {
    let page = |address, path: &str| String::from_utf8(get(address, path)).unwrap();
    let gateway = testbed::gateway::spawn(testbed::gateway::Config::default()).unwrap();
    let ingestor = testbed::ingestor::spawn(testbed::ingestor::Config::default()).unwrap();
    let exported = page(gateway.address(), "/metrics") + &page(ingestor.address().unwrap(), "/metrics");
    let mut known: Vec<&str> = exported
        .lines()
        .filter_map(|line| line.split(['{', ' ']).next())
        .filter(|name| *name != "#")
        .collect();

    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let rules = std::fs::read_to_string(docs.join("prometheus/recording.rules.yml")).unwrap();
    let rules: Value = serde_yaml_ng::from_str(&rules).unwrap();
    let rules: Vec<&Value> = rules["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap())
        .collect();
    assert!(rules.len() > 15);
    for rule in &rules {
        for metric in metrics_of(rule["expr"].as_str().unwrap()) {
            assert!(known.contains(&metric.as_str()), "{metric} of {rule}");
        }
    }
    known.extend(rules.iter().map(|rule| rule["record"].as_str().unwrap()));
    for name in ["gateway", "ingestor"] {
        let board = std::fs::read_to_string(docs.join(format!("grafana/{name}.json"))).unwrap();
        let board: Value = serde_json::from_str(&board).unwrap();
        let targets =
            board["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
        for target in targets {
            for metric in metrics_of(target["expr"].as_str().unwrap()) {
                assert!(known.contains(&metric.as_str()), "{metric} of {target}");
            }
        }
    }
}
