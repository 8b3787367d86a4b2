//! Load against the server of known truth: what was sent, when, and what it was worth.

use crate::support;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use loadproof::sample::{Outcome, Phase, Sample};
use support::{Drive, drive, quantile, scenario};
use testbed::known::{self, ServiceTime, Stalls, Truth};

/// A server of a constant service time.
fn server(service_time: Duration) -> known::Running {
    known::spawn(Truth { service_time: ServiceTime::Constant(service_time), ..Truth::default() }).unwrap()
}

/// What the server itself counted.
fn counted(server: &known::Running) -> u64 {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    write!(stream, "GET /stats HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    json["requests"].as_u64().unwrap()
}

/// A scenario of one request, performed by one kind of user without thinking.
fn one_request(step: &str, load: &str) -> String {
    format!(
        r#"
        name = "test"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Only"
        traffic_class = "production"
        steps = [{step}]
        [[user_class]]
        name = "User"
        journeys = {{ Only = 1 }}
        [load.test]
        {load}
        "#
    )
}

fn response_us(sample: &Sample) -> f64 {
    (sample.done_us - sample.intended_us) as f64
}

fn service_us(sample: &Sample) -> f64 {
    (sample.done_us - sample.sent_us) as f64
}

#[test]
fn every_request_that_the_server_counted_is_a_sample() {
    let server = server(Duration::ZERO);
    let text = one_request(r#"{ request = "GET /" }"#, "users = 8\nrun_time = '0.5s'");
    let taken = drive(&scenario(&text), &server.url(), Drive { workers: 2, ..Drive::default() });
    assert!(taken.requests() > 100, "{}", taken.requests());
    assert_eq!(taken.requests() as u64, counted(&server));
    assert_eq!(taken.outcomes()[0], taken.requests());
}

#[test]
fn a_stall_shows_in_response_time_and_hides_in_service_time() {
    let server = known::spawn(Truth {
        service_time: ServiceTime::Constant(Duration::from_millis(1)),
        stalls: Some(Stalls { period: Duration::from_millis(500), length: Duration::from_millis(250) }),
        ..Truth::default()
    })
    .unwrap();
    // Eight connections are far too few for the arrivals of a stall: the rest waits its turn.
    let load = "rate = 400\nrun_time = '2s'\nmax_in_flight = 8";
    let taken =
        drive(&scenario(&one_request(r#"{ request = "GET /" }"#, load)), &server.url(), Drive::default());
    assert_eq!(taken.requests(), 800);
    let responses: Vec<f64> = taken.samples().map(response_us).collect();
    let services: Vec<f64> = taken.samples().map(service_us).collect();
    // Half of all time is stalled: the p90 of the response lies deep in a stall …
    let (p90, served_p90) = (quantile(responses, 0.9), quantile(services, 0.9));
    assert!((150_000.0..320_000.0).contains(&p90), "response p90 {p90} µs");
    // … of which the few requests that were on the wire tell nothing.
    assert!(served_p90 < 50_000.0, "service p90 {served_p90} µs");
}

#[test]
fn an_even_rate_is_kept_whatever_the_server_does() {
    let server = server(Duration::from_millis(30));
    let load = "rate = 200\nrun_time = '1s'\nmax_in_flight = 50";
    let taken =
        drive(&scenario(&one_request(r#"{ request = "GET /" }"#, load)), &server.url(), Drive::default());
    let mut intended: Vec<i64> = taken.samples().map(|s| s.intended_us).collect();
    intended.sort_unstable();
    let expected: Vec<i64> = (0..200).map(|i| i * 5_000).collect();
    assert_eq!(intended, expected);
    let early = taken.samples().filter(|s| s.sent_us < s.intended_us).count();
    assert_eq!(early, 0);
}

#[test]
fn poisson_arrivals_vary_and_repeat_with_their_seed() {
    let server = server(Duration::ZERO);
    let load = "rate = 300\narrivals = 'poisson'\nrun_time = '1s'";
    let scenario = scenario(&one_request(r#"{ request = "GET /" }"#, load));
    let intended = |seed| {
        let taken = drive(&scenario, &server.url(), Drive { seed, ..Drive::default() });
        let mut intended: Vec<i64> = taken.samples().map(|s| s.intended_us).collect();
        intended.sort_unstable();
        intended
    };
    let (first, again, other) = (intended(1), intended(1), intended(2));
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!((220..380).contains(&first.len()), "{}", first.len());
}

#[test]
fn starts_without_a_free_place_in_time_are_dropped_and_stored() {
    let server = server(Duration::from_millis(200));
    let load = "rate = 100\nrun_time = '1s'\nmax_in_flight = 2\ndrop_after = '50ms'\ngrace = '1s'";
    let taken =
        drive(&scenario(&one_request(r#"{ request = "GET /" }"#, load)), &server.url(), Drive::default());
    let [ok, _, _, _, dropped] = taken.outcomes();
    assert_eq!(ok + dropped, 100, "every start is accounted for");
    assert_eq!(ok as u64, counted(&server));
    assert!(dropped > 60, "{dropped}");
    assert!(taken.reasons().contains(&"no free place in time"));
}

#[test]
fn a_closed_load_ramps_and_labels_its_phases() {
    let server = server(Duration::from_millis(5));
    let load = "users = 4\nspawn_rate = 10\nrun_time = '0.6s'";
    let taken =
        drive(&scenario(&one_request(r#"{ request = "GET /" }"#, load)), &server.url(), Drive::default());
    let mut first: BTreeMap<u32, i64> = BTreeMap::new();
    for sample in taken.samples() {
        let first = first.entry(sample.user).or_insert(i64::MAX);
        *first = (*first).min(sample.intended_us);
        let phase = if sample.intended_us < 300_000 { Phase::Ramp } else { Phase::Steady };
        assert_eq!(sample.phase, phase);
        assert!(sample.intended_us < 600_000);
    }
    assert_eq!(first.into_values().collect::<Vec<_>>(), [0, 100_000, 200_000, 300_000]);
}

#[test]
fn pacing_starts_journeys_at_even_distances_without_catching_up() {
    let server = server(Duration::from_millis(1));
    let text = one_request(r#"{ request = "GET /" }"#, "users = 1\nrun_time = '0.5s'")
        .replace("journeys = {", "think = { pacing = '50ms' }\njourneys = {");
    let taken = drive(&scenario(&text), &server.url(), Drive::default());
    let intended: Vec<i64> = taken.samples().map(|s| s.intended_us).collect();
    let distances: Vec<i64> = intended.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // On a busy machine an answer may take longer than the interval: the next start then moves on.
    assert!(distances.iter().all(|d| *d >= 50_000), "{distances:?}");
    assert!(distances.iter().filter(|d| **d == 50_000).count() >= 5, "{distances:?}");
}

#[test]
fn shared_iterations_are_done_once_each_and_can_be_spread() {
    let server = server(Duration::from_millis(2));
    let plain = one_request(r#"{ request = "GET /" }"#, "iterations = 101\nconcurrency = 7");
    let taken = drive(&scenario(&plain), &server.url(), Drive { workers: 2, ..Drive::default() });
    assert_eq!((taken.requests(), counted(&server)), (101, 101));

    let spread = one_request(r#"{ request = "GET /" }"#, "iterations = 40\nconcurrency = 7\nover = '0.4s'");
    let taken = drive(&scenario(&spread), &server.url(), Drive::default());
    let mut intended: Vec<i64> = taken.samples().map(|s| s.intended_us).collect();
    intended.sort_unstable();
    assert_eq!(intended, (0..40).map(|i| i * 10_000).collect::<Vec<_>>());
}

#[test]
fn journeys_pass_values_on_and_end_at_the_first_failure() {
    let server = server(Duration::ZERO);
    let text = r#"
        name = "test"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Two"
        steps = [
          { request = "POST /echo", json = { id = "{{ hex(6) }}", n = "{{ int(1, 9) }}" }, extract = { id = { regex = 'id\\": \\"([0-9a-f]{6})' }, method = "/method" }, check = { contains = "id" } },
          { request = "GET /echo?id={{ id }}", name = "second", check = { matches = "id=[0-9a-f]{6}" } },
          { request = "GET /status/500", name = "third" },
          { request = "GET /", name = "never" },
        ]
        [[user_class]]
        name = "User"
        journeys = { Two = 1 }
        [load.test]
        iterations = 5
        concurrency = 1
    "#;
    let taken = drive(&scenario(text), &server.url(), Drive::default());
    assert_eq!(taken.of("POST /echo").len(), 5);
    assert!(taken.of("POST /echo").iter().all(|s| s.outcome == Outcome::Ok), "{:?}", taken.reasons());
    assert!(taken.of("second").iter().all(|s| s.outcome == Outcome::Ok));
    assert!(taken.of("third").iter().all(|s| (s.outcome, s.status) == (Outcome::Failed, 500)));
    assert!(taken.of("never").is_empty());
    assert_eq!(taken.reasons(), ["status 500"]);
}

#[test]
fn refusals_that_belong_to_the_game_are_rejected_not_failed() {
    let server = server(Duration::ZERO);
    let step = r#"{ request = "GET /status/409", expect = 201, reject = [400, 409, 422] }"#;
    let text = one_request(step, "iterations = 3\nconcurrency = 1");
    let taken = drive(&scenario(&text), &server.url(), Drive::default());
    assert_eq!(taken.outcomes(), [0, 3, 0, 0, 0]);
}

#[test]
fn an_effect_is_awaited_beside_the_user_and_measured() {
    let server =
        known::spawn(Truth { effect_delay: Duration::from_millis(150), ..Truth::default() }).unwrap();
    let text = r#"
        name = "test"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Job"
        traffic_class = "production"
        steps = [
          { request = "POST /jobs", expect = 201, extract = { job = "/job_id" } },
          { poll = "GET /jobs/{{ job }}", effect = "job visible", every = "5ms", within = "5s", background = true },
        ]
        [[user_class]]
        name = "User"
        think = "10ms"
        journeys = { Job = 1 }
        [load.test]
        users = 1
        run_time = "0.3s"
    "#;
    let taken = drive(&scenario(text), &server.url(), Drive::default());
    let jobs = taken.of("POST /jobs").len();
    assert!(jobs >= 10, "the user was not slowed by its effects: {jobs}");
    let effects = taken.of("job visible");
    assert_eq!(effects.len(), jobs, "each effect is awaited, past the load's end too");
    for effect in &effects {
        let latency = response_us(effect);
        // The server counts from when it answers, a moment before the answer arrives.
        assert!((149_000.0..260_000.0).contains(&latency), "{latency} µs");
        assert_eq!(effect.outcome, Outcome::Ok);
    }
    let questions = taken.samples().filter(|s| taken.subject(s).is_probe());
    assert!(questions.count() > effects.len(), "the questions are samples, too");
}

#[test]
fn an_effect_that_never_comes_fails_after_its_deadline() {
    let server = known::spawn(Truth { effect_delay: Duration::from_secs(60), ..Truth::default() }).unwrap();
    let text = r#"
        name = "test"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Job"
        steps = [
          { request = "POST /jobs", expect = 201, extract = { job = "/job_id" } },
          { poll = "GET /jobs/{{ job }}", effect = "job visible", within = "200ms" },
          { request = "GET /", name = "never" },
        ]
        [[user_class]]
        name = "User"
        journeys = { Job = 1 }
        [load.test]
        iterations = 1
        concurrency = 1
    "#;
    let taken = drive(&scenario(text), &server.url(), Drive::default());
    assert_eq!(taken.of("job visible")[0].outcome, Outcome::Failed);
    let reason = "not visible within 200ms, the last question had status 404";
    assert!(taken.reasons().contains(&reason), "{:?}", taken.reasons());
    assert!(taken.of("never").is_empty());
}

#[test]
fn parallel_requests_go_out_together_on_connections_of_their_own() {
    let server = server(Duration::from_millis(50));
    let text = r#"
        name = "test"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Race"
        steps = [{ parallel = [{ request = "GET /a" }, { request = "GET /b" }, { request = "GET /c" }] }]
        [[user_class]]
        name = "User"
        journeys = { Race = 1 }
        [load.test]
        iterations = 3
        concurrency = 1
    "#;
    let taken = drive(&scenario(text), &server.url(), Drive::default());
    for journey in 0..3 {
        let race: Vec<&Sample> = taken.samples().filter(|s| s.journey == journey).collect();
        assert_eq!(race.len(), 3);
        let sent: Vec<i64> = race.iter().map(|s| s.sent_us).collect();
        let done: Vec<i64> = race.iter().map(|s| s.done_us).collect();
        assert!(sent.iter().max() < done.iter().min(), "all were under way at once: {sent:?} {done:?}");
    }
}

#[test]
fn choices_follow_their_probabilities() {
    let server = server(Duration::ZERO);
    let text = r#"
        name = "test"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Choice"
        steps = [{ choice = [
          { probability = 0.7, steps = [{ request = "GET /often" }] },
          { probability = 0.3, steps = [{ request = "GET /seldom" }, { request = "GET /seldom" }] },
        ] }]
        [[user_class]]
        name = "User"
        journeys = { Choice = 1 }
        [load.test]
        iterations = 1000
        concurrency = 4
    "#;
    let taken = drive(&scenario(text), &server.url(), Drive::default());
    let (often, seldom) = (taken.of("GET /often").len(), taken.of("GET /seldom").len());
    assert_eq!(often + seldom / 2, 1000);
    assert!((650..750).contains(&often), "{often}");
}

#[test]
fn the_same_seed_gives_the_same_requests() {
    let server = server(Duration::ZERO);
    let text = one_request(
        r#"{ request = "GET /{{ hex(4) }}?{{ 'x' * int(1, 60) }}", name = "drawn" }, { request = "POST /echo", text = "{{ 'x' * int(1, 500) }}" }"#,
        "iterations = 50\nconcurrency = 3",
    );
    let scenario = scenario(&text);
    let sizes = |seed, workers| {
        let taken = drive(&scenario, &server.url(), Drive { seed, workers, ..Drive::default() });
        let mut sizes: Vec<u32> = taken.of("POST /echo").iter().map(|s| s.bytes_out).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(sizes(7, 1), sizes(7, 2), "however many workers there are");
    assert_ne!(sizes(7, 1), sizes(8, 1));
}

#[test]
fn a_server_that_is_not_there_gives_errors_not_silence() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = one_request(r#"{ request = "GET /" }"#, "iterations = 3\nconcurrency = 1");
    let taken = drive(&scenario(&text), &format!("http://{free}"), Drive::default());
    assert_eq!(taken.outcomes(), [0, 0, 0, 3, 0]);
    assert!(taken.reasons()[0].contains("connection refused"), "{:?}", taken.reasons());
}

#[test]
fn a_connection_that_breaks_is_an_error_and_the_next_request_gets_a_new_one() {
    let server = server(Duration::ZERO);
    let text = r#"
        name = "test"
        base_url = "http://127.0.0.1:1"
        [[journey]]
        name = "Break"
        steps = [{ request = "GET /close", continue_on_failure = true }, { request = "GET /" }]
        [[user_class]]
        name = "User"
        journeys = { Break = 1 }
        [load.test]
        iterations = 4
        concurrency = 1
    "#;
    let taken = drive(&scenario(text), &server.url(), Drive::default());
    assert!(taken.of("GET /close").iter().all(|s| s.outcome == Outcome::Error));
    assert!(taken.of("GET /").iter().all(|s| s.outcome == Outcome::Ok));
}

#[test]
fn an_answer_that_takes_too_long_is_a_timeout() {
    let server = server(Duration::from_secs(5));
    let text = one_request(r#"{ request = "GET /", timeout = "100ms" }"#, "iterations = 2\nconcurrency = 2");
    let taken = drive(&scenario(&text), &server.url(), Drive::default());
    assert_eq!(taken.outcomes(), [0, 0, 0, 2, 0]);
    assert_eq!(taken.reasons(), ["timeout after 100ms"]);
    assert!(taken.samples().all(|s| (100_000.0..1_000_000.0).contains(&service_us(s))));
}

#[test]
fn a_load_that_is_stopped_ends_soon_and_forgets_nothing() {
    let server = server(Duration::from_millis(300));
    let text = one_request(r#"{ request = "GET /" }"#, "users = 3\nrun_time = '60s'\ngrace = '2s'");
    let begun = Instant::now();
    let stop_after = Some(Duration::from_millis(500));
    let taken = drive(&scenario(&text), &server.url(), Drive { stop_after, ..Drive::default() });
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(taken.requests() as u64, counted(&server));
    assert_eq!(taken.outcomes()[0], taken.requests());
}

#[test]
fn what_is_unanswered_when_the_grace_ends_is_recorded_as_such() {
    let server = server(Duration::from_secs(20));
    let text = one_request(r#"{ request = "GET /" }"#, "users = 3\nrun_time = '0.2s'\ngrace = '0.2s'");
    let begun = Instant::now();
    let taken = drive(&scenario(&text), &server.url(), Drive::default());
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(taken.outcomes(), [0, 0, 0, 3, 0]);
    assert!(taken.reasons()[0].contains("grace"));
}

#[test]
fn idle_connections_that_the_server_closed_are_replaced_without_an_error() {
    // A server that answers one request per connection, says keep-alive and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    let text = one_request(r#"{ request = "GET /" }"#, "users = 1\nrun_time = '0.3s'")
        .replace("journeys = {", "think = '20ms'\njourneys = {");
    let taken = drive(&scenario(&text), &format!("http://{address}"), Drive::default());
    assert!(taken.requests() > 5);
    assert_eq!(taken.outcomes()[0], taken.requests(), "{:?}", taken.reasons());
}

#[test]
fn requests_carry_the_trace_id_that_follows_from_their_sample() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heads = Vec::new();
        for _ in 0..2 {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            heads.push(String::from_utf8(head).unwrap());
        }
        heads
    });
    let text = one_request(
        r#"{ request = "GET /" }"#,
        "iterations = 2\nconcurrency = 1\n[trace]\nurl = 'http://ui/{trace_id}'",
    );
    let taken = drive(&scenario(&text), &url, Drive::default());
    let heads = served.join().unwrap();
    for (sample, head) in taken.samples().zip(heads) {
        let origin = loadproof::trace::Origin {
            run_unix_us: taken.started_unix_us,
            journey: sample.journey,
            intended_us: sample.intended_us,
        };
        assert!(head.contains(&format!("traceparent: 00-{}-", origin.trace_id())), "{head}");
    }
}
