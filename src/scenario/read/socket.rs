//! Steps on WebSockets: `websocket` opens one, `send`, `receive` and `close` name it.

use std::time::Duration;

use super::book::{Book, Flow};
use super::check::checks;
use super::content::content;
use super::context::Context;
use super::event::match_values;
use super::extract::extracts;
use crate::sample::Kind;
use crate::scenario::fields::{Fields, Located};
use crate::scenario::journey::{Request, SocketAction, SocketStep};
use crate::scenario::socket::{Close, Receive, SocketMessage};
use crate::scenario::template::Text;

/// The key by which a step opens a WebSocket.
pub(super) const OPEN: &str = "websocket";
/// What a WebSocket is called if the scenario does not say.
const NAME: &str = "socket";
/// The header with the value that no two openings share (RFC 6455 §4.1).
const NONCE: &str = "sec-websocket-key";

/// `{ websocket = "/chat?room={{ room }}", socket = "chat" }`, whose request has been read.
pub(super) fn open(
    step: &mut Fields<'_>,
    request: Option<Request>,
    book: &mut Book<'_>,
    flow: &mut Vec<Flow>,
) -> Option<SocketStep> {
    let name = step.name("socket").map_or_else(|| NAME.to_owned(), |l| l.value);
    let socket = book.open_socket(&name);
    let place = step.key_place(OPEN);
    let mut request = request?;
    if !request.headers.iter().any(|(name, _)| name == NONCE) {
        let nonce = Located { value: "{{ hex(16) | b64encode }}".to_owned(), place };
        request.headers.push((NONCE.to_owned(), book.text(&nonce, flow)?));
    }
    let continue_on_failure = request.continue_on_failure;
    Some(SocketStep { socket, name, action: SocketAction::Open(Box::new(request)), continue_on_failure })
}

/// `{ send = "chat", json = { … } }`
pub(super) fn send(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Option<SocketStep> {
    let name = step.name("send")?;
    let body: Option<Option<Text>> = content(step, book, flow).map(|(body, _)| body);
    let timeout = step.time("timeout").unwrap_or(book.defaults.timeout);
    let called = step.name("name").map_or_else(|| format!("SEND {}", name.value), |l| l.value);
    let endpoint = book.endpoint(called, context, Kind::Request);
    let action = SocketAction::Send(SocketMessage { endpoint, body: body.flatten(), timeout });
    Some(on(&name, action, step, book))
}

/// `{ receive = "chat", match = { "/id" = "{{ id }}" }, effect = "reply" }`
pub(super) fn receive(
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
    context: &Context<'_>,
    flow: &mut Vec<Flow>,
) -> Option<SocketStep> {
    let name = step.name("receive")?;
    step.require("effect");
    let effect = step.name("effect");
    let matching = if step.has("match") { match_values(step, book, flow) } else { Some((vec![], vec![])) };
    let checks = checks(step, "check", book, flow);
    let extract = extracts(step, book, flow);
    let within = step.time("within").unwrap_or(Duration::from_secs(60));
    let effect = book.endpoint(effect?.value, context, Kind::Effect);
    let (pointers, values) = matching?;
    let action = SocketAction::Receive(Receive { effect, pointers, values, checks, extract, within });
    Some(on(&name, action, step, book))
}

/// `{ close = "chat" }`
pub(super) fn close(step: &mut Fields<'_>, book: &mut Book<'_>, context: &Context<'_>) -> Option<SocketStep> {
    let name = step.name("close")?;
    let timeout = step.time("timeout").unwrap_or(book.defaults.timeout);
    let called = step.name("name").map_or_else(|| format!("CLOSE {}", name.value), |l| l.value);
    let endpoint = book.endpoint(called, context, Kind::Request);
    Some(on(&name, SocketAction::Close(Close { endpoint, timeout }), step, book))
}

/// A step on a socket that another one opens.
fn on(
    name: &Located<String>,
    action: SocketAction,
    step: &mut Fields<'_>,
    book: &mut Book<'_>,
) -> SocketStep {
    let continue_on_failure = step.flag("continue_on_failure").unwrap_or(false);
    SocketStep { socket: book.use_socket(name), name: name.value.clone(), action, continue_on_failure }
}

/// The URL of a WebSocket as one of HTTP, which opens it (RFC 6455 §3); other texts as they are.
pub(super) fn as_http(target: &str) -> String {
    for (scheme, http) in [("ws://", "http://"), ("wss://", "https://")] {
        if let Some(start) = target.get(..scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            return format!("{http}{}", &target[scheme.len()..]);
        }
    }
    target.to_owned()
}

#[cfg(test)]
mod tests {
    use super::as_http;

    #[test]
    fn a_websocket_is_opened_where_its_url_says() {
        assert_eq!(as_http("ws://h:81/chat"), "http://h:81/chat");
        assert_eq!(as_http("WSS://h/chat"), "https://h/chat");
        assert_eq!(as_http("/chat?to=ws://h"), "/chat?to=ws://h");
        assert_eq!(as_http("ws"), "ws");
    }
}
