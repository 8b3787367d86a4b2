//! A message of a session, as clients send it and as the log keeps it.

use serde::{Deserialize, Serialize};

/// Most characters of a message.
const LONGEST: usize = 16_384;

/// What a client sends.
#[derive(Debug, Deserialize)]
pub(super) struct Posted {
    session_id: Option<String>,
    persona_id: Option<String>,
    message: String,
    #[serde(default)]
    metadata: Metadata,
}

/// What a client says besides.
#[derive(Debug, Default, Deserialize)]
struct Metadata {
    tenant: Option<String>,
    persona_id: Option<String>,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "event_id")]
    pub(super) id: String,
    pub(super) session_id: String,
    pub(super) tenant: Option<String>,
    pub(super) persona_id: Option<String>,
    pub(super) message: String,
    /// When it was appended to the log, µs since 1970; 0 before.
    pub(super) wal_timestamp: i64,
}

impl Posted {
    /// The event, with an id of its own, or why it is refused. `tenant`: the one that the token names, before which no other
    /// counts.
    pub(super) fn received(self, tenant: Option<String>) -> Result<Event, String> {
        let Posted { session_id, persona_id, message, metadata } = self;
        if message.is_empty() || message.chars().count() > LONGEST {
            return Err(format!("message has 1 to {LONGEST} characters"));
        }
        let new_id = || uuid::Uuid::new_v4().to_string();
        Ok(Event {
            id: new_id(),
            session_id: session_id.filter(|id| !id.is_empty()).unwrap_or_else(new_id),
            tenant: tenant.or(metadata.tenant),
            persona_id: persona_id.or(metadata.persona_id),
            message,
            wal_timestamp: 0,
        })
    }
}
