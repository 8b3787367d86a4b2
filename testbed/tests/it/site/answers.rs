//! Answers that a client must be able to take.

use std::{io::Read, net::TcpStream};

use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use testbed::site::Config;

use super::{all, ask, exchange, get, spawn};
use crate::support::header;

#[test]
fn a_chain_of_redirects_ends_at_what_arrived() {
    let (_site, at) = spawn(Config::default());
    let echo = get(at, "/redirect/0").json();
    assert_eq!((&echo["method"], &echo["path"]), (&"GET".into(), &"/redirect/0".into()));
    for (path, location) in [
        ("/redirect/2", "/redirect/1"),
        ("/redirect/2?location=relative", "1?location=relative"),
        ("/redirect/2?location=full", "http://test/redirect/1?location=full"),
        ("/redirect-loop", "/redirect-loop"),
        ("/redirect/other-host?to=http%3A%2F%2Flocalhost%3A1%2F", "http://localhost:1/"),
    ] {
        let redirect = get(at, path);
        assert_eq!((redirect.status, all(&redirect, "location")), (302, vec![location]), "{path}");
    }
    let kept = ask(at, "POST", "/redirect/1?status=307", &[], "body");
    assert_eq!((kept.status, all(&kept, "location")), (307, vec!["/redirect/0?status=307"]));
    let arrived = ask(at, "POST", "/redirect/0?status=307", &[], "body").json();
    assert_eq!((&arrived["method"], &arrived["bytes"]), (&"POST".into(), &4.into()));
    assert_eq!(get(at, "/redirect/1?status=200").status, 400);
    assert_eq!(get(at, "/redirect/x").status, 404);
}

#[test]
fn what_is_compressed_is_what_was_asked_for() {
    let (_site, at) = spawn(Config::default());
    let raw = |path, headers| exchange(&mut TcpStream::connect(at).unwrap(), path, headers);
    let plain = get(at, "/api/items");
    assert_eq!(header(&plain.head, "content-encoding"), None);
    assert_eq!(header(&plain.head, "vary"), Some("accept-encoding"));
    let (head, body) = raw("/api/items", "accept-encoding: br, gzip\r\n");
    assert!(head.contains("content-encoding: gzip\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
    let mut text = String::new();
    GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain.body);
    // Compressed once, whatever is accepted.
    let (head, body) = raw("/encoded/gzip", "accept-encoding: gzip\r\n");
    assert_eq!(head.matches("content-encoding").count(), 1);
    let mut text = String::new();
    GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
    assert!(text.starts_with("{\"coding\":\"gzip\""), "{text}");
    let mut text = String::new();
    ZlibDecoder::new(&*raw("/encoded/deflate", "").1).read_to_string(&mut text).unwrap();
    DeflateDecoder::new(&*raw("/encoded/deflate-raw", "").1).read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("été").count(), 100);
    assert_eq!(get(at, "/encoded/x").status, 404);
}

#[test]
fn a_picture_is_bytes() {
    let (_site, at) = spawn(Config::default());
    let (head, image) = exchange(&mut TcpStream::connect(at).unwrap(), "/image.png", "");
    assert!(head.contains("content-type: image/png\r\n"), "{head}");
    assert!(image.starts_with(b"\x89PNG\r\n") && image.len() > 4096 && std::str::from_utf8(&image).is_err());
}

#[test]
fn odd_answers_are_as_they_should_be() {
    let (_site, at) = spawn(Config::default());
    assert_eq!(get(at, "/many-headers?n=150").head.matches("x-header-").count(), 150);
    assert_eq!(get(at, "/many-headers?n=99999").status, 400);
    let report = ask(at, "REPORT", "/dav", &[], "<sync-collection/>");
    assert!(report.status == 207 && report.body.starts_with("<?xml"), "{}", report.body);
    assert_eq!(get(at, "/dav").status, 405);
    let endless = get(at, "/endless");
    assert_eq!(header(&endless.head, "transfer-encoding"), Some("chunked"));
    let mut stream = TcpStream::connect(at).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut received = vec![0; 200_000];
    stream.read_exact(&mut received).unwrap();
}

#[test]
fn a_strict_site_wants_to_know_who_asks_and_how_much_follows() {
    let (_site, at) = spawn(Config { strict: true, ..Config::default() });
    let status = |request: &str| {
        let mut stream = TcpStream::connect(at).unwrap();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let head = "host: localhost\r\nconnection: close\r\n";
    assert_eq!(status(&format!("GET /items HTTP/1.1\r\n{head}\r\n")), 403);
    let head = format!("{head}user-agent: x\r\n");
    assert_eq!(status(&format!("GET /items HTTP/1.1\r\n{head}\r\n")), 200);
    assert_eq!(status(&format!("POST /echo HTTP/1.1\r\n{head}\r\n")), 411);
    assert_eq!(status(&format!("POST /echo HTTP/1.1\r\n{head}content-length: 0\r\n\r\n")), 200);
}
