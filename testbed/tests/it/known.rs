//! What a client measures of the server of known truth is what its truth says.

use crate::support;
use std::{
    io::{Read, Write},
    net::TcpStream,
    num::NonZeroUsize,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use support::Client;
use testbed::known::{self, Faults, MetricsPage, ServiceTime, Stalls, Truth};

const MS: Duration = Duration::from_millis(1);

fn spawn(truth: Truth) -> (known::Running, Client) {
    let server = known::spawn(truth).unwrap();
    let client = Client::new(server.address());
    (server, client)
}

fn timed(client: &mut Client, path: &str) -> Duration {
    let start = Instant::now();
    client.get(path);
    start.elapsed()
}

#[test]
fn requests_take_the_service_time_times_the_slow_down() {
    let (_server, mut client) =
        spawn(Truth { service_time: ServiceTime::Constant(2 * MS), slowdown: 1.5, ..Truth::default() });
    let mut times: Vec<_> = (0..100).map(|_| timed(&mut client, "/")).collect();
    times.sort();
    assert!(times[0] >= 3 * MS, "never shorter: {:?}", times[0]);
    assert!(times[50] < 5 * MS, "median {:?}", times[50]);
}

#[test]
fn requests_do_not_wait_for_each_other() {
    let (server, _) = spawn(Truth { service_time: ServiceTime::Constant(200 * MS), ..Truth::default() });
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| Client::new(server.address()).get("/"));
        }
    });
    assert!(start.elapsed() < 1000 * MS, "{:?}", start.elapsed());
}

#[test]
fn a_stalled_server_answers_after_the_stall() {
    let (_server, mut client) =
        spawn(Truth { stalls: Some(Stalls { period: 300 * MS, length: 150 * MS }), ..Truth::default() });
    client.send("POST", "/reset", "").unwrap();
    let start = Instant::now();
    assert!(timed(&mut client, "/") < 100 * MS, "before the stall");
    thread::sleep(Duration::from_millis(200).saturating_sub(start.elapsed()));
    client.get("/");
    let answered = start.elapsed();
    // The clock restarts a little before `start`, and a busy machine answers late.
    assert!((295 * MS..900 * MS).contains(&answered), "{answered:?}");
}

#[test]
fn the_stated_share_of_requests_fails_and_all_are_counted() {
    let (_server, mut client) = spawn(Truth { errors: 0.2, error_status: 503, ..Truth::default() });
    let statuses: Vec<u16> = (0..500).map(|_| client.get("/work").status).collect();
    let errors = statuses.iter().filter(|status| **status == 503).count();
    assert!((70..130).contains(&errors), "{errors} of 500");
    client.get("/health");
    let stats = client.get("/stats").json();
    assert_eq!(stats["requests"], 500);
    assert_eq!(stats["errors"], errors);
    assert_eq!(stats["paths"], json!({"/work": 500}));

    client.send("POST", "/reset", "").unwrap();
    assert_eq!(client.get("/stats").json()["requests"], 0);
    let again: Vec<u16> = (0..500).map(|_| client.get("/work").status).collect();
    assert_eq!(again, statuses, "after a reset, the same requests fail");
}

#[test]
fn a_job_is_visible_when_its_effect_delay_has_passed() {
    let (_server, mut client) = spawn(Truth { effect_delay: 80 * MS, ..Truth::default() });
    let job = client.post("/jobs", &json!({}));
    assert_eq!(job.status, 201);
    let answered = Instant::now();
    let path = format!("/jobs/{}", job.field("job_id"));
    assert_eq!(client.get(&path).status, 404);
    assert!(client.get("/metrics").body.contains("\nknown_backlog 1\n"));
    support::wait_for("the job", || (client.get(&path).status == 200).then_some(()));
    let delay = answered.elapsed();
    assert!((79 * MS..400 * MS).contains(&delay), "{delay:?}");
    assert!(client.get("/metrics").body.contains("\nknown_backlog 0\n"));
}

#[test]
fn special_paths_answer_what_they_say() {
    let (server, mut client) = spawn(Truth { status: 202, body: "done".to_owned(), ..Truth::default() });
    let answer = client.send("DELETE", "/", "").unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (202, "done"));
    assert_eq!(client.get("/status/418").status, 418);
    assert_eq!(client.get("/json").json()["items"][1]["sku"], "B-2");
    let echo = client.send("PUT", "/echo?a=1", "hello").unwrap().json();
    assert_eq!(echo["method"], "PUT");
    assert_eq!(echo["query"], "a=1");
    assert_eq!(echo["body"], "hello");
    assert_eq!(echo["headers"]["host"], "test");
    assert!(client.send("GET", "/close", "").is_err());
    assert_eq!(Client::new(server.address()).get("/stats").json()["closed"], 1);
}

