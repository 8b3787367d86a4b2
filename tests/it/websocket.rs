//! WebSockets as steps, against a server that knows the standard and nothing else.

use std::path::Path;
use std::sync::Arc;

use loadproof::sample::{Outcome, Sample};
use loadproof::scenario::{self, Scenario};

use crate::support::{Drive, Files, Taken, drive, websocket};

/// A scenario of some steps, done by one user in each of `iterations`.
fn text(steps: &str, iterations: u32) -> String {
    format!(
        r#"
name = "websocket"
base_url = "http://127.0.0.1:1"
[[journey]]
name = "Only"
steps = [
{steps}
]
[[user_class]]
name = "User"
journeys = {{ Only = 1 }}
[load.test]
iterations = {iterations}
concurrency = 1
"#
    )
}

fn compiled(text: &str) -> Result<Arc<Scenario>, String> {
    let files = Files(&[("scenario.toml", text)]);
    scenario::compile(Path::new("scenario.toml"), &files).map(Arc::new).map_err(|e| e.to_string())
}

fn run(steps: &str) -> Taken {
    drive(&compiled(&text(steps, 1)).unwrap(), &websocket::start(), Drive::default())
}

/// The samples of an endpoint.
fn of<'a>(taken: &'a Taken, endpoint: &str) -> Vec<&'a Sample> {
    taken.samples().filter(|sample| taken.subject(sample).endpoint == endpoint).collect()
}

/// The only sample of an endpoint.
fn only<'a>(taken: &'a Taken, endpoint: &str) -> &'a Sample {
    let samples = of(taken, endpoint);
    assert_eq!(samples.len(), 1, "{endpoint}: {:?}", taken.reasons());
    samples[0]
}

