//! What the scenario language makes of answers: what goes out again, which steps are performed, and
//! what is counted.

use crate::support;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use loadproof::sample::{Kind, Outcome, SoftChecks};
use support::bench::Bench;
use support::{Drive, Taken, drive, scenario};

/// What every request is answered with.
const ANSWER: &str = r#"{"id": 12345678901234567890123, "price": 1.50, "is_new": true, "none": null, "items": [{"id": 1}, {"id": 2}, {"id": 3}]}"#;

/// A server that answers everything alike, and 500 under `/bad`; and what it was asked: method, path and body.
fn server() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, kept) = (stream.unwrap(), Arc::clone(&kept));
            std::thread::spawn(move || serve(&stream, &kept));
        }
    });
    (url, asked)
}

fn serve(stream: &TcpStream, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let (mut length, mut tag) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if let Some(value) = header.strip_prefix("x-tag: ") {
                tag = format!(" {value}");
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let line = line.trim().trim_end_matches(" HTTP/1.1");
        let text = format!("{line}{tag} {}", String::from_utf8(body).unwrap());
        asked.lock().unwrap().push(text.trim().to_owned());
        let status = if line.contains("/bad") { "500 Oh" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{ANSWER}", ANSWER.len());
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn text(steps: &str, load: &str) -> String {
    format!(
        "name = \"language\"\nbase_url = \"http://127.0.0.1:1\"\n[[journey]]\nname = \"Only\"\nsteps = [{steps}]\n\
         [[user_class]]\nname = \"User\"\njourneys = {{ Only = 1 }}\n[load.test]\n{load}\n"
    )
}

/// One journey of these steps: what the server was asked, and what was taken.
fn once(steps: &str) -> (Vec<String>, Taken) {
    let (url, asked) = server();
    let taken = drive(&scenario(&text(steps, "iterations = 1\nconcurrency = 1")), &url, Drive::default());
    let asked = asked.lock().unwrap().clone();
    (asked, taken)
}

#[test]
fn lists_in_forms_are_several_fields_and_numbers_keep_their_digits() {
    let (asked, _) = once(
        r#"
        { request = "POST /a", form = { l = ["1", "{{ 1 + 1 }}", 3.50], n = 1.50, none = [] } },
        { request = "POST /b", json = { n = 1.50, big = 1_000.0, e = 1e3, list = [-0.0] } },
        { for_each = [2.50], request = "POST /c/{{ item }}", multipart = { l = ["x", 1.10] } },
        "#,
    );
    assert_eq!(asked[0], "POST /a l=1&l=2&l=3.50&n=1.50");
    assert_eq!(asked[1], r#"POST /b {"n": 1.50,"big": 1000.0,"e": 1e3,"list": [-0.0]}"#);
    assert!(asked[2].starts_with("POST /c/2.50 "), "{}", asked[2]);
    let parts: Vec<&str> = asked[2].matches("name=\"l\"").collect();
    assert!(parts.len() == 2 && asked[2].contains("\r\n\r\n1.10\r\n"), "{}", asked[2]);
}

#[test]
fn values_go_out_again_as_they_came() {
    let (asked, _) = once(
        r#"
        { request = "GET /a", extract = { id = "/id", price = "/price", is_new = "/is_new", nil = "/none" } },
        { let = { no = false, flag = "{{ false }}", n = "{{ 6 * 7 }}" }, request = "POST /b/{{ id }}/{{ price }}/{{ is_new }}",
          headers = { x-tag = "[{{ price }}{{ nil }}]" },
          json = { id = "{{ id }}", price = "{{ price }}", is_new = "{{ is_new }}", none = "{{ nil }}", no = "{{ no }}", flag = "{{ flag }}", n = "{{ n }}" } },
        { request = "POST /c", form = { id = "{{ id }}", is_new = "{{ is_new }}", none = "{{ nil }}" } },
        "#,
    );
    assert_eq!(
        asked[1],
        "POST /b/12345678901234567890123/1.50/true [1.50] \
         {\"id\": 12345678901234567890123,\"price\": 1.50,\"is_new\": true,\"none\": null,\"no\": false,\"flag\": false,\"n\": 42}"
    );
    assert_eq!(asked[2], "POST /c id=12345678901234567890123&is_new=true&none=");
}

#[test]
fn steps_are_left_out_repeated_and_have_variables_of_their_own() {
    let (asked, _) = once(
        r#"
        { request = "GET /a", extract = { is_new = "/is_new", ids = { json = "$.items[*].id", which = "all" }, other = { json = "/other", default = "none" } } },
        { if = "{{ not is_new }}", request = "GET /never" },
        { if = "{{ is_new and ids | length == 3 }}", request = "GET /then" },
        { for_each = "{{ ids }}", as = "id", max = 2, request = "GET /each/{{ id }}" },
        { let = { n = 0 }, while = "{{ true }}", max = 3, request = "GET /while/{{ n }}/{{ other }}" },
        { let = { ids = "hidden" }, request = "GET /let/{{ ids }}" },
        { for_each = ["x", "y"], steps = [{ request = "GET /list/{{ item }}" }] },
        { request = "GET /after/{{ ids | length }}" },
        "#,
    );
    assert_eq!(
        asked,
        [
            "GET /a",
            "GET /then",
            "GET /each/1",
            "GET /each/2",
            "GET /while/0/none",
            "GET /while/0/none",
            "GET /while/0/none",
            "GET /let/hidden",
            "GET /list/x",
            "GET /list/y",
            "GET /after/3"
        ]
    );
}

#[test]
fn a_group_is_a_sample_of_its_whole_time_and_fails_with_its_steps() {
    let (asked, taken) = once(
        r#"
        { group = "good", steps = [{ request = "GET /a" }, { pause = "30ms" }, { request = "GET /b" }] },
        { group = "bad", steps = [{ request = "GET /bad", continue_on_failure = true }, { request = "GET /c" }] },
        "#,
    );
    assert_eq!(asked, ["GET /a", "GET /b", "GET /bad", "GET /c"]);
    assert_eq!(taken.requests(), 4, "groups are no requests");
    let (good, bad) = (taken.of("good"), taken.of("bad"));
    assert_eq!((good.len(), bad.len()), (1, 1));
    assert_eq!(taken.subject(good[0]).kind, Kind::Group);
    assert_eq!((good[0].outcome, bad[0].outcome), (Outcome::Ok, Outcome::Failed));
    assert!(good[0].done_us - good[0].intended_us >= 30_000);
    assert!(bad[0].outcome.is_unanswered(Kind::Group));
}

#[test]
fn a_group_that_has_begun_when_the_load_ends_is_finished() {
    let (url, _) = server();
    let steps = r#"{ group = "whole", steps = [{ request = "GET /a" }, { pause = "400ms" }, { request = "GET /b" }] }"#;
    let taken = drive(&scenario(&text(steps, "users = 3\nrun_time = '0.2s'")), &url, Drive::default());
    let whole = taken.of("whole");
    assert_eq!(whole.len(), 3);
    assert!(whole.iter().all(|sample| sample.outcome == Outcome::Ok), "{:?}", taken.reasons());
    assert_eq!(taken.of("GET /b").len(), 3);
}

#[test]
fn soft_checks_are_counted_and_fail_nothing() {
    let (_, taken) = once(
        r#"
        { repeat = 3, request = "GET /a", soft_check = { cheap = { json = { "/price" = { below = 1 } } }, new = { json = { "/is_new" = true } } } },
        { request = "GET /bad", expect = 200, continue_on_failure = true, soft_check = { new = { json = { "/is_new" = true } } } },
        "#,
    );
    assert_eq!(taken.outcomes(), [3, 0, 1, 0, 0]);
    let mut counts = std::collections::BTreeMap::new();
    for SoftChecks { check, passed, failed, .. } in taken.batches.iter().flat_map(|batch| &batch.soft_checks)
    {
        let count = counts.entry(taken.scenario.soft_checks[usize::from(*check)].as_str()).or_insert((0, 0));
        *count = (count.0 + passed, count.1 + failed);
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("cheap", (0, 3)), ("new", (4, 0))]);
}

#[test]
fn a_request_that_cannot_be_made_leaves_the_others_their_turn() {
    let (url, _) = server();
    // Half of the journeys fail before they have sent anything.
    let steps = r#"{ choice = [{ weight = 1, steps = [{ let = { x = 1 }, request = "GET /a/{{ x.y }}", name = "broken" }] }, { weight = 1, steps = [{ request = "GET /fine" }] }] }"#;
    let taken = drive(&scenario(&text(steps, "users = 4\nrun_time = '1s'")), &url, Drive::default());
    let (broken, fine) = (taken.of("broken").len(), taken.of("GET /fine").len());
    assert!(broken > 4 && fine > broken / 3, "{broken} broken, {fine} fine");
    // Four users that rest up to 100 ms after each: no loop can do that in a second.
    assert!(broken < 2_500, "{broken} broken");
}

#[test]
fn a_journey_that_does_nothing_does_not_spin() {
    let (url, asked) = server();
    let steps = r#"{ if = "{{ iteration < 0 }}", request = "GET /never" }"#;
    let taken = drive(&scenario(&text(steps, "users = 2\nrun_time = '0.3s'")), &url, Drive::default());
    assert_eq!((taken.requests(), asked.lock().unwrap().len()), (0, 0));
}

#[test]
fn a_soft_check_decides_a_claim_and_a_scenario_needs_no_profile() {
    let (url, _) = server();
    let bench = Bench::new();
    let steps = r#"{ group = "all", steps = [{ request = "GET /a", soft_check = { cheap = { json = { "/price" = { below = 1 } } } } }] }"#;
    let claim = "[[claim]]\ntitle = \"Cheap\"\nvalue = \"run.check_share('cheap')\"\nat_least = \"90%\"\n\
                 [[claim]]\ntitle = \"Whole\"\nvalue = \"run.p50\"\nat_most = \"10s\"\nselect = { group = \"all\" }\n";
    let scenario = format!("{}{claim}", text(steps, "iterations = 40\nconcurrency = 2"));
    bench.write("soft.toml", &scenario.replace("http://127.0.0.1:1", &url));
    bench.run(&["run", "soft.toml", "--progress", "none"]);
    let json = String::from_utf8(bench.run(&["report", "1", "--json"]).stdout).unwrap();
    assert!(json.contains("check_share('cheap')") && json.contains("\"groups\""), "{json}");
    assert_eq!(bench.query("SELECT sum(failed) - sum(passed) FROM soft_check WHERE name = 'cheap'"), 40);
    assert_eq!(bench.query("SELECT count(*) FROM samples WHERE kind = 'group'"), 40);
}

#[test]
fn the_load_is_stopped_in_the_middle_of_a_loop() {
    let (url, _) = server();
    let steps = r#"{ while = "{{ true }}", max = 1000000, steps = [{ request = "GET /a" }] }"#;
    let scenario = scenario(&text(steps, "iterations = 1\nconcurrency = 1"));
    let stop = Drive { stop_after: Some(Duration::from_millis(300)), ..Drive::default() };
    let taken = drive(&scenario, &url, stop);
    assert!(taken.requests() > 0);
}
