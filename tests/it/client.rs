//! What a user of a browser or of curl takes for granted: cookies, redirects, compressed answers, odd
//! headers, dead connections.

mod server;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use loadproof::sample::{Outcome, Sample};

use self::server::{Server, Then, answer};
use crate::support::bench::{Bench, code, stderr};
use crate::support::{Drive, Taken, drive, scenario};

/// A scenario of these steps, each performed so many times by one user without thinking.
fn steps(tables: &str, journey: &str, steps: &str, iterations: u32) -> String {
    format!(
        r#"
        name = "client"
        base_url = "http://127.0.0.1:1"
        {tables}
        [[journey]]
        name = "Only"
        {journey}
        steps = [{steps}]
        [[user_class]]
        name = "User"
        journeys = {{ Only = 1 }}
        [load.test]
        iterations = {iterations}
        concurrency = 1
        [profile.up]
        "#
    )
}

fn driven(tables: &str, list: &str, iterations: u32, server: &Server) -> Taken {
    drive(&scenario(&steps(tables, "", list, iterations)), &server.url(), Drive::default())
}

/// The samples in the order in which they were due.
fn in_order(taken: &Taken) -> Vec<Sample> {
    let mut samples: Vec<Sample> = taken.samples().copied().collect();
    samples.sort_by_key(|sample| sample.sent_us);
    samples
}

/// The only sample, and why it did not end well.
fn only(taken: &Taken) -> (Sample, String) {
    let samples = in_order(taken);
    assert_eq!(samples.len(), 1, "{:?}", taken.reasons());
    (samples[0], taken.reasons().first().map_or(String::new(), |reason| (*reason).to_owned()))
}

/// A site with a login as CMSs have it: a token in a cookie and a session in another.
fn login() -> Server {
    Server::start(|asked| match asked.line.as_str() {
        "GET /login" => answer(200, &["set-cookie: csrf=c1; Path=/", "set-cookie: lang=en"], b"csrf"),
        "POST /login" if asked.cookies().contains(&"csrf=c1") => answer(
            302,
            &["set-cookie: csrf=c2; Path=/", "set-cookie: session=s1; Path=/; HttpOnly", "location: account"],
            b"",
        ),
        "GET /account" if asked.cookies() == ["csrf=c2", "lang=en", "session=s1"] => {
            answer(200, &[], b"hello")
        }
        "GET /account" => answer(403, &[], b"log in first"),
        _ => answer(404, &[], b""),
    })
}

const LOGIN: &str = r#"
    { request = "GET /login" },
    { request = "POST /login", form = { user = "a" }, check = { contains = "hello" } },
    { request = "GET /account", expect = [200, 403] },
"#;

#[test]
fn a_login_with_two_cookies_and_a_redirect_works_as_in_a_browser() {
    let server = login();
    let taken = driven("", LOGIN, 2, &server);
    assert_eq!(taken.outcomes()[0], 6, "{:?}", taken.reasons());
    let redirects: Vec<u8> = in_order(&taken).iter().map(|sample| sample.redirects).collect();
    assert_eq!(redirects, [0, 1, 0, 0, 1, 0]);
    let asked = server.asked();
    assert_eq!(asked.len(), 8, "a redirected request is asked twice, and is one sample");
    assert_eq!(
        asked[4].cookies(),
        ["csrf=c2", "lang=en", "session=s1"],
        "the second journey has the cookies of the first"
    );
    assert_eq!(asked.iter().map(|asked| asked.connection).max(), Some(0), "all over one connection");
}

