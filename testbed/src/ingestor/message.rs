//! A message, as clients send it and as it waits in the queue.

use serde::{Deserialize, Serialize};

/// Users are 1 to this.
const USERS: i64 = 10_000;
/// Channels are 1 to this.
const CHANNELS: i64 = 100;
/// Most characters of a message.
const LONGEST: usize = 4096;

/// What a client sends.
#[derive(Debug, Deserialize)]
pub(super) struct Posted {
    user_id: i64,
    channel_id: i64,
    content: String,
}

/// A message that was received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) user_id: i64,
    pub(super) channel_id: i64,
    pub(super) content: String,
    /// When it was received, µs since 1970.
    pub(super) created_at: i64,
}

impl Posted {
    /// The message, with an id of its own, or why it is refused.
    pub(super) fn received(self, created_at: i64) -> Result<Message, String> {
        let Posted { user_id, channel_id, content } = self;
        if !(1..=USERS).contains(&user_id) {
            return Err(format!("user_id is a whole number from 1 to {USERS}"));
        }
        if !(1..=CHANNELS).contains(&channel_id) {
            return Err(format!("channel_id is a whole number from 1 to {CHANNELS}"));
        }
        if content.is_empty() || content.chars().count() > LONGEST {
            return Err(format!("content has 1 to {LONGEST} characters"));
        }
        let id = uuid::Uuid::new_v4().to_string();
        Ok(Message { id, user_id, channel_id, content, created_at })
    }
}

#[cfg(test)]
mod tests {
    use super::Posted;

    #[test]
    fn what_is_out_of_range_is_refused() {
        let of = |user_id, channel_id, content: &str| {
            Posted { user_id, channel_id, content: content.to_owned() }.received(1)
        };
        assert!(of(1, 100, "x").is_ok() && of(10_000, 1, "x").is_ok());
        for refused in [of(0, 1, "x"), of(10_001, 1, "x"), of(1, 0, "x"), of(1, 101, "x"), of(1, 1, "")] {
            assert!(refused.is_err());
        }
    }
}
