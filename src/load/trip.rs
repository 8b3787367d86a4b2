//! The way of one request: over its connection, once more over a new one if that had died, and on to
//! where its answers point. All of it is one sample.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use hyper::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use url::Url;

use super::client::Client;
use super::connection::{Connection, Keep, Message, Reply, SendFailure};
use super::decode;
use super::origin::Origin;
use super::prepared::Draft;
use super::redirect;
use crate::scenario::journey::{Request, is_redirect};
use crate::web;

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

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
        let Client { requests, .. } = self.client;
        let place = requests.origin_of(self.request);
        let origin = &requests.origins[place];
        let (connection, reply) = self.deliver(origin, connection, &|| self.message()).await?;
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
        let mut message = self.message();
        loop {
            let from = url(&origin, &message).ok_or("the request's own URL cannot be told")?;
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
            self.tally.hops.borrow_mut().push(format!("{} to {}", reply.status, web::shown(to.as_str())));
            connection = self.client.connect(place, &origin, self.request.connect_timeout).await?;
            (connection, reply) = self.deliver(&origin, connection, &|| message.clone()).await?;
        }
    }

    /// Sends a message over a connection, and once more over a new one if that had died meanwhile: if
    /// nothing was sent, or a request that may be sent twice was not answered in any part.
    async fn deliver(
        &self,
        origin: &Origin,
        mut connection: Connection,
        message: &dyn Fn() -> Message,
    ) -> Result<(Connection, Reply), String> {
        let failure = match connection.send(self.with_cookies(origin, message()), self.keep).await {
            Ok(reply) => return Ok((connection, self.received(origin, message, reply))),
            Err(failure) => failure,
        };
        if matches!(failure, SendFailure::ManyHeaders) {
            origin.note_many_headers();
        }
        match failure {
            SendFailure::Unsent => {}
            SendFailure::Silent(_) | SendFailure::ManyHeaders
                if self.client.requests.is_idempotent(self.request) =>
            {
                count(&self.tally.repeats);
            }
            other => return Err(other.reason()),
        }
        let mut connection = Connection::open(origin, self.request.connect_timeout).await?;
        let sent = connection.send(self.with_cookies(origin, message()), self.keep).await;
        let reply = sent.map_err(SendFailure::reason)?;
        Ok((connection, self.received(origin, message, reply)))
    }

    /// The message of the request itself, without the user's cookies.
    fn message(&self) -> Message {
        let mut message = self.client.requests.message(self.request, self.draft);
        if let Some(trace) = &self.trace {
            message.headers_mut().insert(TRACEPARENT, trace.clone());
        }
        message
    }

    /// A message with the cookies that its user has for its server.
    fn with_cookies(&self, origin: &Origin, mut message: Message) -> Message {
        if self.request.cookies
            && !self.client.jar.is_empty()
            && let Some(url) = url(origin, &message)
        {
            self.client.jar.give(&url, message.headers_mut());
            if self.tally.redirects.get() == 0 {
                self.tally.cookies.set(message.headers().get(COOKIE).cloned());
            }
        }
        message
    }

    /// Notes what has come.
    fn received(&self, origin: &Origin, message: &dyn Fn() -> Message, reply: Reply) -> Reply {
        self.tally.bytes_in.set(self.tally.bytes_in.get() + reply.bytes_in);
        if self.request.cookies
            && reply.headers.contains_key(SET_COOKIE)
            && let Some(url) = url(origin, &message())
        {
            self.client.jar.take(&url, &reply.headers);
        }
        reply
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
            _ => None,
        }
    }
}

/// The URL that a message goes to.
fn url(origin: &Origin, message: &Message) -> Option<Url> {
    Url::parse(&format!("{}{}", origin.url, message.uri())).ok()
}

fn count(tally: &Cell<u8>) {
    tally.set(tally.get().saturating_add(1));
}
