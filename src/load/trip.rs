//! The way of one request: over its connection, once more over a new one if that had died, and on to
//! where its answers point. All of it is one sample.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, COOKIE, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::uri::Uri;
use hyper::{HeaderMap, Method};
use url::Url;

use super::client::Client;
use super::connection::Connection;
use super::decode;
use super::digest::{Asked, Challenge, Identity};
use super::origin::Origin;
use super::outgoing::{Draft, Drafted, Message, Outgoing};
use super::redirect;
use super::reply::{Keep, Reply, SendFailure};
use crate::scenario::journey::{Request, is_redirect};

/// What a trip comes to even if it does not arrive.
#[derive(Default)]
pub(super) struct Tally {
    /// Redirects that were followed.
    pub(super) redirects: Cell<u8>,
    /// Times that it was sent once more because a connection had died.
    pub(super) repeats: Cell<u8>,
    /// Bytes of the answers' bodies.
    pub(super) bytes_in: Cell<usize>,
    /// The cookies that the request itself was sent with.
    pub(super) cookies: Cell<Option<HeaderValue>>,
    /// The redirects, `302 to /login`.
    pub(super) hops: RefCell<Vec<String>>,
}

/// Where a trip has ended.
pub(super) struct Arrival {
    pub(super) reply: Reply,
    /// Why it has failed, whatever the answer says.
    pub(super) fault: Option<String>,
}

/// A request on its way.
pub(super) struct Trip<'a> {
    pub(super) client: Client<'a>,
    pub(super) request: &'a Request,
    pub(super) draft: &'a Draft,
    /// The `traceparent` header.
    pub(super) trace: Option<HeaderValue>,
    pub(super) keep: Keep<'a>,
    pub(super) tally: &'a Tally,
}

