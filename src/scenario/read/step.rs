//! Steps of a journey. The key that names what a step does decides its kind: `request`, `poll`,
//! `publish`, `await`, `websocket`, `send`, `receive`, `close`, `parallel`, `meet`, `choice`, `put`, `pause` or `steps`. Any of them may be
//! repeated, left out, timed as a whole, and have variables of its own: see [`super::around`].

use std::time::Duration;

use super::address::server_mistake;
use super::answer::{check_statuses, statuses};
use super::around::{AROUND_KEYS, Around};
use super::book::{Book, Flow};
use super::check::{checks, soft_checks};
use super::content::content;
use super::context::{Context, Tags};
use super::extract::extracts;
use super::{event, events, rpc, socket, tags};
use crate::sample::{Kind, PROBE_CLASS, grpc_status, status_text};
use crate::scenario::fields::{Fields, Located};
use crate::scenario::journey::{
    Branch, Expect, Meet, Parallel, Poll, Protocol, Put, Request, Step, is_redirect,
};
use crate::scenario::problem::is_misspelt;
use crate::scenario::template::Text;
use crate::web;

/// The keys that decide a step's kind.
const KINDS: [&str; 14] = [
    "request",
    "poll",
    "publish",
    "await",
    socket::OPEN,
    "send",
    "receive",
    "close",
    "parallel",
    "meet",
    "choice",
    "put",
    "pause",
    "steps",
];
/// The other keys of steps, whatever their kind.
const KEYS: [&str; 37] = [
    "tags",
    "auth",
    "name",
    "headers",
    "body",
    "json",
    "text",
    "form",
    "multipart",
    "file",
    "redirects",
    "body_limit",
    "expect",
    "reject",
    "check",
    "soft_check",
    "extract",
    "events",
    "timeout",
    "continue_on_failure",
    "raises",
    "until",
    "until_check",
    "reject_check",
    "pending",
    "effect",
    "every",
    "precision",
    "within",
    "background",
    "broker",
    "key",
    "match",
    "socket",
    "race",
    "users",
    "value",
];
/// What endpoints have as their method that are WebSockets being opened.
const WEBSOCKET: &str = "WEBSOCKET";
/// The status of an answer that opens a WebSocket.
const SWITCHING: u16 = 101;
/// How long users wait for others if the scenario does not say.
const MEET_WITHIN: Duration = Duration::from_secs(1);
/// The usual methods (RFC 9110 and 5789), and gRPC calls: what misspelt ones are compared with.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", rpc::METHOD];

pub(super) fn read(
    mut step: Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Step> {
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| step.has(kind)).collect();
    let &[kind] = kinds.as_slice() else {
        let title =
            if kinds.is_empty() { "a step that does nothing" } else { "a step has exactly one action" };
        step.problems.add(&step.place, title, format!("needs exactly one of: {}", KINDS.join(", ")));
        unread(step);
        return None;
    };
    let tags = tags::read(&mut step, context.tags, book);
    let context = &Context { tags: &tags, ..*context };
    let around = Around::read(&mut step, book, context, flow);
    let read = match kind {
        "request" => request(&mut step, "request", book, context, flow).map(|mut request| {
            events::read(&mut step, &mut request, book, context);
            Step::Request(Box::new(request))
        }),
        "poll" => poll(&mut step, book, context, flow).map(|p| Step::Poll(Box::new(p))),
        "publish" => event::publish(&mut step, book, context, flow).map(|p| Step::Publish(Box::new(p))),
        "await" => event::awaited(&mut step, book, context, flow).map(|a| Step::Await(Box::new(a))),
        socket::OPEN => {
            let request = request(&mut step, socket::OPEN, book, context, flow);
            socket::open(&mut step, request, book, flow).map(|s| Step::Socket(Box::new(s)))
        }
        "send" => socket::send(&mut step, book, context, flow).map(|s| Step::Socket(Box::new(s))),
        "receive" => socket::receive(&mut step, book, context, flow).map(|s| Step::Socket(Box::new(s))),
        "close" => socket::close(&mut step, book, context).map(|s| Step::Socket(Box::new(s))),
        "parallel" => {
            let race = step.name("race").map_or(context.journey.to_owned(), |l| l.value);
            let requests = parallel(&mut step, book, context, flow);
            step.refuse_empty("parallel");
            Some(Step::Parallel(Parallel { race: book.race(&race), requests }))
        }
        "meet" => meet(&mut step, book).map(Step::Meet),
        "put" => put(&mut step, book, flow).map(Step::Put),
        "choice" => {
            step.refuse_empty("choice");
            Some(Step::Choice(choice(&mut step, book, context, flow)))
        }
        "pause" => step.duration("pause").map(Step::Pause),
        _ => {
            let steps = steps(&mut step, "steps", book, context, flow);
            step.refuse_empty("steps");
            Some(Step::Steps(steps))
        }
    };
    if read.is_some() {
        step.finish();
    } else {
        unread(step);
    }
    around.put(read, flow)
}