#[test]
fn a_cookie_is_sent_back_in_a_header() {
    let server = Server::start(|asked| match asked.line.as_str() {
        "GET /form" => answer(200, &["set-cookie: XSRF-TOKEN=a%3D1; Path=/"], b""),
        "POST /form" if asked.all("x-xsrf-token") == ["a=1"] => answer(200, &[], b""),
        _ => answer(403, &[], b""),
    });
    let post = r#"{ request = "POST /form", headers = { x-xsrf-token = "{{ cookie('XSRF-TOKEN') | urldecode }}" } }"#;
    let taken = driven("", &format!(r#"{{ request = "GET /form" }}, {post}"#), 1, &server);
    assert_eq!(taken.outcomes()[0], 2, "{:?}", taken.reasons());
    let taken = driven("", post, 1, &server);
    let (sample, reason) = only(&taken);
    assert_eq!(sample.outcome, Outcome::Failed);
    assert!(reason.contains("the user has no cookie `XSRF-TOKEN`"), "{reason}");
}

#[test]
fn a_link_that_an_answer_gives_is_followed_to_hosts_that_are_allowed() {
    let other = Server::start(|asked| {
        let is_told = !asked.all("authorization").is_empty();
        answer(if is_told { 500 } else { 200 }, &[], b"there")
    });
    let there = other.url();
    let server = Server::start(move |asked| match asked.line.as_str() {
        "POST /orders" => answer(201, &["location: /orders/7?a=1"], b""),
        "GET /orders/7?a=1" => answer(200, &[&format!("link: {there}/next")], b"here"),
        "GET /stranger" => answer(200, &["link: http://stranger.test/x"], b""),
        _ => answer(404, &[], b""),
    });
    let list = r#"
        { request = "POST /orders", expect = 201, extract = { made = { header = "location" } } },
        { request = "GET {{ made }}", check = { contains = "here" }, extract = { next = { header = "link" } } },
        { request = "POST {{ next }}", text = "x", headers = { authorization = "Bearer t" }, check = { contains = "there" } },
        { request = "GET /{{ next }}", name = "slash", continue_on_failure = true },
        { request = "GET /stranger", extract = { next = { header = "link" } } },
        { request = "GET {{ next }}" },
    "#;
    let taken = driven("", list, 1, &server);
    assert_eq!(taken.outcomes()[0], 4, "{:?}", taken.reasons());
    let asked = other.asked();
    assert_eq!((asked.len(), asked[0].line.as_str(), &asked[0].body[..]), (1, "POST /next", &b"x"[..]));
    assert_eq!(asked[0].all("host"), [other.address.to_string()]);
    let reasons = taken.reasons();
    for wanted in ["without the slash", "`allow_hosts = [\"stranger.test\"]`"] {
        assert!(reasons.iter().any(|reason| reason.contains(wanted)), "{wanted}: {reasons:?}");
    }
}

#[test]
fn cookies_can_be_turned_off_and_cleared() {
    let server = login();
    let off = r#"{ request = "GET /login" }, { request = "GET /account", expect = 403 }"#;
    for (tables, journey) in [("[defaults]\ncookies = false", ""), ("", "cookies = false")] {
        let taken = drive(&scenario(&steps(tables, journey, off, 1)), &server.url(), Drive::default());
        assert_eq!(taken.outcomes()[0], 2, "{:?}", taken.reasons());
    }
    assert!(server.asked().iter().all(|asked| asked.cookies().is_empty()));

    let server = login();
    let text = steps("", "clear_cookies = true", LOGIN, 2);
    drive(&scenario(&text), &server.url(), Drive::default());
    let first_of_each: Vec<bool> =
        server.asked().iter().filter(|a| a.line == "GET /login").map(|a| a.cookies().is_empty()).collect();
    assert_eq!(first_of_each, [true, true]);
}

#[test]
fn the_cookies_of_a_start_up_journey_stay_when_others_are_cleared() {
    let server = Server::start(|asked| match asked.line.as_str() {
        "GET /start" => answer(200, &["set-cookie: login=1"], b""),
        _ => answer(200, &["set-cookie: cart=1"], b""),
    });
    let text = r#"
        name = "start"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Start"
        steps = [{ request = "GET /start" }]
        [[journey]]
        name = "Buy"
        clear_cookies = true
        steps = [{ request = "GET /a" }, { request = "GET /b" }]
        [[user_class]]
        name = "User"
        start = "Start"
        journeys = { Buy = 1 }
        [load.test]
        iterations = 2
        concurrency = 1
    "#;
    drive(&scenario(text), &server.url(), Drive::default());
    let asked = server.asked();
    let cookies: Vec<Vec<&str>> = asked.iter().map(server::Asked::cookies).collect();
    let (login, both) = (vec!["login=1"], vec!["cart=1", "login=1"]);
    assert_eq!(cookies, [vec![], login.clone(), both.clone(), login, both]);
}

#[test]
fn redirects_are_followed_to_their_limit_and_no_further() {
    let server = Server::start(|asked| {
        let left: u32 = asked.line.rsplit('/').next().unwrap().parse().unwrap();
        match left {
            0 => answer(200, &[], b"here"),
            left => answer(301, &[&format!("location: /{}", left - 1)], b"moved"),
        }
    });
    let (sample, _) =
        only(&driven("", r#"{ request = "GET /10", check = { contains = "here" } }"#, 1, &server));
    assert_eq!((sample.outcome, sample.status, sample.redirects), (Outcome::Ok, 200, 10));
    assert_eq!(sample.bytes_in, 10 * 5 + 4, "all that came is counted");
    let (sample, reason) = only(&driven("", r#"{ request = "GET /11" }"#, 1, &server));
    assert_eq!((sample.outcome, sample.status, sample.redirects), (Outcome::Failed, 301, 10));
    assert_eq!(reason, "more than 10 redirects (`redirects`)");
    for (tables, step) in [
        ("", r#"{ request = "GET /2", redirects = 0 }"#),
        ("[defaults]\nredirects = 0", r#"{ request = "GET /2" }"#),
        ("", r#"{ request = "GET /2", expect = 301 }"#),
        ("", r#"{ request = "GET /2", expect = [200, 301] }"#),
    ] {
        let (sample, _) = only(&driven(tables, step, 1, &server));
        assert_eq!((sample.outcome, sample.status, sample.redirects), (Outcome::Ok, 301, 0), "{step}");
    }
    let (sample, _) = only(&driven("", r#"{ request = "GET /2", expect = [200, 304] }"#, 1, &server));
    assert_eq!((sample.outcome, sample.redirects), (Outcome::Ok, 2), "304 points nowhere");
}

#[test]
fn a_redirect_to_another_server_takes_no_secrets_along() {
    let there = Server::start(|_| answer(200, &["set-cookie: own=1"], b"there"));
    let to = format!("location: {}/x?y=1", there.url());
    let here = Server::start(move |asked| match asked.line.as_str() {
        "GET /login" => answer(200, &["set-cookie: session=s; Path=/"], b""),
        _ => answer(307, &[&to], b""),
    });
    // 127.0.0.1 is one host for cookies, whatever the port: another name tells them apart.
    let base_url = here.url().replace("127.0.0.1", "localhost");
    let list = r#"{ request = "GET /login" },
        { request = "POST /go", text = "body", headers = { authorization = "Bearer t", x-own = "1" }, check = { contains = "there" } }"#;
    let taken = drive(&scenario(&steps("", "", list, 2)), &base_url, Drive::default());
    assert_eq!(taken.outcomes()[0], 4, "{:?}", taken.reasons());
    let asked = there.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!((asked[0].line.as_str(), &asked[0].body[..]), ("POST /x?y=1", &b"body"[..]));
    assert!(asked[0].all("authorization").is_empty() && asked[0].cookies().is_empty());
    assert_eq!(
        (asked[0].all("x-own"), asked[0].all("host")),
        (vec!["1"], vec![there.address.to_string().as_str()])
    );
    assert_eq!(
        (asked[1].cookies(), asked[1].connection),
        (vec!["own=1"], 0),
        "its connection and cookies are kept"
    );
    assert!(here.asked().iter().any(|asked| asked.cookies() == ["session=s"]));
}

#[test]
fn a_redirect_that_leads_nowhere_fails_and_says_so() {
    let server = Server::start(|_| answer(302, &["location: ftp://me:secret@files/"], b""));
    let (sample, reason) = only(&driven("", r#"{ request = "GET /" }"#, 1, &server));
    assert_eq!((sample.outcome, sample.status), (Outcome::Failed, 302));
    assert_eq!(reason, "cannot follow the redirect (302) to `ftp://files/`");
}

#[test]
fn compressed_answers_are_read_and_counted_as_they_came() {
    let server = Server::start(|asked| {
        assert_eq!(asked.all("accept-encoding"), ["gzip, deflate, br, zstd"]);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(format!("{{\"state\": \"{}\"}}", "done".repeat(1000)).as_bytes()).unwrap();
        answer(200, &["content-encoding: gzip"], &encoder.finish().unwrap())
    });
    let step = r#"{ request = "GET /", check = { contains = "donedone" }, extract = { state = "/state" } }"#;
    let (sample, reason) = only(&driven("", step, 1, &server));
    assert_eq!((sample.outcome, reason.as_str()), (Outcome::Ok, ""));
    assert!((20..200).contains(&sample.bytes_in), "{} bytes", sample.bytes_in);
    let limited = r#"{ request = "GET /", body_limit = "1kB", check = { contains = "done" } }"#;
    let (sample, reason) = only(&driven("", limited, 1, &server));
    assert_eq!(
        (sample.outcome, reason.as_str()),
        (Outcome::Failed, "the body is longer than 1000 bytes (`body_limit`)")
    );
}

#[test]
fn a_body_without_end_is_given_up_at_its_limit() {
    let server = Server::start(|_| {
        let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
        bytes.resize(1 << 20, b'x');
        Then::Answer(bytes)
    });
    let step = r#"{ request = "GET /", body_limit = 100000, timeout = "20s", check = { contains = "y" } }"#;
    let (sample, reason) = only(&driven("", step, 1, &server));
    assert_eq!((sample.outcome, sample.status), (Outcome::Failed, 200));
    assert_eq!(reason, "the body is longer than 97.7 kiB (`body_limit`)");
}

#[test]
fn many_and_folded_header_lines_are_read() {
    let server = Server::start(|asked| {
        let count: usize = asked.line.rsplit('/').next().unwrap().parse().unwrap();
        let lines: Vec<String> = (0..count).map(|n| format!("x-{n}: {n}")).collect();
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.push("folded: one\r\n\ttwo");
        answer(200, &lines, b"")
    });
    for count in [90, 150, 1000] {
        let step = format!(
            r#"{{ request = "GET /{count}", check = {{ header = {{ "x-{}" = "{}", folded = "one two" }} }} }}"#,
            count - 1,
            count - 1
        );
        let taken = driven("", &step, 5, &server);
        assert_eq!(taken.outcomes()[0], 5, "{count}: {:?}", taken.reasons());
        // Room is made once it is known to be needed.
        assert!(taken.samples().map(|sample| u32::from(sample.repeats)).sum::<u32>() <= 1);
    }
}

#[test]
fn an_early_answer_to_a_body_that_is_never_read_is_a_sample_each() {
    // More than the system's buffers hold: the rest of the body cannot be sent.
    let server = Server::start(|_| {
        let answer = answer(413, &[], b"too large");
        let Then::Answer(bytes) = answer else { unreachable!() };
        Then::Answer(bytes)
    });
    let step = r#"{ request = "POST /unread", text = "{{ 'x' * 20000000 }}", expect = 413, timeout = "5s" }"#;
    let begun = Instant::now();
    let taken = driven("", step, 5, &server);
    assert_eq!(taken.requests(), 5);
    assert_eq!(taken.outcomes()[0], 5, "{:?}", taken.reasons());
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// A server that closes each connection when its second request comes, without a word.
fn closing() -> Server {
    Server::start(|asked| if asked.number == 0 { answer(200, &[], b"ok") } else { Then::Close(Vec::new()) })
}

#[test]
fn an_idempotent_request_on_a_connection_that_has_died_is_repeated_once_and_counted() {
    let server = closing();
    let taken = driven("", r#"{ request = "GET /" }"#, 10, &server);
    assert_eq!(taken.outcomes()[0], 10, "{:?}", taken.reasons());
    let repeats: Vec<u8> = in_order(&taken).iter().map(|sample| sample.repeats).collect();
    assert_eq!(repeats, [0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(server.asked().len(), 19);
    // What might do its work twice is not repeated.
    let taken = driven("", r#"{ request = "POST /", continue_on_failure = true }"#, 4, &closing());
    assert_eq!((taken.outcomes()[0], taken.outcomes()[3]), (2, 2), "{:?}", taken.reasons());
    assert!(taken.samples().all(|sample| sample.repeats == 0));
}

#[test]
fn a_request_that_was_answered_in_part_is_not_repeated() {
    let server = Server::start(|asked| {
        if asked.number == 0 { answer(200, &[], b"ok") } else { Then::Close(b"HTTP/1.1 200 O".to_vec()) }
    });
    let taken = driven("", r#"{ request = "GET /", continue_on_failure = true }"#, 4, &server);
    assert_eq!((taken.outcomes()[0], taken.outcomes()[3]), (2, 2), "{:?}", taken.reasons());
    // Nor is one on a new connection: the server does not answer at all.
    let server = Server::start(|_| Then::Close(Vec::new()));
    let (sample, _) = only(&driven("", r#"{ request = "GET /" }"#, 1, &server));
    assert_eq!((sample.outcome, sample.repeats, server.asked().len()), (Outcome::Error, 0, 1));
}

#[test]
fn requests_go_out_as_those_of_browsers_and_curl_do() {
    let server = Server::start(|_| answer(200, &[], b""));
    let list = r#"
        { request = "POST /a b?q=é", headers = { x-both = ["1", "2"] } },
        { request = "PROPFIND /dav" },
    "#;
    let url = server.url().replace("http://", "http://me:p%40ss@");
    let taken = drive(&scenario(&steps("", "", list, 1)), &url, Drive::default());
    assert_eq!(taken.outcomes()[0], 2, "{:?}", taken.reasons());
    let asked = server.asked();
    assert_eq!(asked[0].line, "POST /a%20b?q=%C3%A9");
    assert_eq!(asked[0].all("content-length"), ["0"]);
    assert_eq!(asked[0].all("x-both"), ["1", "2"]);
    assert_eq!(asked[0].all("user-agent"), [format!("loadproof/{}", env!("CARGO_PKG_VERSION"))]);
    assert_eq!(asked[0].all("authorization"), ["Basic bWU6cEBzcw=="]);
    assert_eq!(asked[0].all("host"), [server.address.to_string()]);
    assert_eq!((asked[1].line.as_str(), asked[1].all("content-length")), ("PROPFIND /dav", vec![]));
}

#[test]
fn connections_come_from_the_source_addresses_in_turn() {
    let server = Server::start(|_| {
        let Then::Answer(bytes) = answer(200, &["connection: close"], b"") else { unreachable!() };
        Then::Close(bytes)
    });
    let network = "[network]\nsource_addresses = ['127.0.0.2', '127.0.0.3', '::1']";
    let taken = driven(network, r#"{ request = "GET /" }"#, 4, &server);
    assert_eq!(taken.outcomes()[0], 4, "{:?}", taken.reasons());
    let peers: Vec<String> = server.asked().iter().map(|asked| asked.peer.to_string()).collect();
    assert_eq!(peers, ["127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3"]);
    let (_, reason) =
        only(&driven("[network]\nsource_addresses = '::1'", r#"{ request = "GET /" }"#, 1, &server));
    assert!(reason.contains("none of `source_addresses` reaches 127.0.0.1"), "{reason}");
}

/// A proxy that makes tunnels for those who know its password; what it was asked for.
fn proxy() -> (std::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                client.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            seen.lock().unwrap().push(head.lines().next().unwrap().to_owned());
            // `me:pw`
            if !head.contains("Proxy-Authorization: Basic bWU6cHc=\r\n") {
                let _ = client.write_all(b"HTTP/1.1 407 Who Are You\r\n\r\n");
                continue;
            }
            let mut server = std::net::TcpStream::connect(head.split(' ').nth(1).unwrap()).unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\nx-proxy: 1\r\n\r\n").unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
            std::thread::spawn(move || std::io::copy(&mut server, &mut client));
        }
    });
    (address, asked)
}

#[test]
fn a_proxy_makes_a_tunnel_for_every_connection_and_its_password_is_not_told() {
    let server = Server::start(|_| answer(200, &[], b"ok"));
    let (address, asked) = proxy();
    let step = r#"{ request = "GET /", check = { contains = "ok" } }"#;
    let taken = driven(&format!("[network]\nproxy = 'http://me:pw@{address}'"), step, 3, &server);
    assert_eq!(taken.outcomes()[0], 3, "{:?}", taken.reasons());
    assert_eq!(*asked.lock().unwrap(), [format!("CONNECT {} HTTP/1.1", server.address)]);
    let (_, reason) =
        only(&driven(&format!("[network]\nproxy = 'http://me:wrong@{address}'"), step, 1, &server));
    assert!(reason.contains(&format!("proxy http://{address}: it requires a name and password")), "{reason}");
    assert!(!reason.contains("wrong"), "{reason}");
}

#[test]
fn a_unix_socket_takes_the_place_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            while stream.read(&mut request).is_ok_and(|n| n > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
            }
        }
    });
    let tables = format!("[network]\nunix_socket = '{}'", path.display());
    let text = steps(&tables, "", r#"{ request = "GET /", check = { contains = "ok" } }"#, 3);
    let taken = drive(&scenario(&text), "http://app.invalid", Drive::default());
    assert_eq!(taken.outcomes()[0], 3, "{:?}", taken.reasons());
}

#[test]
fn forms_with_files_are_sent_byte_by_byte() {
    let server = Server::start(|_| answer(200, &[], b""));
    let bench = Bench::new();
    std::fs::write(bench.path("a.png"), [0x89, b'P', 0xff, 0x00]).unwrap();
    let step =
        r#"{ request = "POST /", multipart = { title = "n {{ 6 * 7 }}", image = { file = "a.png" } } }"#;
    let text = steps("", "", step, 1).replace("http://127.0.0.1:1", &server.url());
    bench.write("upload.toml", &text);
    // Whether so short a run is valid depends on how busy the machine is.
    bench.run(&["run", "upload.toml", "--progress", "none"]);
    let asked = &server.asked()[0];
    let kind = asked.all("content-type")[0].to_owned();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let expected = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nn 42\r\n").as_bytes(),
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n")
            .as_bytes(),
        b"Content-Type: image/png\r\n\r\n\x89P\xff\x00\r\n",
        format!("--{boundary}--\r\n").as_bytes(),
    ]
    .concat();
    assert_eq!(String::from_utf8_lossy(&asked.body), String::from_utf8_lossy(&expected));
    assert_eq!(asked.body, expected);
}

#[test]
fn a_command_sends_bytes_keeps_passwords_to_itself_and_tells_of_repeats() {
    let server = closing();
    let bench = Bench::new();
    std::fs::write(bench.path("image.bin"), [0xff, 0x00, 0xfe, b'\n']).unwrap();
    let url = format!("http://me:hunter2@{}/upload", server.address);
    bench.run(&[
        "http",
        &url,
        "-m",
        "PUT",
        "-b",
        "@image.bin",
        "-n",
        "6",
        "-c",
        "1",
        "--html",
        "out.html",
        "--progress",
        "none",
    ]);
    let asked = server.asked();
    assert_eq!((asked[0].line.as_str(), &asked[0].body[..]), ("PUT /upload", &[0xff, 0x00, 0xfe, b'\n'][..]));
    assert_eq!(asked[0].all("content-type"), ["application/octet-stream"]);
    assert_eq!(bench.query("SELECT sum(repeats) FROM samples"), 5);
    let report = std::fs::read_to_string(bench.path("out.html")).unwrap();
    assert!(report.contains("5 of 6 requests were sent again on a new connection"));
    let store = std::fs::read(bench.path("reports/loadproof.db")).unwrap();
    for written in [report.as_bytes(), &store[..]] {
        assert!(!written.windows(7).any(|bytes| bytes == b"hunter2"), "the password is written down");
    }
    let wrong = bench.run(&["http", "http://me:hunter2@host.invalid/", "-n", "1", "--progress", "none"]);
    assert!(code(&wrong) != 0 && !stderr(&wrong).contains("hunter2"), "{}", stderr(&wrong));
}
