//! One request and its answer, from a ready connection to a recorded sample.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Request as Message};
use minijinja::value::Value;

use super::clock::Clock;
use super::connection::{self, Connection, Connections, SendFailure};
use super::grpc;
use super::judge::{Answer, Judge, Judgement};
use super::pending::Pending;
use super::prepared::Requests;
use super::recording::Recording;
use super::who::Who;
use crate::sample::{Outcome, grpc_status};
use crate::scenario::journey::{Protocol, Request};
use crate::scenario::rpc::RpcError;
use crate::scenario::scope::Scope;
use crate::trace;

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What requests are made with.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    pub(super) requests: &'a Requests,
    pub(super) recording: &'a Recording,
    /// Those of whoever makes the requests.
    pub(super) connections: &'a Connections,
}

/// A request that only waits to be sent.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for a moment; a box would be an allocation per request"
)]
pub(super) enum Ready {
    Go { connection: Connection, message: Message<Full<Bytes>>, bytes_out: usize },
    Stuck { outcome: Outcome, reason: String, since: Instant },
}

/// How a request ended, for the user who goes on from there.
pub(super) struct Ended<T> {
    pub(super) outcome: Outcome,
    pub(super) status: u16,
    pub(super) done: Instant,
    pub(super) variables: Vec<(String, Value)>,
    /// What the inspection of the answer gave; none if there was no answer.
    pub(super) inspected: Option<T>,
    /// Whether it has gone out at all.
    pub(super) is_sent: bool,
}

/// Puts a request together and opens a connection for it.
pub(super) async fn make_ready(client: Client<'_>, request: &Request, scope: &Arc<Scope>) -> Ready {
    let since = Instant::now();
    let Client { requests, connections, .. } = client;
    let (message, bytes_out) = match requests.assemble(request, scope) {
        Ok(assembled) => assembled,
        Err(error) => return Ready::Stuck { outcome: Outcome::Failed, reason: error.to_string(), since },
    };
    let origin = requests.origin_of(request);
    while let Some(mut connection) = connections.take(origin) {
        if connection.is_usable() || connection.settle().await {
            return Ready::Go { connection, message, bytes_out };
        }
    }
    match open(requests, request).await {
        Ok(connection) => Ready::Go { connection, message, bytes_out },
        Err(reason) => Ready::Stuck { outcome: Outcome::Error, reason, since },
    }
}

async fn open(requests: &Requests, request: &Request) -> Result<Connection, String> {
    let origin = &requests.origins[requests.origin_of(request)];
    let timeout = request.connect_timeout;
    match tokio::time::timeout(timeout, Connection::open(origin)).await {
        Ok(opened) => opened,
        Err(_) => Err(format!("connect to {}: timeout after {timeout:?}", origin.url)),
    }
}

/// A request of somebody, as it is due.
#[derive(Clone, Copy)]
pub(super) struct Due<'a> {
    pub(super) request: &'a Request,
    pub(super) who: Who,
    /// For whom it is made, and about what.
    pub(super) scope: &'a Arc<Scope>,
    /// When it should be sent.
    pub(super) intended: Instant,
    /// Whether the answer's body is kept even if the request itself does not need it.
    pub(super) keep_body: bool,
}

/// Sends a ready request, waits for its answer, judges it and records the sample.
pub(super) async fn exchange<T>(
    client: Client<'_>,
    due: Due<'_>,
    ready: Ready,
    inspect: impl FnOnce(&Answer<'_>) -> T,
) -> Ended<T> {
    let Client { requests, recording, connections } = client;
    let Due { request, who, scope, intended, keep_body } = due;
    let mut pending = Pending::new(recording, request.endpoint, who, scope.key(), intended);
    let (connection, message, bytes_out) = match ready {
        Ready::Stuck { outcome, reason, since } => {
            pending.sent(since, 0);
            return Ended { is_sent: false, ..unanswered(pending, request, outcome, &reason) };
        }
        Ready::Go { connection, mut message, bytes_out } => {
            if requests.is_traced
                && let Some(traceparent) = traceparent(recording.clock, request, who, intended)
            {
                message.headers_mut().insert(TRACEPARENT, traceparent);
            }
            (connection, message, bytes_out)
        }
    };
    let sent = Instant::now();
    pending.sent(sent, bytes_out);
    let keep_body = keep_body || request.needs_body();
    // Pinned here: the future is large, and would be moved into the timeout otherwise.
    let whole = std::pin::pin!(answer(requests, request, connection, message, keep_body));
    match tokio::time::timeout_at((sent + request.timeout).into(), whole).await {
        Err(_) => {
            unanswered(pending, request, Outcome::Error, &format!("timeout after {:?}", request.timeout))
        }
        Ok(Err(reason)) => unanswered(pending, request, Outcome::Error, &reason),
        Ok(Ok(whole)) => {
            let (judgement, variables, inspected) = match readable(requests, request, &whole, keep_body) {
                Ok(body) => {
                    let answer = Answer {
                        status: whole.status,
                        headers: &whole.headers,
                        body: &body,
                        size: whole.bytes_in as u64,
                        time: whole.done.saturating_duration_since(sent),
                    };
                    let judge = Judge { templates: &requests.templates, scope };
                    let (judgement, variables) = judge.judge(request, &answer);
                    if judgement.outcome != Outcome::Rejected {
                        for soft in &request.soft_checks {
                            pending.soft_check(soft.place, judge.holds(&soft.checks, &answer));
                        }
                    }
                    (judgement, variables, Some(inspect(&answer)))
                }
                Err(error) => (Judgement::failed(error.to_string()), Vec::new(), None),
            };
            pending.answered(whole.status, whole.first_byte, whole.bytes_in);
            connections.give_back(requests.origin_of(request), whole.connection);
            let reason = judgement.reason.as_deref();
            pending.end(judgement.outcome, reason, whole.done);
            let Judgement { outcome, .. } = judgement;
            Ended { outcome, status: whole.status, done: whole.done, variables, inspected, is_sent: true }
        }
    }
}

/// The header that links a request to its trace.
fn traceparent(clock: Clock, request: &Request, who: Who, intended: Instant) -> Option<HeaderValue> {
    let origin =
        trace::Origin { run_unix_us: clock.unix_us(), journey: who.journey, intended_us: clock.us(intended) };
    HeaderValue::try_from(origin.traceparent(request.number as u64)).ok()
}

fn unanswered<T>(mut pending: Pending<'_>, request: &Request, outcome: Outcome, reason: &str) -> Ended<T> {
    // What was not answered has passed no check.
    request.soft_checks.iter().for_each(|soft| pending.soft_check(soft.place, false));
    let (outcome, done) = pending.end_unanswered(outcome, reason);
    Ended { outcome, status: 0, done, variables: Vec::new(), inspected: None, is_sent: true }
}

/// The body of an answer as checks and extractions read it: a gRPC call's messages as JSON.
fn readable<'a>(
    requests: &Requests,
    request: &Request,
    whole: &'a Whole,
    is_read: bool,
) -> Result<Cow<'a, [u8]>, RpcError> {
    match requests.codec_of(request) {
        Some(codec) if is_read && whole.status == grpc_status(0) => codec.decode(&whole.body).map(Cow::Owned),
        _ => Ok(Cow::Borrowed(&whole.body)),
    }
}