impl Trip<'_> {
    /// Sends the request, and follows where its answers point; the connections are given back.
    ///
    /// # Errors
    /// In words, if there is no answer.
    pub(super) async fn go(&self, connection: Connection) -> Result<Arrival, String> {
        let elsewhere = self.client.elsewhere(self.draft)?;
        let (place, origin) = self.client.server_of(self.request, elsewhere.as_ref());
        let outgoing = match &elsewhere {
            Some(_) => Outgoing::Message(Box::new(self.message()?)),
            None => Outgoing::Drafted(self.drafted()),
        };
        // Not by `deliver`: every user would carry the room for it.
        let (connection, reply) = match self.identity(place) {
            // Boxed: few requests are challenged, and all would carry the room for it.
            Some(identity) => {
                Box::pin(self.answer_challenge(identity, place, origin, connection, outgoing)).await?
            }
            None => self.send(origin, connection, outgoing).await?,
        };
        if self.request.redirects > 0 && is_redirect(reply.status) {
            // Boxed: most requests are not redirected, and all would carry the room for it.
            return Box::pin(self.follow(place, Arc::clone(origin), connection, reply)).await;
        }
        self.leave(place, connection, &reply);
        let fault = self.cut(&reply);
        Ok(Arrival { reply, fault })
    }

    async fn follow(
        &self,
        mut place: usize,
        mut origin: Arc<Origin>,
        mut connection: Connection,
        mut reply: Reply,
    ) -> Result<Arrival, String> {
        let mut message = self.message()?;
        loop {
            let from = url(&origin, message.uri()).ok_or("the request's own URL is unknown")?;
            let pointed = redirect::target(reply.status, &reply.headers, &from);
            self.leave(place, connection, &reply);
            let to = match pointed {
                Ok(Some(to)) => to,
                Ok(None) => {
                    let fault = self.cut(&reply);
                    return Ok(Arrival { reply, fault });
                }
                Err(reason) => return Ok(Arrival { reply, fault: Some(reason) }),
            };
            if u32::from(self.tally.redirects.get()) >= self.request.redirects {
                let fault = Some(format!("more than {} redirects (`redirects`)", self.request.redirects));
                return Ok(Arrival { reply, fault });
            }
            (place, origin) = self.client.abroad.origin(self.client.requests, &to)?;
            let next = redirect::redirected(message, reply.status, &from, &to, &origin.host);
            message =
                next.ok_or_else(|| format!("cannot follow the redirect ({}) to its path", reply.status))?;
            count(&self.tally.redirects);
            self.tally.hops.borrow_mut().push(format!(
                "{} to {}",
                reply.status,
                redirect::shown(to.as_str())
            ));
            connection = self.client.connect(place, &origin, self.request.connect_timeout).await?;
            let outgoing = Outgoing::Message(Box::new(message.clone()));
            (connection, reply) = self.deliver(place, &origin, connection, outgoing).await?;
        }
    }

    /// Sends a message, and answers the challenge of its server if somebody can.
    async fn deliver(
        &self,
        place: usize,
        origin: &Origin,
        connection: Connection,
        outgoing: Outgoing<'_>,
    ) -> Result<(Connection, Reply), String> {
        match self.identity(place) {
            Some(identity) => self.answer_challenge(identity, place, origin, connection, outgoing).await,
            None => self.send(origin, connection, outgoing).await,
        }
    }

    /// Who answers the challenges of a server; nobody those of another one that a redirect has led to.
    fn identity(&self, place: usize) -> Option<&Arc<Identity>> {
        let requests = self.client.requests;
        requests.identity_of(self.request).filter(|_| place == requests.origin_of(self.request))
    }

    async fn answer_challenge(
        &self,
        identity: &Arc<Identity>,
        place: usize,
        origin: &Origin,
        connection: Connection,
        outgoing: Outgoing<'_>,
    ) -> Result<(Connection, Reply), String> {
        let message = match outgoing {
            Outgoing::Drafted(drafted) => drafted.message(),
            Outgoing::Message(message) => *message,
        };
        let signed = || {
            let mut message = message.clone();
            let uri = message.uri().to_string();
            let asked = Asked { method: message.method(), uri: &uri, body: message.body() };
            if let Some(value) = self.client.digests.next(identity, place, asked) {
                message.headers_mut().insert(AUTHORIZATION, value);
            }
            Outgoing::Message(Box::new(message))
        };
        let (connection, reply) = self.send(origin, connection, signed()).await?;
        let challenge = || reply.headers.texts(WWW_AUTHENTICATE.as_str()).find_map(Challenge::parse);
        let (connection, reply) =
            match Some(reply.status).filter(|status| *status == 401).and_then(|_| challenge()) {
                None => (connection, reply),
                // A nonce is as good as another one: what is refused with a new one stays refused.
                Some(challenge) => {
                    self.client.digests.learn(identity, place, challenge);
                    self.leave(place, connection, &reply);
                    let connection = self.client.connect(place, origin, self.request.connect_timeout).await?;
                    self.send(origin, connection, signed()).await?
                }
            };
        if let Some(info) = reply.headers.texts("authentication-info").next() {
            self.client.digests.renew(identity, place, info);
        }
        Ok((connection, reply))
    }

    /// Sends a message over a connection, and once more over a new one if that had died meanwhile: if
    /// nothing was sent, or a request that may be sent twice was not answered in any part.
    async fn send(
        &self,
        origin: &Origin,
        mut connection: Connection,
        outgoing: Outgoing<'_>,
    ) -> Result<(Connection, Reply), String> {
        let outgoing = self.with_cookies(origin, outgoing);
        if self.client.recording.own.wants_delay() {
            connection.time_next();
        }
        let failure = match connection.send(&outgoing, self.keep).await {
            Ok(reply) => {
                self.receive(origin, &outgoing, &reply);
                return Ok((connection, reply));
            }
            Err(failure) => failure,
        };
        match failure {
            SendFailure::Unsent => {}
            // By the method of this hop: a POST may have been answered with 303.
            SendFailure::Silent(_) if is_idempotent(outgoing.method()) => {
                count(&self.tally.repeats);
            }
            other => return Err(other.reason()),
        }
        let mut connection = self.client.open(origin, self.request.connect_timeout).await?;
        let reply = connection.send(&outgoing, self.keep).await.map_err(SendFailure::reason)?;
        self.receive(origin, &outgoing, &reply);
        Ok((connection, reply))
    }

    /// The request itself, without the user's cookies.
    fn drafted(&self) -> Drafted<'_> {
        self.client.requests.drafted(self.request, self.draft, self.trace.clone())
    }

    /// The same as a message to where it goes.
    fn message(&self) -> Result<Message, String> {
        addressed(self.client, self.request, &self.drafted())
    }

    /// A request with the cookies that its user has for its server.
    fn with_cookies<'b>(&self, origin: &Origin, outgoing: Outgoing<'b>) -> Outgoing<'b> {
        if !self.request.cookies || self.client.jar.is_empty() {
            return outgoing;
        }
        let Some(url) = outgoing.target().and_then(|target| url(origin, target)) else { return outgoing };
        let outgoing = match outgoing {
            // They stand in one line with its own.
            Outgoing::Drafted(drafted) if drafted.form.states_cookies() => {
                Outgoing::Message(Box::new(drafted.message()))
            }
            other => other,
        };
        let outgoing = match outgoing {
            Outgoing::Drafted(drafted) => {
                let cookies = self.client.jar.line(&url, &HeaderMap::new());
                Outgoing::Drafted(Drafted { cookies, ..drafted })
            }
            Outgoing::Message(mut message) => {
                if let Some(line) = self.client.jar.line(&url, message.headers()) {
                    message.headers_mut().insert(COOKIE, line);
                }
                Outgoing::Message(message)
            }
        };
        if self.tally.redirects.get() == 0 {
            self.tally.cookies.set(outgoing.cookies().cloned());
        }
        outgoing
    }

    /// Notes what has come.
    fn receive(&self, origin: &Origin, outgoing: &Outgoing<'_>, reply: &Reply) {
        self.tally.bytes_in.set(self.tally.bytes_in.get() + reply.bytes_in);
        if self.request.cookies
            && reply.sets_cookies
            && let Some(url) = outgoing.target().and_then(|target| url(origin, target))
        {
            self.client.jar.take(&url, &reply.headers);
        }
    }

    /// Gives a connection back that holds no rest of an answer.
    fn leave(&self, place: usize, connection: Connection, reply: &Reply) {
        if !reply.is_cut || connection.is_shared() {
            self.client.connections.give_back(place, connection);
        }
    }

    /// What is said of an answer that was too long to be kept.
    fn cut(&self, reply: &Reply) -> Option<String> {
        match self.keep {
            Keep::UpTo(limit) if reply.is_cut => Some(decode::over(limit)),
            Keep::Watched(limit, _) if reply.is_cut && reply.bytes_in > limit => Some(decode::over(limit)),
            _ => None,
        }
    }
}