#[test]
fn a_message_is_answered_and_the_time_to_the_answer_counts_from_when_it_was_due() {
    let taken = run(r#"
        { websocket = "/chat?room={{ 1 + 1 }}", socket = "chat", extract = { key = { header = "x-key" } } },
        { let = { id = "{{ uuid() }}" }, steps = [
          { send = "chat", json = { do = "reply", id = "{{ id }}", say = "{{ key }}", ms = 20 } },
          { receive = "chat", match = { "/id" = "{{ id }}" }, effect = "reply", within = "10s",
            check = { json = { "/said" = "{{ key }}" } }, extract = { kind = "/type" } },
        ] },
        { send = "chat", json = { do = "reply", id = "{{ kind }}" } },
        { receive = "chat", match = { "/id" = "reply" }, effect = "second reply", within = "10s" },
        { close = "chat" },
    "#);
    assert_eq!(taken.outcomes(), [6, 0, 0, 0, 0], "{:?}", taken.reasons());
    let names: Vec<&str> = taken.scenario.endpoints.iter().map(|e| e.endpoint.as_str()).collect();
    assert_eq!(names, ["WEBSOCKET /chat", "SEND chat", "reply", "second reply", "CLOSE chat"]);
    let opened = only(&taken, "WEBSOCKET /chat");
    assert_eq!(opened.status, 101);
    let (sent, reply) = (of(&taken, "SEND chat")[0], only(&taken, "reply"));
    assert!(sent.bytes_out > 20 && sent.intended_us >= opened.done_us);
    assert_eq!((reply.intended_us, reply.sent_us), (sent.intended_us, sent.done_us), "the send is its cause");
    assert!(reply.done_us - sent.sent_us >= 20_000, "the server takes 20 ms: {reply:?}");
}

#[test]
fn each_message_of_a_stream_counts_from_the_one_before_it() {
    let taken = run(r#"
        { websocket = "/", continue_on_failure = true },
        { send = "socket", json = { do = "stream", count = 4, ms = 10 } },
        { receive = "socket", effect = "first token", check = { json = { "/n" = 0 } } },
        { repeat = 3, receive = "socket", effect = "gap", check = { json = { "/type" = "token" } } },
    "#);
    let (sent, first, gaps) = (only(&taken, "SEND socket"), only(&taken, "first token"), of(&taken, "gap"));
    assert_eq!(taken.outcomes(), [6, 0, 0, 0, 0], "{:?}", taken.reasons());
    assert!(first.done_us - sent.sent_us >= 10_000);
    assert_eq!(gaps[0].intended_us, first.done_us);
    assert!(gaps.windows(2).all(|pair| pair[1].intended_us == pair[0].done_us), "{gaps:?}");
    assert!(gaps[2].done_us - sent.sent_us >= 40_000, "four times 10 ms: {gaps:?}");
}

#[test]
fn what_comes_with_the_consent_is_not_lost_and_pings_are_answered_while_the_user_does_something_else() {
    let taken = run(r#"
        { websocket = "/greeting" },
        { receive = "socket", effect = "greeting", check = { json = { "/type" = "greeting" } } },
        { send = "socket", json = { do = "ping" } },
        { websocket = "/", socket = "other" },
        { receive = "socket", match = { "/type" = "ponged" }, effect = "pong", check = { json = { "/is_pong" = true } } },
    "#);
    assert_eq!(taken.outcomes(), [5, 0, 0, 0, 0], "{:?}", taken.reasons());
}

#[test]
fn a_socket_stays_open_from_journey_to_journey_and_opening_it_again_takes_its_place() {
    let steps = r#"
        { send = "chat", json = { do = "reply", id = 1 }, continue_on_failure = true },
        { websocket = "/", socket = "chat" },
    "#;
    let taken = drive(&compiled(&text(steps, 3)).unwrap(), &websocket::start(), Drive::default());
    let sends: Vec<Outcome> = of(&taken, "SEND chat").iter().map(|sample| sample.outcome).collect();
    assert_eq!(sends, [Outcome::Error, Outcome::Ok, Outcome::Ok]);
    assert_eq!(taken.reasons(), ["the WebSocket `chat` is not open"]);
}

#[test]
fn what_goes_wrong_is_told_apart_and_never_looks_good() {
    let cases = [
        (r#"{ websocket = "/refuse" }"#, Outcome::Failed, "status 403: none"),
        (
            r#"{ websocket = "/lie" }"#,
            Outcome::Failed,
            "the answer's `sec-websocket-accept` does not match the request's key",
        ),
        (
            r#"{ websocket = "/" }, { send = "socket", json = { do = "nothing" } },
               { receive = "socket", effect = "e", within = "50ms" }"#,
            Outcome::Failed,
            "not received within 50ms",
        ),
        (
            r#"{ websocket = "/" }, { send = "socket", json = { do = "close" } }, { receive = "socket", effect = "e", within = "10s" }"#,
            Outcome::Error,
            "the server closed the WebSocket with code 1011: too busy",
        ),
        (
            r#"{ websocket = "/" }, { send = "socket", json = { do = "reply" } },
               { receive = "socket", match = { "/type" = "reply" }, effect = "e", check = { json = { "/id" = 5 } } }"#,
            Outcome::Failed,
            "`/id` is not 5",
        ),
        (
            r#"{ websocket = "/", body_limit = 20 }, { send = "socket", json = { do = "reply" } },
               { receive = "socket", match = { "/type" = "reply" }, effect = "e" }"#,
            Outcome::Error,
            "a message of more than 20 bytes (`body_limit`)",
        ),
    ];
    for (steps, outcome, reason) in cases {
        let taken = run(steps);
        let last = taken.samples().last().unwrap();
        assert_eq!((last.outcome, taken.reasons()), (outcome, vec![reason]), "{steps}");
    }
}

#[test]
fn a_message_is_found_among_many_that_nobody_wants() {
    let taken = run(r#"
        { websocket = "/" },
        { send = "socket", json = { do = "flood", count = 300 } },
        { receive = "socket", match = { "/n" = 299 }, effect = "last" },
    "#);
    assert_eq!(taken.outcomes(), [3, 0, 0, 0, 0], "{:?}", taken.reasons());
}

#[test]
fn a_message_from_before_its_cause_is_not_taken_for_the_answer() {
    let taken = run(r#"
        { websocket = "/greeting" },
        { send = "socket", json = { do = "ping" } },
        { receive = "socket", match = { "/type" = "ponged" }, effect = "pong" },
        { send = "socket", json = { do = "stream", count = 1 } },
        { receive = "socket", effect = "answer", check = { json = { "/type" = "token" } } },
    "#);
    assert_eq!(taken.outcomes(), [5, 0, 0, 0, 0], "the greeting came long before: {:?}", taken.reasons());
}

#[test]
fn mistakes_in_sockets_are_shown_where_they_are() {
    let steps = r#"
  { websocket = "chat", socket = "chat" },
  { websocket = "ftp://h/x" },
  { websocket = "/a", json = {} },
  { send = "chart", text = "x" },
  { receive = "chat" },
  { receive = "chat", effect = "e", match = {} },
  { close = "chat", text = "x" },
  { poll = "WEBSOCKET /x", effect = "e" },"#;
    insta::assert_snapshot!(compiled(&text(steps, 1)).unwrap_err());
    let steps =
        r#"{ websocket = "/a", socket = "chat" }, { send = "chart", text = "x" }, { close = "chat" }"#;
    insta::assert_snapshot!(compiled(&text(steps, 1)).unwrap_err(), @r#"
    error: no step opens the WebSocket `chart`
     --> scenario.toml:7:49
      |
    7 | { websocket = "/a", socket = "chat" }, { send = "chart", text = "x" }, { close = "chat" }
      |                                                 ^^^^^^^ open it with a step `websocket = "/path"`
      |
      = help: did you mean `chat`? known here: chat
    "#);
}