#[test]
fn a_dropped_server_stops_listening_at_once() {
    let (server, client) = spawn(Truth::default());
    let address = server.address();
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < 900 * MS, "{:?}", start.elapsed());
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(client);
}

#[test]
fn an_impossible_truth_does_not_start() {
    let truth = Truth { errors: 2.0, ..Truth::default() };
    assert!(known::spawn(truth).is_err());
}

fn faulty(faults: Faults) -> (known::Running, Client) {
    spawn(Truth { faults, ..Truth::default() })
}

/// Whether a server answers within half a second, asked over a connection of its own.
fn answers(server: &known::Running, path: &str) -> bool {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(500 * MS)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").unwrap();
    stream.read(&mut [0]).is_ok_and(|read| read > 0)
}

#[test]
fn a_request_that_hangs_is_never_answered() {
    let (server, _) = faulty(Faults { hang: 1.0, ..Faults::default() });
    assert!(!answers(&server, "/"));
    let stats = Client::new(server.address()).get("/stats").json();
    assert_eq!((&stats["hung"], &stats["requests"]), (&json!(1), &json!(0)));
}

#[test]
fn requests_that_fail_fast_or_are_shed_do_not_wait_for_the_service_time() {
    let faults = Faults { fail_fast: 0.5, shed: 0.5, ..Faults::default() };
    let service_time = ServiceTime::Constant(Duration::from_secs(60));
    let (_server, mut client) = spawn(Truth { service_time, faults, ..Truth::default() });
    let statuses: Vec<u16> = (0..200).map(|_| client.get("/").status).collect();
    let shed = statuses.iter().filter(|status| **status == 429).count();
    assert!((60..140).contains(&shed), "{shed} of 200");
    assert!(statuses.iter().all(|status| [429, 500].contains(status)));
    let stats = client.get("/stats").json();
    assert_eq!((&stats["shed"], &stats["errors"]), (&json!(shed), &json!(200 - shed)));
}

#[test]
fn empty_bodies_keep_their_statuses() {
    let (_server, mut client) = faulty(Faults { empty_bodies: true, ..Faults::default() });
    for (path, status) in [("/", 200), ("/json", 200), ("/status/404", 404)] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.body.as_str()), (status, ""), "{path}");
    }
    assert!(client.get("/health").body.contains("healthy"), "control paths answer as ever");
}

#[test]
fn requests_beyond_the_places_queue() {
    let faults = Faults { places: NonZeroUsize::new(2), ..Faults::default() };
    let service_time = ServiceTime::Constant(100 * MS);
    let (server, _) = spawn(Truth { service_time, faults, ..Truth::default() });
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| Client::new(server.address()).get("/"));
        }
    });
    assert!(start.elapsed() >= 300 * MS, "three times two: {:?}", start.elapsed());
}

#[test]
fn counters_on_the_metrics_page_begin_again_and_the_true_ones_do_not() {
    let (_server, mut client) =
        faulty(Faults { counters_restart_after: Some(200 * MS), ..Faults::default() });
    client.get("/");
    client.get("/");
    thread::sleep(200 * MS);
    client.get("/");
    assert!(client.get("/metrics").body.contains("\nknown_requests_total 1\n"));
    assert_eq!(client.get("/stats").json()["requests"], 3);
}

#[test]
fn a_metrics_page_is_slow_or_dead() {
    let (_server, mut client) =
        faulty(Faults { metrics_page: MetricsPage::Slow(150 * MS), ..Faults::default() });
    assert!(timed(&mut client, "/metrics") >= 150 * MS);
    let (server, _) = faulty(Faults { metrics_page: MetricsPage::Dead, ..Faults::default() });
    assert!(!answers(&server, "/metrics"));
    assert!(answers(&server, "/"), "the rest of it answers");
}

#[test]
fn a_lost_job_never_becomes_visible() {
    let (_server, mut client) = faulty(Faults { lost_effects: 1.0, ..Faults::default() });
    let job = client.post("/jobs", &json!({}));
    assert_eq!(job.status, 201);
    thread::sleep(50 * MS);
    assert_eq!(client.get(&format!("/jobs/{}", job.field("job_id"))).status, 404);
}

#[test]
fn each_start_is_counted_in_the_file_and_is_slower() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults {
        slower_per_start: 10.0,
        starts_file: Some(folder.path().join("starts")),
        ..Faults::default()
    };
    let truth = Truth { service_time: ServiceTime::Constant(2 * MS), faults, ..Truth::default() };
    for least in [2 * MS, 20 * MS, 200 * MS] {
        let (_server, mut client) = spawn(truth.clone());
        let took = timed(&mut client, "/");
        assert!(took >= least, "{took:?}");
    }
    assert_eq!(std::fs::read(folder.path().join("starts")).unwrap(), b"...");
}
