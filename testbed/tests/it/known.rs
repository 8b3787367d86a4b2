//! What a client measures of the server of known truth is what its truth says.

use crate::support;
use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use support::Client;
use testbed::known::{self, ServiceTime, Stalls, Truth};

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
