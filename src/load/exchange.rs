//! One request and its answer, from a ready connection to a recorded sample.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use hyper::header::HeaderValue;
use minijinja::value::Value;

use super::client::Client;
use super::clock::Clock;
use super::connection::Connection;
use super::deadlines::Passed;
use super::decode;
use super::grpc;
use super::headers::Headers;
use super::judge::{Answer, Judge, Judgement};
use super::outgoing::{Draft, Drafted};
use super::pending::Pending;
use super::prepared::Requests;
use super::reply::{Keep, Reply};
use super::sse::Watch;
use super::trip::{Arrival, Tally, Trip, addressed};
use super::websocket::opening;
use super::who::Who;
use super::witness::{self, Said};
use crate::sample::{Outcome, grpc_status};
use crate::scenario::journey::{Expect, Protocol, Request};
use crate::scenario::scope::Scope;
use crate::{trace, web};

/// A request that only waits to be sent.
#[expect(clippy::large_enum_variant, reason = "nearly all of them are of the larger one")]
pub(super) enum Ready {
    /// `opening`: since when the connection was being opened, if it had to be.
    Go {
        connection: Connection,
        draft: Draft,
        opening: Option<Instant>,
    },
    Stuck {
        outcome: Outcome,
        reason: String,
        since: Instant,
    },
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
    let requests = client.requests;
    let draft = match requests.draft(request, scope, client.jar) {
        Ok(draft) => draft,
        Err(error) => {
            let since = Instant::now();
            return Ready::Stuck { outcome: Outcome::Failed, reason: error.to_string(), since };
        }
    };
    let elsewhere = match client.elsewhere(&draft) {
        Ok(elsewhere) => elsewhere,
        Err(reason) => {
            let since = Instant::now();
            return Ready::Stuck { outcome: Outcome::Failed, reason, since };
        }
    };
    let (place, origin) = client.server_of(request, elsewhere.as_ref());
    if let Some(connection) = client.open_already(place).await {
        return Ready::Go { connection, draft, opening: None };
    }
    let since = Instant::now();
    // Nothing on a request's way takes longer than its own timeout.
    let within = request.connect_timeout.min(request.timeout);
    match client.open(origin, within).await {
        Ok(connection) => Ready::Go { connection, draft, opening: Some(since) },
        Err(reason) => Ready::Stuck { outcome: Outcome::Error, reason, since },
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
    let Client { requests, recording, .. } = client;
    let Due { request, who, scope, intended, keep_body } = due;
    let mut pending = Pending::new(recording, request.endpoint, who, scope.key(), intended);
    let (connection, draft, opening) = match ready {
        Ready::Stuck { outcome, reason, since } => {
            pending.sent(since, 0);
            return Ended { is_sent: false, ..unanswered(&mut pending, request, outcome, &reason) };
        }
        Ready::Go { connection, draft, opening } => (connection, draft, opening),
    };
    let trace = if requests.is_traced { traceparent(recording.clock, request, who, intended) } else { None };
    let is_kept = keep_body || request.needs_body() || recording.witness.wants_bodies();
    // Boxed: few requests have one, and all would carry the room for it.
    let begin = |events| Box::new(Watch::begin(events, recording, who, scope.key(), intended));
    let watch = request.events.as_ref().map(begin);
    let keep = match request.protocol {
        _ if let Some(watch) = &watch => Keep::Watched(request.body_limit, &**watch),
        _ if is_kept => Keep::UpTo(request.body_limit),
        Protocol::Http(_) | Protocol::WebSocket => Keep::Unexpected(&request.expect),
        // Its own status stands behind the body.
        Protocol::Grpc(_) => Keep::Unexpected(&Expect::Success),
    };
    let tally = Tally::default();
    let trip = Trip { client, request, draft: &draft, trace, keep, tally: &tally };
    let sent = Instant::now();
    // A slow handshake is the system's: the generator was not late. What was opened ahead of time is not waited for.
    pending.sent(opening.filter(|since| *since >= intended).unwrap_or(sent), draft.size());
    // Pinned here: the future is large, and would be moved into the timeout otherwise.
    let way = std::pin::pin!(trip.go(connection));
    let deadline = sent + request.timeout;
    let arrived = client.deadlines.within(deadline, way).await;
    pending.went(&tally);
    let arrived =
        in_time(arrived, deadline).unwrap_or_else(|| Err(format!("timeout after {:?}", request.timeout)));
    let arrived = arrived.and_then(|Arrival { reply, fault }| {
        let status = status_of(request, &reply).ok_or("answered without a gRPC status")?;
        Ok((status, reply, fault))
    });
    let (status, reply, fault) = match arrived {
        Ok(arrived) => arrived,
        Err(reason) => {
            let ended = unanswered(&mut pending, request, Outcome::Error, &reason);
            if let Some(watch) = &watch {
                watch.end(Outcome::Error, Some(&reason));
            }
            let ending = Ending { reason: &reason, scope, tally: &tally, answer: None, variables: &[] };
            keep_exchange(client, request, &draft, &pending, &ending);
            return ended;
        }
    };
    let fault = match request.protocol {
        Protocol::WebSocket => {
            fault.or_else(|| opening::fault(&requests.drafted(request, &draft, None), status, &reply))
        }
        Protocol::Http(_) | Protocol::Grpc(_) => fault,
    };
    let body = match fault {
        Some(fault) => Err(fault),
        None if is_kept => readable(requests, request, status, &reply),
        None if reply.body().is_empty() => Ok(Cow::Borrowed(&[][..])),
        // A part of a compressed one says nothing.
        None => Ok(decode::decoded(&reply.headers, reply.body(), request.body_limit).unwrap_or_default()),
    };
    // What was answered with, for keeping: the body that was judged, if it could be.
    let legible = body.as_deref().unwrap_or(reply.body());
    let judge = Judge { templates: &requests.templates, scope };
    let answer = |body| Answer {
        status,
        headers: &reply.headers,
        body,
        size: reply.bytes_in as u64,
        time: reply.done.saturating_duration_since(sent),
    };
    let (judgement, variables, inspected) = match &body {
        Ok(body) => {
            let answer = answer(body);
            let (judgement, variables) = judge.judge(request, &answer);
            if judgement.outcome != Outcome::Rejected {
                for soft in &request.soft_checks {
                    pending.soft_check(soft.place, judge.holds(&soft.checks, &answer));
                }
            }
            (judgement, variables, Some(inspect(&answer)))
        }
        // Its status tells more.
        Err(_) if request.reject.contains(&status) || !request.expect.accepts(status) => {
            let (judgement, variables) = judge.judge(request, &answer(&[]));
            (judgement, variables, None)
        }
        Err(reason) => (Judgement::failed(reason.clone()), Vec::new(), None),
    };
    pending.answered(status, reply.first_byte, tally.bytes_in.get());
    pending.end(judgement.outcome, judgement.reason.as_deref(), reply.done);
    if let Some(delay) = reply.delay {
        recording.own.delayed(reply.done, delay);
    }
    if let Some(watch) = &watch {
        watch.end(judgement.outcome, judgement.reason.as_deref());
    }
    let reason = judgement.reason.as_deref().unwrap_or_default();
    let ending =
        Ending { reason, scope, tally: &tally, answer: Some((&reply, legible)), variables: &variables };
    keep_exchange(client, request, &draft, &pending, &ending);
    Ended { outcome: judgement.outcome, status, done: reply.done, variables, inspected, is_sent: true }
}

/// What has come within the time limit. An answer may have come behind it while nobody looked at the clock.
fn in_time(
    arrived: Result<Result<Arrival, String>, Passed>,
    deadline: Instant,
) -> Option<Result<Arrival, String>> {
    arrived.ok().filter(|arrived| {
        arrived.as_ref().is_ok_and(|arrival| arrival.reply.done <= deadline) || arrived.is_err()
    })
}

/// How a request ended, as far as it is kept.
struct Ending<'a> {
    reason: &'a str,
    /// The user's variables: some are secrets.
    scope: &'a Scope,
    /// Where it has been.
    tally: &'a Tally,
    /// The answer, and its body as it can be read.
    answer: Option<(&'a Reply, &'a [u8])>,
    variables: &'a [(String, Value)],
}

