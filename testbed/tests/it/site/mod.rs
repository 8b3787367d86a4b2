//! The site: it takes what a shop takes, refuses what a shop refuses, and says what it has seen.

mod answers;
mod connections;
mod shopping;

use std::{
    io::{Read, Write},
    net::SocketAddr,
};

use testbed::site::{self, Config, Running};

use crate::support::{Answer, Client};

fn spawn(config: Config) -> (Running, SocketAddr) {
    let site = site::spawn(config).unwrap();
    let address = site.address();
    (site, address)
}

/// One request on a connection of its own.
fn ask(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let client = headers.iter().fold(Client::new(at), |client, (name, value)| client.with(name, value));
    { client }.send(method, path, body).unwrap()
}

fn get(at: SocketAddr, path: &str) -> Answer {
    ask(at, "GET", path, &[], "")
}

/// The values of all headers of a name.
fn all<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(known, _)| *known == name).map(|(_, value)| value).collect()
}

/// What stands between two texts.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

/// A figure of the site's metrics.
fn figure(at: SocketAddr, name: &str) -> u64 {
    let text = get(at, "/metrics").body;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap().parse().unwrap()
}

/// Head and body, as bytes, of the answer to a GET after which the connection ends.
fn exchange(stream: &mut (impl Read + Write), path: &str, headers: &str) -> (String, Vec<u8>) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(received[..end].to_vec()).unwrap(), received[end..].to_vec())
}