/// A complete answer and the connection that brought it.
struct Whole {
    connection: Connection,
    status: u16,
    headers: HeaderMap,
    /// Empty unless it was to be kept.
    body: Vec<u8>,
    bytes_in: usize,
    first_byte: Instant,
    done: Instant,
}

async fn answer(
    requests: &Requests,
    request: &Request,
    mut connection: Connection,
    message: Message<Full<Bytes>>,
    keep_body: bool,
) -> Result<Whole, String> {
    let response = match connection.send(message).await {
        Ok(response) => response,
        // The peer had closed an idle connection: nothing was sent, so sending it once more is safe.
        Err(SendFailure::Unsent(message)) => {
            connection = open(requests, request).await?;
            connection.send(*message).await.map_err(|failure| match failure {
                SendFailure::Broken(reason) => reason,
                SendFailure::Unsent(_) => "connection closed before the request was sent".to_owned(),
            })?
        }
        Err(SendFailure::Broken(reason)) => return Err(reason),
    };
    let first_byte = Instant::now();
    let (head, incoming) = response.into_parts();
    let Received { body, bytes_in, trailers } = receive(incoming, keep_body).await?;
    let done = Instant::now();
    let (http, mut headers) = (head.status.as_u16(), head.headers);
    let status = match request.protocol {
        Protocol::Http(_) => http,
        Protocol::Grpc(_) => grpc::status(http, &headers, trailers.as_ref())
            .ok_or_else(|| "answered without a gRPC status".to_owned())?,
    };
    headers.extend(trailers.unwrap_or_default());
    Ok(Whole { connection, status, headers, body, bytes_in, first_byte, done })
}

/// What stands behind an answer's head.
#[derive(Default)]
struct Received {
    /// Empty unless it was to be kept.
    body: Vec<u8>,
    bytes_in: usize,
    trailers: Option<HeaderMap>,
}

/// Reads a body to its end.
async fn receive(mut incoming: Incoming, keep: bool) -> Result<Received, String> {
    let mut received = Received::default();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|e| connection::reason(&e))?;
        match frame.into_data() {
            Ok(data) => {
                received.bytes_in += data.len();
                if keep {
                    received.body.extend_from_slice(&data);
                }
            }
            Err(frame) => received.trailers = frame.into_trailers().ok(),
        }
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::clock::tests::starting_at;
    use crate::load::prepared::tests::{requests_of, scenario};
    use crate::load::recording::tests::WHO;

    #[test]
    fn a_trace_follows_from_the_journey_and_the_intended_time() {
        let start = Instant::now();
        let requests = requests_of(&scenario(r#"{ request = "GET /a" }, { request = "GET /b" }"#));
        let header = |request: usize, journey, ms| {
            let (who, intended) = (Who { journey, ..WHO }, start + Duration::from_millis(ms));
            traceparent(starting_at(start), &requests[request], who, intended).unwrap()
        };
        let trace_id = |header: &HeaderValue| header.to_str().unwrap().split('-').nth(1).unwrap().to_owned();
        assert_eq!(header(0, 3, 5), header(0, 3, 5));
        assert_eq!(trace_id(&header(0, 3, 5)), trace_id(&header(1, 3, 5)), "spans of one trace");
        assert_ne!(header(0, 3, 5), header(1, 3, 5));
        assert_ne!(trace_id(&header(0, 3, 5)), trace_id(&header(0, 4, 5)));
        assert_ne!(trace_id(&header(0, 3, 5)), trace_id(&header(0, 3, 6)));
    }
}
