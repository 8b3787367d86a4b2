//! Steps that users take on WebSockets of their own.

use std::time::Duration;

use super::check::{Check, Extract};
use super::journey::Request;
use super::template::Text;
use crate::sample::EndpointId;

/// A step on one of a user's WebSockets.
#[derive(Clone, Debug)]
pub struct SocketStep {
    /// Place of the socket among the scenario's; each user has its own in every place.
    pub socket: usize,
    /// The socket's name.
    pub name: String,
    /// What is done.
    pub action: SocketAction,
    /// Whether the journey goes on after `failed` or `error`.
    pub continue_on_failure: bool,
}

/// What is done with a WebSocket.
#[derive(Clone, Debug)]
pub enum SocketAction {
    /// It is opened, in place of one that is open already.
    Open(Request),
    /// A message is sent.
    Send(SocketMessage),
    /// A message is waited for.
    Receive(Receive),
    /// It is closed, and the server's consent waited for.
    Close(Close),
}

impl SocketAction {
    /// Where the samples of the step are counted.
    pub fn endpoint(&self) -> EndpointId {
        match self {
            Self::Open(request) => request.endpoint,
            Self::Send(message) => message.endpoint,
            Self::Receive(receive) => receive.effect,
            Self::Close(close) => close.endpoint,
        }
    }
}

/// A message that is sent. Nothing acknowledges it: it has been sent when the machine has taken it.
#[derive(Clone, Debug)]
pub struct SocketMessage {
    /// Where its samples are counted.
    pub endpoint: EndpointId,
    /// What it says; none is an empty text.
    pub body: Option<Text>,
    /// How long the machine may take to accept it.
    pub timeout: Duration,
}

/// Waits for a message; the time from the end of the step before it is a sample of its own.
#[derive(Clone, Debug)]
pub struct Receive {
    /// Where the effect's samples are counted.
    pub effect: EndpointId,
    /// JSON pointers, and the values that the message must have there. If there are none, any message will do that has
    /// come since the step before was due.
    pub pointers: Vec<String>,
    /// The values, in the order of the pointers.
    pub values: Vec<Text>,
    /// What must hold of the message besides; else the effect has `failed`.
    pub checks: Vec<Check>,
    /// Variables taken from the message.
    pub extract: Vec<Extract>,
    /// When the message is given up, and stored as `failed`.
    pub within: Duration,
}

/// Closes a WebSocket.
#[derive(Clone, Copy, Debug)]
pub struct Close {
    /// Where its samples are counted.
    pub endpoint: EndpointId,
    /// How long the server may take to close it as well.
    pub timeout: Duration,
}
