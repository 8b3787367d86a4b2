//! The binary: what it says when it listens, how it stops, how it refuses.
#![cfg(unix)]

use crate::support;
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
};

use support::Client;

/// A testbed that is killed when its test fails half-way.
struct Testbed {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Drop for Testbed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(args: &[&str]) -> (Testbed, String) {
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_testbed")).args(args).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    (Testbed { child, output }, line)
}

fn stop(mut testbed: Testbed, signal: &str) {
    let id = testbed.child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(sent.success());
    let status = testbed.child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    let mut rest = String::new();
    testbed.output.read_line(&mut rest).unwrap();
    assert_eq!(rest, "", "nothing more is printed");
}

fn address(url: &str) -> std::net::SocketAddr {
    url.trim().strip_prefix("http://").unwrap().parse().unwrap()
}

#[test]
fn shopstream_says_where_it_listens_and_stops_on_sigterm() {
    let ports = ["--port", "0", "--observatory-port", "0"];
    let (testbed, line) = start(&[&["shopstream", "--lanes", "on"], &ports[..]].concat());
    let urls = line.strip_prefix("shopstream ready on ").unwrap();
    let (api, observatory) = urls.split_once(", observatory on ").unwrap();
    assert_eq!(Client::new(address(api)).get("/health").status, 200);
    assert_eq!(Client::new(address(observatory)).get("/metrics").status, 200);
    stop(testbed, "-TERM");
}

#[test]
fn known_says_where_it_listens_and_stops_on_sigint() {
    let (testbed, line) = start(&["known", "--port", "0", "--service-time", "0s", "--body", "hi"]);
    let url = line.strip_prefix("known ready on ").unwrap();
    assert_eq!(Client::new(address(url)).get("/").body, "hi");
    stop(testbed, "-INT");
}

#[test]
fn site_says_where_it_listens_and_whom_to_trust() {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let (testbed, line) =
        start(&["site", "--port", "0", "--tls-port", "0", "--ca", ca.to_str().unwrap(), "--flaky", "9"]);
    let (plain, tls) = line.strip_prefix("site ready on ").unwrap().split_once(", ").unwrap();
    assert_eq!(Client::new(address(plain)).get("/health").status, 200);
    assert!(tls.starts_with("https://127.0.0.1:"), "{tls}");
    assert!(std::fs::read_to_string(&ca).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    stop(testbed, "-TERM");
}

#[test]
fn parts_of_the_ingestor_need_something_to_share() {
    let (testbed, line) = start(&["ingestor", "--port", "0"]);
    let url = line.strip_prefix("ingestor ready on ").unwrap();
    assert_eq!(Client::new(address(url)).get("/health").status, 200);
    stop(testbed, "-TERM");
    let output = Command::new(env!("CARGO_BIN_EXE_testbed"))
        .args(["ingestor", "--part", "worker", "--batch-size", "10", "--batch-timeout", "0.5"])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("need --redis, and --postgres or --data"), "{error}");
}

#[test]
fn a_taken_port_is_named_in_the_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = Command::new(env!("CARGO_BIN_EXE_testbed"))
        .args(["known", "--port", &port.to_string()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = format!("testbed: cannot listen on 127.0.0.1:{port}: ");
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn an_impossible_truth_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_testbed"))
        .args(["known", "--port", "0", "--stall-every", "1s", "--stall-for", "2s"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}
