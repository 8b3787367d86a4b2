//! What users do on open WebSockets of their own.

use std::time::Duration;

use super::check::{Check, Extract};
use super::template::Text;
use crate::sample::EndpointId;

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