/// A step that cannot be read: what it would have given and called is no mistake of those that name it,
/// and its keys are mistakes only where no step has them.
fn unread(mut step: Fields<'_>) {
    let problems = step.problems;
    for what in ["endpoint", "effect", "group", "race", "socket", "tag"] {
        problems.note_unread(what, None);
    }
    if let Some(extract) = step.has("extract").then(|| step.table("extract")).flatten() {
        extract.entries().iter().for_each(|(name, _)| problems.note_unread("variable", Some(&name.value)));
    }
    for keys in [&KINDS[..], &AROUND_KEYS, &KEYS] {
        step.know(keys);
    }
    step.finish();
}

pub(super) fn steps(
    table: &mut Fields<'_>,
    key: &'static str,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<Step> {
    let problems = table.problems;
    table
        .items(key)
        .into_iter()
        .filter_map(|item| {
            read(Fields::of(item.value, item.place.file, "a step", problems)?, book, context, flow)
        })
        .collect()
}

fn parallel(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<Request> {
    step.tables("parallel")
        .into_iter()
        .filter_map(|mut table| {
            table.require("request");
            let tags = tags::read(&mut table, context.tags, book);
            let context = &Context { tags: &tags, ..*context };
            let request = request(&mut table, "request", book, context, flow);
            table.finish();
            request
        })
        .collect()
}

/// `{ meet = "sale", users = 50, within = "2s" }`.
fn meet(step: &mut Fields<'_>, book: &mut Book<'_>) -> Option<Meet> {
    let race = step.name("meet")?;
    let users = step.count("users", 2).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let within = step.time("within").unwrap_or(MEET_WITHIN);
    Some(Meet { race: book.race(&race.value), users, within })
}

/// `{ put = "orders", value = "{{ order_id }}" }`.
fn put(step: &mut Fields<'_>, book: &mut Book<'_>, flow: &mut Vec<Flow>) -> Option<Put> {
    let queue = step.name("put")?;
    step.require("value");
    let Located { value, place } = step.value("value")?;
    Some(Put { queue: book.fill_queue(&queue.value), value: book.computed(value, &place, flow)? })
}

/// `raises = "customer.CustomerRegistered"`, or a list: streams and their events.
pub(super) fn raises(step: &mut Fields<'_>) -> Option<Located<Vec<(String, String)>>> {
    let place = step.key_place("raises");
    let is_there = step.has("raises");
    let texts = step.texts("raises");
    is_there.then_some(())?;
    let mut events = Vec::new();
    for text in texts {
        match text.value.rsplit_once('.') {
            Some((stream, event)) if !stream.is_empty() && !event.is_empty() => {
                events.push((stream.to_owned(), event.to_owned()));
            }
            _ => {
                step.problems.add(
                    &text.place,
                    "expected a stream and an event",
                    "write it as `stream.Event`",
                );
            }
        }
    }
    Some(Located { value: events, place })
}

/// `choice = [{ probability = 0.7, steps = […] }, …]`, or with `weight`s.
fn choice(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<Branch> {
    let place = step.key_place("choice");
    let problems = step.problems;
    let tables = step.tables("choice");
    let count = tables.len();
    if count == 0 {
        return Vec::new();
    }
    let is_weighted = tables.iter().any(|table| table.has("weight"));
    let mut branches: Vec<Branch> = tables
        .into_iter()
        .filter_map(|mut table| {
            let share = if is_weighted {
                table.require("weight");
                table.number("weight").map(|weight| super::weight(&weight, problems))
            } else {
                table.require("probability");
                table.number("probability").map(|probability| {
                    if !(probability.value > 0.0 && probability.value <= 1.0) {
                        let title = format!("impossible probability `{}`", probability.value);
                        problems.add(&probability.place, title, "expected 0 < probability ≤ 1");
                    }
                    probability.value
                })
            };
            table.require("steps");
            let steps = steps(&mut table, "steps", book, context, flow);
            table.finish();
            Some(Branch { probability: share?, steps })
        })
        .collect();
    let sum: f64 = branches.iter().map(|b| b.probability).sum();
    // What cannot be read has been told of.
    if branches.len() < count {
        return branches;
    }
    if branches.len() == 1 && branches[0].steps.is_empty() {
        problems.add(&place, "a choice of nothing", "its one branch has no steps");
    }
    if is_weighted {
        for branch in &mut branches {
            branch.probability /= sum;
        }
    } else if (sum - 1.0).abs() > 1e-9 {
        problems.add(&place, format!("the probabilities of a choice add up to {sum}, not to 1"), "these");
    }
    branches
}

/// A request named by `key`: `"POST /orders"`.
fn request(
    step: &mut Fields<'_>,
    key: &'static str,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Request> {
    let line = step.text(key)?;
    // The rest of a request that cannot be made is read all the same: for its own mistakes.
    let read = if key == socket::OPEN {
        request_target(step, &line, WEBSOCKET, &socket::as_http(line.value.trim()), book)
    } else {
        request_line(step, &line, book)
    };
    let is_readable = read.is_some();
    if let Some(server) = read.as_ref().and_then(|line| line.origin.clone()) {
        book.elsewhere.push((line.place.clone(), server));
    }
    let RequestLine { method, origin, path, is_url } = read.unwrap_or_else(|| RequestLine {
        method: "GET".to_owned(),
        origin: None,
        is_url: false,
        path: Located { value: "/".to_owned(), place: line.place.clone() },
    });
    let name = step.name("name").map_or_else(|| endpoint_name(&method, &path.value), |l| l.value);
    let endpoint = book.endpoint(name, context, Kind::Request);
    let protocol = match method.as_str() {
        _ if key == socket::OPEN => Some(Protocol::WebSocket),
        rpc::METHOD => rpc::method(&path, book.descriptors.as_ref(), step.problems).map(Protocol::Grpc),
        _ => Some(Protocol::Http(method)),
    };
    let (is_callable, protocol) = (protocol.is_some(), protocol.unwrap_or(Protocol::Http(String::new())));
    let asked_before = book.cookie_calls();
    let path = match &protocol {
        Protocol::Http(_) | Protocol::WebSocket => book.text(&path, flow),
        Protocol::Grpc(rpc) => Some(Text::Fixed(rpc.path().into())),
    };
    let mut headers = headers(step, book, context, flow);
    let body = body(step, book, flow, &protocol, &mut headers);
    let asked = book.take_cookie_calls(asked_before);
    step.refuse_empty("expect");
    let (expect, reject) = (statuses(step, "expect"), statuses(step, "reject"));
    check_statuses(step, &protocol, expect.iter().chain(&reject));
    let reject = reject.map_or(Vec::new(), |l| l.value);
    if let Some(expect) = &expect
        && let Some(both) = expect.value.iter().find(|s| reject.contains(s))
    {
        step.problems.add(
            &expect.place,
            format!("status {both} cannot be both expected and a refusal"),
            "also in `reject`",
        );
    }
    let checks = checks(step, "check", book, flow);
    let soft_checks = soft_checks(step, book, flow);
    book.raise(endpoint, raises(step));
    let extract = extracts(step, book, flow);
    let auth = if step.has("auth") { super::auth::of(step, book) } else { context.auth };
    let redirects = super::defaults::redirects(step).unwrap_or(book.defaults.redirects);
    let body_limit = super::defaults::body_limit(step).unwrap_or(book.defaults.body_limit);
    let timeout = step.time("timeout").unwrap_or(book.defaults.timeout);
    let continue_on_failure = step.flag("continue_on_failure").unwrap_or(false);
    let success = match protocol {
        Protocol::Http(_) => Expect::Success,
        Protocol::Grpc(_) => Expect::Statuses(vec![grpc_status(0)]),
        Protocol::WebSocket => Expect::Statuses(vec![SWITCHING]),
    };
    let expect = expect.map_or(success, |l| Expect::Statuses(l.value));
    let is_http = matches!(protocol, Protocol::Http(_));
    let has_cookies = is_http || matches!(protocol, Protocol::WebSocket);
    let cookies = has_cookies && context.cookies;
    if let Some(place) = asked.first()
        && !cookies
    {
        let label = if has_cookies { "`cookies = false` holds here" } else { "a gRPC call has none" };
        step.problems.add(place, "`cookie` needs the user's cookies", label);
    }
    let is_followed = is_http && !expect.names_redirect() && !reject.iter().any(|s| is_redirect(*s));
    (is_readable && is_callable).then_some(())?;
    Some(Request {
        number: book.next_request(),
        endpoint,
        protocol,
        origin,
        path: path?,
        headers,
        body,
        expect,
        reject,
        checks,
        soft_checks,
        extract,
        events: None,
        redirects: if is_followed { redirects } else { 0 },
        auth,
        is_url,
        reads_cookies: !asked.is_empty(),
        cookies,
        body_limit,
        connect_timeout: book.defaults.connect_timeout,
        timeout,
        continue_on_failure,
    })
}

fn poll(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Option<Poll> {
    let untagged = Tags::none();
    let probe = Context { traffic_class: PROBE_CLASS, tags: &untagged, ..*context };
    step.refuse_empty("until");
    let (until, pending) = (statuses(step, "until"), statuses(step, "pending"));
    if step.has("expect") {
        let place = step.key_place("expect");
        step.problems.add(&place, "a poll has no `expect`", "say `until` and `pending` instead");
    }
    step.require("effect");
    let effect = step.name("effect");
    let until_checks = checks(step, "until_check", book, flow);
    let reject_checks = checks(step, "reject_check", book, flow);
    let every = step.duration("every").unwrap_or(Duration::from_millis(20));
    let precision = step.number("precision").map_or(0.05, |l| l.value.clamp(0.0, 1.0));
    let within = step.time("within").unwrap_or(Duration::from_secs(60));
    let background = step.flag("background").unwrap_or(false);
    let mut request = request(step, "poll", book, &probe, flow)?;
    check_statuses(step, &request.protocol, until.iter().chain(&pending));
    let (visible, invisible) = match request.protocol {
        Protocol::Http(_) | Protocol::WebSocket => (200, 404),
        Protocol::Grpc(_) => (grpc_status(0), grpc_status(5)),
    };
    let until = until.map_or(vec![visible], |l| l.value);
    // With checks, an answer of the same status may be both.
    if until_checks.is_empty()
        && let Some(Located { value, place }) = &pending
        && let Some(both) = value.iter().find(|status| until.contains(status))
    {
        let title = format!("status {} cannot be both waited for and pending", status_text(*both));
        step.problems.add(place, title, "this status is also in `until` (default: 200, or `OK` for gRPC)");
    }
    let pending = pending.map_or(vec![invisible], |l| l.value);
    request.expect = Expect::Statuses(until.iter().chain(&pending).copied().collect());
    if request.expect.names_redirect() {
        request.redirects = 0;
    }
    let effect = book.endpoint(effect?.value, context, Kind::Effect);
    Some(Poll { request, effect, until, until_checks, reject_checks, every, precision, within, background })
}

/// What a request line says.
struct RequestLine {
    method: String,
    /// Where it goes, if that is not the target.
    origin: Option<String>,
    path: Located<String>,
    /// Whether the path is a template of a URL.
    is_url: bool,
}

/// `"POST /orders/{{ id }}"`, or with a whole URL; `"GRPC package.Service/Method"` likewise.
fn request_line(step: &Fields<'_>, line: &Located<String>, book: &Book<'_>) -> Option<RequestLine> {
    let (method, target) =
        line.value.trim().split_once(char::is_whitespace).unwrap_or((line.value.trim(), ""));
    if method == WEBSOCKET {
        let place = step.problems.narrowed(&line.place, method);
        let label = "open it with a step `websocket = \"/path\"`";
        step.problems.add(&place, "a WebSocket is not a request", label);
        return None;
    }
    if !is_method(method) {
        let place = step.problems.narrowed(&line.place, method);
        step.problems.add_unknown(&place, "method", method, &METHODS);
        return None;
    }
    request_target(step, line, method, target.trim(), book)
}

/// The same of what stands behind the method.
fn request_target(
    step: &Fields<'_>,
    line: &Located<String>,
    method: &str,
    target: &str,
    book: &Book<'_>,
) -> Option<RequestLine> {
    let located = |value: &str| Located { value: value.to_owned(), place: line.place.clone() };
    let (origin, path) = if super::is_http(target) {
        let (origin, path) = split_url(target);
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let origin = book.settings.fill(&located(origin), step.problems);
        if let Some(label) = server_mistake(&origin) {
            let title = format!("`{}` is not a server", web::shown(&origin));
            step.problems.add(&line.place, title, label);
        }
        (Some(origin), path)
    } else {
        (None, target.to_owned())
    };
    if line.value.chars().any(char::is_control) {
        step.problems.add(&line.place, "a request line cannot hold control characters", "in this line");
        return None;
    }
    // A link that a template gives.
    let is_url = path.starts_with("{{") && method != rpc::METHOD && method != WEBSOCKET;
    if !path.starts_with('/') && !is_url && method != rpc::METHOD {
        let label = if method == WEBSOCKET {
            "write it as `\"/path\"` or `\"ws://host/path\"`"
        } else {
            "write it as `\"GET /path\"`, or `\"GET {{ next }}\"` for a link that a response gave"
        };
        step.problems.add(&line.place, "a request needs a path", label);
        return None;
    }
    Some(RequestLine { method: method.to_owned(), origin, path: located(&path), is_url })
}

/// Whether a request may have a method: any of the usual ones, and any other word in capitals (`PROPFIND`) that is not
/// one of them misspelt.
fn is_method(word: &str) -> bool {
    let is_lower = word.bytes().any(|byte| byte.is_ascii_lowercase());
    METHODS.contains(&word) || (super::defaults::is_token(word) && !is_lower && !is_misspelt(word, &METHODS))
}

/// A URL as what stands before its path, and its path; templates may hold slashes.
fn split_url(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let mut depth = 0_usize;
    for (at, c) in url.char_indices().skip_while(|(at, _)| *at < start) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '/' | '?' | '#' if depth == 0 => return url.split_at(at),
            _ => {}
        }
    }
    (url, "/")
}

/// `GET /orders/{order_id}` for `GET /orders/{{ order_id }}?page=1`.
fn endpoint_name(method: &str, target: &str) -> String {
    let mut name = format!("{method} ");
    let mut rest = target;
    while let Some((before, after)) = rest.split_once("{{") {
        name.push_str(before);
        let (expression, after) = after.split_once("}}").unwrap_or((after, ""));
        let word: String =
            expression.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        name.push_str(&format!("{{{word}}}"));
        rest = after;
    }
    name.push_str(rest);
    name.split('?').next().unwrap_or(&name).to_owned()
}

/// Default headers, then the journey's, then the step's own; the later wins.
fn headers(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Vec<(String, Text)> {
    let own = super::defaults::headers(step);
    let mut merged: Vec<(String, Located<String>)> = Vec::new();
    for later in [&book.defaults.headers, context.headers, &own[..]] {
        merged.retain(|(known, _)| !later.iter().any(|(name, _)| name == known));
        merged.extend(later.iter().cloned());
    }
    merged.into_iter().filter_map(|(name, value)| Some((name, book.text(&value, flow)?))).collect()
}

/// The body of a request, with its content type among the headers.
fn body(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
    protocol: &Protocol,
    headers: &mut Vec<(String, Text)>,
) -> Option<Text> {
    let (body, content) = content(step, book, flow)?;
    match protocol {
        Protocol::Http(_) => {
            if !headers.iter().any(|(name, _)| name == "content-type") {
                let value = bytes::Bytes::copy_from_slice(content.media_type.as_bytes());
                headers.push(("content-type".to_owned(), Text::Fixed(value)));
            }
        }
        Protocol::WebSocket => {
            step.problems.add(
                &content.place,
                "the opening of a WebSocket has no body",
                "send messages with `send` steps",
            );
        }
        // Not `application/json`: that is how scenarios write the message.
        Protocol::Grpc(rpc) => {
            if let Err(reason) = rpc::check_message(rpc, content.json, body.as_ref()) {
                step.problems.add(&content.place, "not the message of this call", reason);
            }
        }
    }
    body
}
