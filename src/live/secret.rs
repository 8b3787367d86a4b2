//! Secrets: compared, never printed.

use std::fmt;
use std::str::FromStr;

use crate::checksum::{digest, sha256};

/// Fewest characters of a token that a user gives.
const LEAST: usize = 16;

/// Something that only those know who may come in.
#[derive(Clone)]
pub struct Secret(String);

/// Why a text cannot be a token. It does not hold the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token has at least {LEAST} characters, of letters, digits, `-`, `_`, `.` and `~`")]
pub struct NoToken;

impl Secret {
    /// One that nobody knows yet: 128 bits.
    pub(super) fn drawn() -> std::io::Result<Self> {
        let mut bytes = [0_u8; 16];
        rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
        Ok(Self(sha256(bytes)))
    }

    /// Whether a text is the same. How long this takes tells nothing of where the two differ.
    pub(super) fn is(&self, shown: &str) -> bool {
        digest(&self.0) == digest(shown)
    }

    /// Its text, for those who may come in.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = NoToken;

    fn from_str(text: &str) -> Result<Self, NoToken> {
        // What may stand in an address as it is.
        let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c));
        if is_plain && text.len() >= LEAST { Ok(Self(text.to_owned())) } else { Err(NoToken) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn secrets_are_told_apart_and_never_printed() {
        let (one, other) = (Secret::drawn().unwrap(), Secret::drawn().unwrap());
        assert!(one.is(one.reveal()) && !one.is(other.reveal()) && !one.is(""));
        assert_eq!(format!("{one:?}"), "Secret(…)");
    }

    #[test]
    fn a_token_is_long_and_may_stand_in_an_address() {
        assert!("0123456789abcde~".parse::<Secret>().is_ok());
        for text in ["", "short", "0123456789abcde&", "0123456789abcde f"] {
            assert!(text.parse::<Secret>().is_err(), "{text}");
        }
    }
}