/// A drafted request as a message to where it goes: another server than its form's is told no secrets of that one.
///
/// # Errors
/// In words, if it cannot go there.
pub(super) fn addressed(
    client: Client<'_>,
    request: &Request,
    drafted: &Drafted<'_>,
) -> Result<Message, String> {
    let Some(to) = &drafted.draft.elsewhere else { return Ok(drafted.message()) };
    let origin = client.elsewhere(drafted.draft)?.map(|(_, origin)| origin);
    let home = &client.requests.origins[client.requests.origin_of(request)];
    let message = drafted.message();
    let from = url(home, message.uri());
    let sent = from.zip(origin).and_then(|(from, origin)| {
        redirect::redirected(message, redirect::WITH_BODY, &from, to, &origin.host)
    });
    sent.ok_or_else(|| "the request's URL cannot be told".to_owned())
}

/// Whether a request may be sent twice without doing its work twice (RFC 9110 §9.2.2, and the methods of `WebDAV` that only
/// read).
fn is_idempotent(method: &Method) -> bool {
    ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH"]
        .contains(&method.as_str())
}

/// The URL of a target at a server.
fn url(origin: &Origin, target: &Uri) -> Option<Url> {
    Url::parse(&format!("{}{target}", origin.url)).ok()
}

fn count(tally: &Cell<u8>) {
    tally.set(tally.get().saturating_add(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requests_that_may_be_sent_twice_are() {
        let twice = ["GET", "POST", "PUT", "PATCH", "PROPFIND", "LOCK"]
            .map(|method| is_idempotent(&Method::from_bytes(method.as_bytes()).unwrap()));
        assert_eq!(twice, [true, false, true, false, true, false]);
    }
}
