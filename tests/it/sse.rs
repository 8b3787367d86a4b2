//! Server-sent events of answers, as effects while the answers arrive.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use loadproof::sample::{Outcome, Sample};
use loadproof::scenario::{self, Scenario};

use crate::support::{Drive, Files, Taken, drive};

/// What lies between two events of the server.
const GAP: Duration = Duration::from_millis(10);

/// Serves event streams for the rest of the test program; gives its base URL.
fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    format!("http://{address}")
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request: Vec<String> =
        lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let lower = request.join("\n").to_ascii_lowercase();
    let path = request[0].split(' ').nth(1).unwrap_or_default();
    let asks_for_events = lower.contains("accept: text/event-stream") && !lower.contains("accept-encoding");
    let status = if path == "/error" || !asks_for_events { "500 Internal Server Error" } else { "200 OK" };
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut chunk = |text: &str| {
        thread::sleep(GAP);
        write!(stream, "{:x}\r\n{text}\r\n", text.len())
    };
    match path {
        "/none" => chunk(": nothing to say\n\n")?,
        "/error" => chunk("data: it is broken\n\n")?,
        // An event whose bytes come in two chunks, and a comment, which is none.
        "/tokens" => {
            for text in ["data: a\n", "\n", ": still there\n\n", "data: b\n\n", "data: [DONE]\n\n"] {
                chunk(text)?;
            }
        }
        "/endless" => loop {
            chunk("data: again\n\n")?;
        },
        // Closed by the client, or by the end of this program.
        "/stalls" => {
            chunk("data: once\n\n")?;
            lines.next();
        }
        // One event, and the end of the connection within the answer.
        _ => return chunk("data: once\n\n"),
    }
    stream.write_all(b"0\r\n\r\n")
}

fn compiled(steps: &str) -> Result<Arc<Scenario>, String> {
    let text = format!(
        r#"
name = "sse"
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
iterations = 1
concurrency = 1
"#
    );
    let files = Files(&[("scenario.toml", &text)]);
    scenario::compile(Path::new("scenario.toml"), &files).map(Arc::new).map_err(|e| e.to_string())
}

fn run(path: &str, timeout: &str) -> Taken {
    let step = format!(
        r#"{{ request = "GET {path}", events = {{ first = "first", gap = "gap" }}, timeout = "{timeout}", check = {{ size = {{ at_least = 1 }} }} }}"#
    );
    drive(&compiled(&step).unwrap(), &start(), Drive::default())
}

/// The samples of an endpoint.
fn of<'a>(taken: &'a Taken, endpoint: &str) -> Vec<&'a Sample> {
    taken.samples().filter(|sample| taken.subject(sample).endpoint == endpoint).collect()
}

#[test]
fn the_first_event_counts_from_the_request_and_each_other_from_the_one_before() {
    let step = r#"{ request = "GET /tokens", events = { first = "first", gap = "gap" }, timeout = "30s", check = { contains = "[DONE]" } }"#;
    let taken = drive(&compiled(step).unwrap(), &start(), Drive::default());
    assert_eq!(taken.outcomes(), [4, 0, 0, 0, 0], "{:?}", taken.reasons());
    let (whole, first, gaps) = (of(&taken, "GET /tokens")[0], of(&taken, "first")[0], of(&taken, "gap"));
    assert_eq!(first.intended_us, whole.intended_us);
    assert!(first.done_us - whole.sent_us >= 20_000, "the event ends with its second chunk: {first:?}");
    assert_eq!((gaps.len(), gaps[0].intended_us), (2, first.done_us));
    assert_eq!(gaps[1].intended_us, gaps[0].done_us);
    assert!(gaps[1].done_us - whole.sent_us >= 50_000 && gaps[1].done_us <= whole.done_us);
}

#[test]
fn an_answer_without_an_end_is_read_up_to_the_last_event_that_is_wanted() {
    let step = r#"{ request = "GET /endless", events = { first = "first", gap = "gap", max = 3 }, timeout = "30s" }"#;
    let taken = drive(&compiled(step).unwrap(), &start(), Drive::default());
    assert_eq!(taken.outcomes(), [4, 0, 0, 0, 0], "{:?}", taken.reasons());
    assert_eq!(of(&taken, "gap").len(), 2);
}

#[test]
fn an_event_that_does_not_come_never_looks_good() {
    use Outcome::{Error, Failed, Ok};
    let cut = "the server closed the connection within the body of its answer";
    let cases = [
        ("/none", vec![("first", Failed), ("GET /none", Ok)], "the answer ended without an event"),
        ("/stalls", vec![("first", Ok), ("GET /stalls", Error), ("gap", Error)], "timeout after 1s"),
        ("/cut", vec![("first", Ok), ("GET /cut", Error), ("gap", Error)], cut),
        ("/error", vec![("first", Failed), ("GET /error", Failed)], "status 500"),
    ];
    for (path, mut wanted, reason) in cases {
        // Long for all but the one that waits in vain: the machine may be busy.
        let taken = run(path, if path == "/stalls" { "1s" } else { "30s" });
        let mut found: Vec<(&str, Outcome)> =
            taken.samples().map(|s| (taken.subject(s).endpoint.as_str(), s.outcome)).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{path}: {:?}", taken.reasons());
        let reasons = taken.reasons();
        assert!(reasons.len() == 1 && reasons[0].starts_with(reason), "{path}: {reasons:?}");
    }
}

#[test]
fn only_requests_over_http_have_events() {
    let steps = r#"{ poll = "GET /a", effect = "e", events = { first = "f" } }, { request = "GET /a", events = { gap = "g" } }"#;
    let error = compiled(steps).unwrap_err();
    assert!(error.contains("unknown key in a step: `events`"), "{error}");
    assert!(error.contains("`first` is missing"), "{error}");
}