/// Keeps what was said, if that is wanted.
fn keep_exchange(
    client: Client<'_>,
    request: &Request,
    draft: &Draft,
    pending: &Pending<'_>,
    ending: &Ending<'_>,
) {
    let (witness, recorder) = (&client.recording.witness, &client.recording.recorder);
    let sample = pending.sample();
    if !witness.wants(sample.endpoint, sample.outcome, ending.reason) {
        return;
    }
    let cookies = ending.tally.cookies.take();
    let drafted = client.requests.drafted(request, draft, None);
    let drafted = Drafted { cookies, ..drafted };
    let message = addressed(client, request, &drafted).unwrap_or_else(|_| drafted.message());
    let (head, sent) = message.into_parts();
    let to = draft.elsewhere.as_deref().map_or(head.uri.to_string(), |url| web::shown(url.as_str()));
    let asked = Said {
        start: format!("{} {to}", head.method),
        headers: &Headers::from(head.headers),
        body: &sent,
        body_bytes: sent.len(),
        is_cut: false,
    };
    let answered = ending.answer.map(|(reply, body)| Said {
        start: witness::status_line(sample.status),
        headers: &reply.headers,
        body,
        body_bytes: reply.bytes_in,
        is_cut: reply.is_cut || (body.is_empty() && reply.bytes_in > 0),
    });
    let hops = ending.tally.hops.take();
    recorder.keep(witness.exchange(
        sample,
        witness::Told {
            reason: ending.reason,
            request: asked,
            redirects: &hops,
            answer: answered,
            extracted: ending.variables,
            secrets: client.requests.secrets_of(ending.scope, ending.variables),
        },
    ));
}

