//! From a request to its answer, at the time that the truth says.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    http::request::Parts,
};
use serde_json::{Map, Value, json};

use tokio::sync::Semaphore;

use super::{
    MetricsPage, Truth,
    counters::{Counters, Ending},
    faults::Fate,
    jobs::Jobs,
    metrics, starts,
    timer::Timer,
    truth::scale,
};

type Answer = Response<Full<Bytes>>;

/// A server: its truth, and what has happened to it.
pub(crate) struct Known {
    truth: Truth,
    body: Bytes,
    timer: Timer,
    counters: Counters,
    jobs: Jobs,
    clock: StallClock,
    /// Which start of the server it is, from 0.
    start: u64,
    /// Whoever is served holds one; none if all are served at once.
    places: Option<Semaphore>,
}

impl Known {
    pub(crate) fn new(truth: Truth) -> io::Result<Known> {
        let start = truth.faults.starts_file.as_deref().map_or(Ok(0), starts::count)?;
        Ok(Known {
            start,
            places: truth.faults.places.map(|places| Semaphore::new(places.get())),
            body: Bytes::from(truth.body.clone()),
            truth,
            timer: Timer::start()?,
            counters: Counters::default(),
            jobs: Jobs::default(),
            clock: StallClock::start(),
        })
    }

    /// Waits until the truth lets request `number`, here since `arrival`, be answered.
    async fn wait(&self, number: u64, arrival: Instant) {
        let place = match &self.places {
            // It is never closed, so that an error cannot happen; without a place it is served all the same.
            Some(places) => places.acquire().await.ok(),
            None => None,
        };
        let arrival = if place.is_some() { Instant::now() } else { arrival };
        let factor = self.truth.faults.factor(self.truth.seed, self.start, number);
        let work = scale(self.truth.service_time(number), factor);
        let wait = match self.truth.stalls {
            None => work,
            Some(stalls) => {
                let arrival = self.clock.at(arrival);
                stalls.completion(arrival, work).saturating_sub(arrival)
            }
        };
        // A timer thread costs more than the answer itself, so a server without delay has none.
        if !wait.is_zero() {
            self.timer.until(arrival + wait).await;
        }
    }

    /// What becomes of request `number`, here since `arrival`.
    fn fate(&self, number: u64, arrival: Instant) -> Fate {
        self.truth.faults.fate(self.truth.seed, self.start, number, self.clock.at(arrival))
    }

    /// Counts an answer to `path`.
    fn count(&self, path: &str, ending: Ending) {
        self.counters.answer(path, ending, self.counts_anew());
    }

    /// Whether the metrics page's counters have begun again.
    fn counts_anew(&self) -> bool {
        self.truth.faults.has_restarted(self.clock.at(Instant::now()))
    }
}

/// Time since the start or the last reset, which stalls are counted from.
struct StallClock {
    epoch: Instant,
    started_after_ns: AtomicU64,
}

impl StallClock {
    fn start() -> StallClock {
        StallClock { epoch: Instant::now(), started_after_ns: AtomicU64::new(0) }
    }

    fn at(&self, now: Instant) -> Duration {
        let started = Duration::from_nanos(self.started_after_ns.load(Relaxed));
        now.saturating_duration_since(self.epoch).saturating_sub(started)
    }

    fn restart(&self) {
        let now = u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.started_after_ns.store(now, Relaxed);
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The request asked for it.
    Closed,
    /// The request's body did not arrive.
    Body(hyper::Error),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::Closed => f.write_str("closed on request"),
            NoAnswer::Body(error) => write!(f, "cannot read the body: {error}"),
        }
    }
}

impl std::error::Error for NoAnswer {}

/// Answers one request.
pub(crate) async fn answer(known: Arc<Known>, request: Request<Incoming>) -> Result<Answer, NoAnswer> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let arrival = Instant::now();
    if let Some(answer) = control(&known, &head).await {
        return Ok(answer);
    }
    let number = known.counters.arrive();
    let path = head.uri.path();
    match known.fate(number, arrival) {
        Fate::Served => known.wait(number, arrival).await,
        Fate::Refused(status) => {
            known.count(path, if status == 429 { Ending::Shed } else { Ending::Error });
            return Ok(bodied(&known, plain(status, known.body.clone())));
        }
        Fate::Hangs => {
            known.counters.hang();
            return std::future::pending().await;
        }
    }
    let error = known.truth.is_error(number);
    let answer = match path {
        _ if error => plain(known.truth.error_status, known.body.clone()),
        "/close" => {
            known.counters.close();
            return Err(NoAnswer::Closed);
        }
        "/echo" => echo(&head, &body),
        "/json" => json_answer(200, &sample_document()),
        "/jobs" if head.method == Method::POST => accept_job(&known),
        _ => match path.rsplit_once('/') {
            Some(("/jobs", id)) => show_job(&known, id),
            Some(("/status", code)) => plain(code.parse().unwrap_or(404), known.body.clone()),
            _ => plain(known.truth.status, known.body.clone()),
        },
    };
    known.count(path, if error { Ending::Error } else { Ending::Fine });
    Ok(bodied(&known, answer))
}

