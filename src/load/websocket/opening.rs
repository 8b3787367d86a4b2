//! The opening of a WebSocket: a request that asks for another protocol, and an answer that consents (RFC 6455 §4.1).

use hyper::HeaderMap;
use hyper::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::load::outgoing::Drafted;
use crate::load::reply::Reply;

/// The status of an answer that consents.
const SWITCHING: u16 = 101;

/// The headers of a request that opens one, besides its nonce.
pub(in crate::load) fn headers(usual: HeaderMap) -> HeaderMap {
    let mut headers = usual;
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers
}

/// Why an answer with this status does not open one, though it says so; none if it does, or does not say so.
pub(in crate::load) fn fault(asked: Drafted<'_>, status: u16, reply: &Reply) -> Option<String> {
    if status != SWITCHING {
        return None;
    }
    let asked = asked.message();
    let wanted = asked.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let said = reply.headers.first(SEC_WEBSOCKET_ACCEPT.as_str());
    if said != wanted.as_ref().map(|key| key.as_bytes()) {
        return Some("the answer's `sec-websocket-accept` does not match the request's key".to_owned());
    }
    let upgrade = reply.headers.texts(UPGRADE.as_str()).any(|to| to.eq_ignore_ascii_case("websocket"));
    (!upgrade).then(|| "the answer upgrades to something else than `websocket`".to_owned())
}