/// The status that counts; none for a gRPC answer that has none.
fn status_of(request: &Request, reply: &Reply) -> Option<u16> {
    match request.protocol {
        Protocol::Http(_) | Protocol::WebSocket => Some(reply.status),
        Protocol::Grpc(_) => grpc::status(reply.status, &reply.headers),
    }
}

/// The header that links a request to its trace.
fn traceparent(clock: Clock, request: &Request, who: Who, intended: Instant) -> Option<HeaderValue> {
    let origin =
        trace::Origin { run_unix_us: clock.unix_us(), journey: who.journey, intended_us: clock.us(intended) };
    HeaderValue::try_from(origin.traceparent(request.number as u64)).ok()
}

fn unanswered<T>(pending: &mut Pending<'_>, request: &Request, outcome: Outcome, reason: &str) -> Ended<T> {
    // What was not answered has passed no check.
    request.soft_checks.iter().for_each(|soft| pending.soft_check(soft.place, false));
    let (outcome, done) = pending.end_unanswered(outcome, reason);
    Ended { outcome, status: 0, done, variables: Vec::new(), inspected: None, is_sent: true }
}

/// The body of an answer as checks and extractions read it: without compression, a gRPC call's
/// messages as JSON.
fn readable<'a>(
    requests: &Requests,
    request: &Request,
    status: u16,
    reply: &'a Reply,
) -> Result<Cow<'a, [u8]>, String> {
    match requests.codec_of(request) {
        Some(codec) if status == grpc_status(0) => {
            codec.decode(reply.body()).map(Cow::Owned).map_err(|e| e.to_string())
        }
        Some(_) => Ok(Cow::Borrowed(reply.body())),
        None => decode::decoded(&reply.headers, reply.body(), request.body_limit),
    }
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
