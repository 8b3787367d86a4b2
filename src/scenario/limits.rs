//! How much a load may be. Beyond this nothing would be measured but the machine that makes it, and a load
//! would not end in time.

use std::time::Duration;

use crate::unit;

/// Most users of a part, or journeys at a time: each has a connection of its own, and a machine has fewer ports.
const USERS: u32 = 100_000;
/// Most journeys started per second: every one of them is stored.
const RATE: f64 = 100_000.0;
/// The longest that a load may last.
const TIME: Duration = Duration::from_hours(24 * 30);

/// Why so many users, or journeys at a time, are not to be had; none if they are.
pub(super) fn users(users: u32) -> Option<String> {
    (users > USERS).then(|| {
        format!(
            "at most {} are possible on one machine, each with a connection of its own",
            unit::count(USERS.into())
        )
    })
}

/// Why such a rate is not to be had; none if it is.
pub(super) fn rate(per_second: f64) -> Option<String> {
    (per_second > RATE)
        .then(|| format!("at most {} journeys per second can be started and stored", unit::plain(RATE)))
}

/// Why a load cannot last so long; none if it can.
pub(super) fn time(time: Duration) -> Option<String> {
    if time.is_zero() {
        return Some("a load of no time sends nothing".to_owned());
    }
    (time > TIME).then(|| format!("a load lasts at most {}", unit::span(TIME.as_secs_f64())))
}