/// The answer as it is sent: without its body where all bodies are empty.
fn bodied(known: &Known, mut answer: Answer) -> Answer {
    if known.truth.faults.empty_bodies {
        *answer.body_mut() = Full::default();
    }
    answer
}

/// The whole body. Left unread, it would stand before the connection's next request.
async fn read(body: Incoming) -> Result<Bytes, NoAnswer> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    Ok(body.collect().await.map_err(NoAnswer::Body)?.to_bytes())
}

/// Answers to the paths that watch and reset the server, uncounted; at once, but for a metrics page
/// that is slow or dead.
async fn control(known: &Known, head: &Parts) -> Option<Answer> {
    Some(match head.uri.path() {
        "/health" => json_answer(200, &json!({"status": "healthy"})),
        "/stats" => json_answer(200, &json!(known.counters.read())),
        "/metrics" => {
            match known.truth.faults.metrics_page {
                MetricsPage::Prompt => {}
                MetricsPage::Slow(time) => known.timer.until(Instant::now() + time).await,
                MetricsPage::Dead => std::future::pending().await,
            }
            let backlog = known.jobs.backlog(Instant::now());
            plain(200, metrics::text(known.counters.page(known.counts_anew()), backlog).into())
        }
        "/reset" if head.method == Method::POST => {
            known.counters.reset();
            known.jobs.reset();
            known.clock.restart();
            json_answer(200, &json!({"status": "ok"}))
        }
        _ => return None,
    })
}

fn echo(head: &Parts, body: &[u8]) -> Answer {
    let headers: Map<String, Value> = head
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value.into())
        })
        .collect();
    json_answer(
        200,
        &json!({
            "method": head.method.as_str(),
            "path": head.uri.path(),
            "query": head.uri.query(),
            "headers": headers,
            "body": String::from_utf8_lossy(body),
        }),
    )
}

/// Nested values, odd keys and every JSON type, for tests of extraction.
fn sample_document() -> Value {
    json!({
        "id": "c0ffee00-0000-4000-8000-000000000001",
        "count": 3,
        "price": 29.99,
        "active": true,
        "nothing": null,
        "customer": {"name": "Ada", "address": {"city": "London", "postal_code": "N1 9GU"}},
        "items": [
            {"sku": "A-1", "quantity": 2, "tags": ["red", "small"]},
            {"sku": "B-2", "quantity": 1, "tags": []},
        ],
        "a/b": "slash",
        "m~n": "tilde",
        "": "empty",
    })
}

fn accept_job(known: &Known) -> Answer {
    let is_lost = |id| known.truth.faults.is_lost(known.truth.seed, id as u64);
    let id = known.jobs.accept(Instant::now(), known.truth.effect_delay, is_lost);
    json_answer(201, &json!({"job_id": id.to_string()}))
}

fn show_job(known: &Known, id: &str) -> Answer {
    let visible = id.parse().is_ok_and(|number| known.jobs.is_visible(number, Instant::now()));
    if visible {
        json_answer(200, &json!({"job_id": id, "status": "done"}))
    } else {
        json_answer(404, &json!({"error": "no such job"}))
    }
}

fn plain(status: u16, body: Bytes) -> Answer {
    finish(status, body, HeaderValue::from_static("text/plain; charset=utf-8"))
}

fn json_answer(status: u16, body: &Value) -> Answer {
    let body = Bytes::from(body.to_string());
    finish(status, body, HeaderValue::from_static("application/json"))
}

fn finish(status: u16, body: Bytes, content_type: HeaderValue) -> Answer {
    let mut answer = Response::new(Full::new(body));
    // Statuses of a truth are checked; only `/status/{code}` can name one that does not exist,
    // and hyper cannot send the informational ones as an answer.
    *answer.status_mut() = StatusCode::from_u16(status)
        .ok()
        .filter(|status| !status.is_informational())
        .unwrap_or(StatusCode::NOT_FOUND);
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    answer
}
