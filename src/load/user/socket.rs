//! Steps on WebSockets: what a user does with its own.

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use tokio::time::timeout_at;

use super::{Next, User};
use crate::load::connections::Connections;
use crate::load::effect::{Cause, Effect};
use crate::load::exchange::{Due, exchange, make_ready};
use crate::load::pending::Pending;
use crate::load::websocket::{Listener, received};
use crate::load::worker::Worker;
use crate::sample::Outcome;
use crate::scenario::journey::{Request, SocketAction, SocketStep};
use crate::scenario::socket::{Close, Receive, SocketMessage};

impl User {
    /// Takes a step on a WebSocket.
    pub(super) async fn socket(&mut self, step: &SocketStep) -> Next {
        // A message is awaited from the moment at which its cause is done, as other effects are.
        if !matches!(step.action, SocketAction::Receive(_)) && !self.wait_until_due().await {
            return Next::Stop;
        }
        let outcome = match &step.action {
            SocketAction::Open(request) => self.open_socket(step.socket, request).await,
            SocketAction::Send(message) => self.send_message(step, message).await,
            SocketAction::Receive(receive) => self.receive_message(step, receive).await,
            SocketAction::Close(close) => self.close_socket(step, *close).await,
        };
        self.after(outcome, step.continue_on_failure)
    }

    /// Opens a socket in place of one that is open already, over a connection of its own.
    async fn open_socket(&mut self, place: usize, request: &Request) -> Outcome {
        self.sockets.drop_at(place);
        let (worker, connections) = (Rc::clone(&self.worker), Connections::default());
        let client = worker.client(&connections, &self.jar, &self.digests);
        let ready = make_ready(client, request, &self.scope).await;
        let due = Due { request, who: self.who, scope: &self.scope, intended: self.due, keep_body: false };
        let ended = exchange(client, due, ready, |_| ()).await;
        self.last = Cause { intended: self.due, done: ended.done };
        self.keep(ended.variables);
        self.was_tried(ended.is_sent).await;
        if ended.outcome == Outcome::Ok {
            // Where a scenario expects another status, there is no socket: the next step says so.
            self.sockets.opened(place, connections, request.body_limit).await;
        }
        ended.outcome
    }

    async fn send_message(&mut self, step: &SocketStep, message: &SocketMessage) -> Outcome {
        let worker = Rc::clone(&self.worker);
        let Worker { recording, requests, .. } = &*worker;
        let mut pending = Pending::new(recording, message.endpoint, self.who, self.scope.key(), self.due);
        let body =
            message.body.as_ref().map_or(Ok(Bytes::new()), |b| requests.templates.render(b, &self.scope));
        let body = match body {
            Ok(body) => body,
            Err(error) => {
                let (outcome, _) = pending.end_unanswered(Outcome::Failed, &error.to_string());
                self.rest().await;
                return outcome;
            }
        };
        let sent = Instant::now();
        pending.sent(sent, body.len());
        let done = match self.sockets.at(step.socket) {
            None => Err(not_open(&step.name)),
            Some(socket) => match timeout_at((sent + message.timeout).into(), socket.send(body)).await {
                Ok(done) => done,
                Err(_) => {
                    // What was sent in part leaves nothing to go on with.
                    self.sockets.drop_at(step.socket);
                    Err(format!("timeout after {:?}", message.timeout))
                }
            },
        };
        match done {
            Ok(done) => {
                pending.end(Outcome::Ok, None, done);
                self.last = Cause { intended: self.due, done };
                self.was_tried(true).await;
                Outcome::Ok
            }
            Err(reason) => {
                let (outcome, done) = pending.end_unanswered(Outcome::Error, &reason);
                self.last = Cause { intended: self.due, done };
                self.was_tried(false).await;
                outcome
            }
        }
    }

    async fn receive_message(&mut self, step: &SocketStep, receive: &Receive) -> Outcome {
        let worker = Rc::clone(&self.worker);
        let cause = self.last;
        let effect = Effect { endpoint: receive.effect, who: self.who, key: self.scope.key(), cause };
        let effect = effect.awaited(&worker.recording);
        let Some(socket) = self.sockets.at(step.socket) else {
            effect.end(0, Err((Outcome::Error, &not_open(&step.name))));
            self.was_tried(false).await;
            return Outcome::Error;
        };
        let (templates, scope) = (&*worker.requests.templates, &self.scope);
        let listener = Listener { templates, scope, timer: &worker.timer, cause };
        let message = received(socket, receive, listener, effect).await;
        self.waits += 1;
        self.due = Instant::now();
        let Some((at, variables)) = message else { return Outcome::Failed };
        // The next message counts from this one: the time between them.
        let at = at.max(cause.done);
        self.last = Cause { intended: at, done: at };
        self.keep(variables);
        Outcome::Ok
    }

    async fn close_socket(&mut self, step: &SocketStep, close: Close) -> Outcome {
        let worker = Rc::clone(&self.worker);
        let mut pending =
            Pending::new(&worker.recording, close.endpoint, self.who, self.scope.key(), self.due);
        let sent = Instant::now();
        pending.sent(sent, 0);
        let closed = match self.sockets.at(step.socket) {
            None => Err(not_open(&step.name)),
            Some(socket) => match timeout_at((sent + close.timeout).into(), socket.close()).await {
                Ok(closed) => closed,
                Err(_) => Err(format!("timeout after {:?}", close.timeout)),
            },
        };
        self.sockets.drop_at(step.socket);
        let (outcome, done) = match closed {
            Ok(()) => {
                let done = Instant::now();
                pending.end(Outcome::Ok, None, done);
                (Outcome::Ok, done)
            }
            Err(reason) => pending.end_unanswered(Outcome::Error, &reason),
        };
        self.last = Cause { intended: self.due, done };
        self.was_tried(outcome == Outcome::Ok).await;
        outcome
    }

    /// Goes on after something that went out, and rests after what could not even be tried.
    async fn was_tried(&mut self, is_sent: bool) {
        if is_sent {
            self.waits += 1;
            self.rests = 0;
        } else {
            self.rest().await;
        }
    }
}

fn not_open(name: &str) -> String {
    format!("the WebSocket `{name}` is not open")
}
